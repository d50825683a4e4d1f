//! Modems that are found while the bank runs.

use std::boxed::Box;
use std::format;
use std::vec::Vec;

use super::*;
use crate::base::{UtcTime, limits};
use crate::modem::{Profile, Settings};

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
