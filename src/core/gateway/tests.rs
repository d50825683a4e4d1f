//! Modems that are found while the bank runs, and what a modem must not do before the store knows.

use std::boxed::Box;
use std::format;
use std::vec::Vec;

use super::*;
use crate::base::{Ban, ModemId, Past, Ulid, UtcTime, limits};
use crate::modem::{Pin, Profile, Settings};
use crate::queue::verbs::{Introduced, PinEnd, PinTried};

use super::snapshot::{ModemSnapshot, ModemState};

fn settings(label: &str) -> SlotSettings {
    SlotSettings {
        label: label.into(),
        profiles: Profiles::new(Profile::smallest(), Vec::new()).unwrap(),
        modem: Settings::default(),
        plan: Plan::default(),
    }
}

fn at(seconds: u64) -> Now {
    Now {
        monotonic: Instant::from_micros(seconds * 1_000_000),
        utc: UtcTime::default(),
    }
}

#[test]
fn a_modem_found_later_gets_the_next_slot_and_is_brought_up() {
    let mut gateway = Gateway::new([settings("m0")].to_vec(), 7);
    gateway.handle_command(at(1), Command::SlotAdded(Box::new(settings("usb-1-1.2"))));
    let labels: Vec<_> = gateway.snapshot(at(1)).modems.into_iter().map(|m| m.label).collect();
    assert_eq!(labels, ["m0", "usb-1-1.2"]);
    assert_eq!(gateway.label(1), "usb-1-1.2");
    let told = core::iter::from_fn(|| gateway.poll_event()).any(|event| matches!(event, Event::Changed));
    assert!(told, "the status page must learn of it");
    gateway.handle_command(at(1), Command::PortOpened(1));
    let said = gateway.poll_transmit().expect("the new modem is spoken to");
    assert_eq!(said.slot, 1);
}

#[test]
fn a_bank_has_a_bound_also_for_modems_found_later() {
    let mut gateway = Gateway::new(Vec::new(), 7);
    for index in 0..limits::MODEMS + 3 {
        gateway.handle_command(at(1), Command::SlotAdded(Box::new(settings(&format!("usb-1-{index}")))));
    }
    assert_eq!(gateway.snapshot(at(1)).modems.len(), limits::MODEMS);
}

/// A gateway whose modem is asked for its PIN, up to the request to write the try down.
fn about_to_give_a_pin() -> (Gateway, u64) {
    let mut slot = settings("m0");
    slot.modem.pin = Pin::from_digits("4711");
    let mut gateway = Gateway::new([slot].to_vec(), 7);
    gateway.handle_command(at(1), Command::PortOpened(0));
    for second in 2..60 {
        gateway.handle_timeout(at(second));
        while let Some(said) = gateway.poll_transmit() {
            let answer: &[u8] = match said.octets.as_slice() {
                b"AT+CPIN?\r" => b"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n",
                b"AT+CCID\r" => b"\r\n8935301234567890123\r\n\r\nOK\r\n",
                b"AT+CPINR=\"SIM PIN\"\r" => b"\r\n+CPINR: SIM PIN,3,3\r\n\r\nOK\r\n",
                b"AT+CGSN\r" => b"\r\n866123040000017\r\n\r\nOK\r\n",
                _ => b"\r\nOK\r\n",
            };
            gateway.handle_input(at(second), 0, answer);
        }
        while let Some(event) = gateway.poll_event() {
            if let Event::Request {
                token,
                request: Request::TryPin(of),
            } = event
            {
                assert_eq!((of.holder.as_str(), of.tries_left), ("8935301234567890123", 3));
                return (gateway, token);
            }
        }
    }
    panic!("no PIN is wanted");
}

fn gives_pin(gateway: &mut Gateway) -> bool {
    core::iter::from_fn(|| gateway.poll_transmit()).any(|said| said.octets.starts_with(b"AT+CPIN=\"4711\""))
}

#[test]
fn a_pin_leaves_only_after_the_store_has_written_the_try_down() {
    let (mut gateway, token) = about_to_give_a_pin();
    assert!(!gives_pin(&mut gateway));
    let reply = Reply::PinTried(PinTried::Written);
    gateway.handle_command(at(60), Command::Reply { token, reply });
    assert!(gives_pin(&mut gateway));
    gateway.handle_input(at(61), 0, b"\r\n+CME ERROR: 16\r\n");
    let refused = core::iter::from_fn(|| gateway.poll_event()).any(|event| {
        let Event::Request {
            request: Request::EndPin(ended),
            ..
        } = event
        else {
            return false;
        };
        (ended.holder.as_str(), ended.end) == ("8935301234567890123", PinEnd::Refused)
    });
    assert!(refused, "the refusal is written down");
}

#[test]
fn a_pin_that_cannot_be_written_down_or_was_refused_before_stays_here() {
    for reply in [
        Reply::PinTried(PinTried::Refused),
        Reply::PinTried(PinTried::Unanswered),
        Reply::Unavailable,
    ] {
        let (mut gateway, token) = about_to_give_a_pin();
        gateway.handle_command(at(60), Command::Reply { token, reply });
        assert!(!gives_pin(&mut gateway));
        // The same try is not asked for a second time while its answer is on its way.
        let again = core::iter::from_fn(|| gateway.poll_event()).any(|event| {
            matches!(
                event,
                Event::Request {
                    request: Request::TryPin(_),
                    ..
                }
            )
        });
        assert!(!again);
    }
}

#[test]
fn what_is_written_down_after_the_modem_went_is_taken_back() {
    let (mut gateway, token) = about_to_give_a_pin();
    gateway.handle_command(at(60), Command::PortLost(0));
    let reply = Reply::PinTried(PinTried::Written);
    gateway.handle_command(at(60), Command::Reply { token, reply });
    let taken_back = core::iter::from_fn(|| gateway.poll_event()).any(|event| {
        matches!(event, Event::Request { request: Request::EndPin(ended), .. } if ended.end == PinEnd::NotGiven)
    });
    assert!(taken_back && !gives_pin(&mut gateway));
}

fn kept(gateway: &mut Gateway) -> Vec<Option<Ban>> {
    core::iter::from_fn(|| gateway.poll_event())
        .filter_map(|event| {
            if let Event::Request {
                request: Request::KeepPast(keep),
                ..
            } = event
            {
                Some(keep.past.ban)
            } else {
                None
            }
        })
        .collect()
}

#[test]
fn what_a_person_takes_is_kept_once_and_what_is_known_is_not_kept_again() {
    let mut gateway = Gateway::new([settings("m0")].to_vec(), 7);
    let order = |gateway: &mut Gateway, order| {
        gateway.handle_command(
            at(1),
            Command::Order {
                slot: 0,
                token: 1,
                order,
            },
        );
        kept(gateway)
    };
    assert_eq!(order(&mut gateway, Order::Drain), [Some(Ban::Drained)]);
    assert_eq!(order(&mut gateway, Order::Drain), []);
    assert_eq!(order(&mut gateway, Order::Disable), [Some(Ban::Disabled)]);
    assert_eq!(order(&mut gateway, Order::Enable), [None]);
    let mut slot = settings("m0");
    slot.modem.past.ban = Some(Ban::Drained);
    let mut gateway = Gateway::new([slot].to_vec(), 7);
    assert_eq!(order(&mut gateway, Order::ReadTrace), []);
    assert_eq!(order(&mut gateway, Order::Enable), [None]);
}

const CARD: SimId = SimId(Ulid::from_bits(7));

/// Lets time pass for both modems of a bank, which tell the same card, and answers as the store would.
fn live_with_one_card(gateway: &mut Gateway, from: u64) {
    for second in from..from + 60 {
        gateway.handle_timeout(at(second));
        while let Some(said) = gateway.poll_transmit() {
            let answer: &[u8] = match said.octets.as_slice() {
                b"AT+CPIN?\r" => b"\r\n+CPIN: READY\r\n\r\nOK\r\n",
                b"AT+CCID\r" => b"\r\n8935301234567890123\r\n\r\nOK\r\n",
                _ => b"\r\nOK\r\n",
            };
            gateway.handle_input(at(second), said.slot, answer);
        }
        while let Some(event) = gateway.poll_event() {
            if let Event::Request {
                token,
                request: Request::Introduce(introduce),
            } = event
            {
                let reply = Reply::Introduced(Box::new(Introduced {
                    modem: ModemId(Ulid::from_bits(introduce.label.len() as u128)),
                    sim: CARD,
                    plan: Plan::default(),
                    first_used_at: None,
                    sends: Vec::new(),
                    days: Vec::new(),
                    last_tp_mr: None,
                    receive_only: false,
                    past: Past::default(),
                }));
                gateway.handle_command(at(second), Command::Reply { token, reply });
            }
        }
    }
}

#[test]
fn a_sim_is_in_the_modem_that_told_of_it_last() {
    let mut gateway = Gateway::new([settings("m0"), settings("m1")].to_vec(), 7);
    let shown = |gateway: &Gateway| {
        let modems = gateway.snapshot(at(500)).modems;
        let shown = |modem: ModemSnapshot| (modem.state, modem.sim, modem.reason);
        modems.into_iter().map(shown).collect::<Vec<_>>()
    };
    let has = (ModemState::Ready, Some(CARD), String::new());
    let had = (
        ModemState::Degraded,
        None,
        String::from("another modem tells the same SIM"),
    );
    gateway.handle_command(at(1), Command::PortOpened(0));
    live_with_one_card(&mut gateway, 2);
    assert_eq!(shown(&gateway)[0], has);
    gateway.handle_command(at(100), Command::PortOpened(1));
    live_with_one_card(&mut gateway, 101);
    assert_eq!(shown(&gateway), [had.clone(), has.clone()]);
    // It comes back: what it sent meanwhile is told anew.
    gateway.handle_command(at(200), Command::PortLost(0));
    gateway.handle_command(at(201), Command::PortOpened(0));
    live_with_one_card(&mut gateway, 202);
    assert_eq!(shown(&gateway), [has, had]);
}
