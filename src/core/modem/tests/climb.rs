//! The steps of recovery as the modem takes them: what is sent, what is asked of the shell, what is shown meanwhile.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use core::time::Duration;

use super::fake::Fake;
use super::rig::{Rig, submit};
use crate::modem::{Command, Event, Fault, Level, Means, PortAction, Profile, Settings, Shared, State, Why};

const ALL: Means = Means {
    usb_reset: true,
    power_cycle: true,
};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn ready(means: Means) -> Rig {
    let settings = Settings {
        means,
        ..Settings::default()
    };
    let mut rig = Rig::of(Profile::smallest(), settings, Fake::new());
    rig.command(Command::PortOpened);
    rig.events.clear();
    rig.fake.commands.clear();
    rig
}

/// Waits, doing for the port what a shell does: what is reset goes away and comes back 5 s later.
fn attend(rig: &mut Rig, time: Duration) {
    let seen = rig.events.len();
    attend_since(rig, time, seen);
}

/// The same, for what was asked since so many events.
fn attend_since(rig: &mut Rig, time: Duration, mut seen: usize) {
    let until = rig.now.monotonic + time;
    while rig.now.monotonic < until {
        rig.wait(secs(1));
        let asked = rig
            .events
            .iter()
            .skip(seen)
            .any(|event| matches!(event, Event::Port(_)));
        seen = rig.events.len();
        if asked {
            rig.command(Command::PortLost);
            rig.wait(secs(5));
            rig.command(Command::PortOpened);
        }
    }
}

fn steps(rig: &Rig) -> Vec<Level> {
    let level = |event: &Event| {
        if let Event::Recovering(level) = event {
            Some(*level)
        } else {
            None
        }
    };
    rig.events.iter().filter_map(level).collect()
}

fn minutes_until_quarantine(rig: &mut Rig) -> u64 {
    for minute in 0..60 {
        if matches!(rig.modem.state(), State::Quarantined(_)) {
            return minute;
        }
        attend(rig, secs(60));
    }
    panic!("never quarantined: {:?} {:?}", rig.modem.state(), steps(rig));
}

#[test]
fn a_modem_that_was_given_up_as_silent_and_speaks_is_looked_at_at_once_and_not_again_and_again() {
    let mut rig = ready(Means::default());
    rig.fake.mute = true;
    minutes_until_quarantine(&mut rig);
    rig.asked();
    rig.input(b"\r\n+CREG: 1\r\n");
    rig.wait(secs(60));
    assert!(rig.asked().contains(&"AT".to_string()));
    rig.wait(secs(300));
    assert_eq!(rig.modem.state(), State::Quarantined(Why::NotAnswering));
    rig.asked();
    rig.input(b"\r\n+CREG: 1\r\n");
    rig.wait(secs(15));
    assert_eq!(rig.asked(), Vec::<String>::new());
    rig.fake.mute = false;
    rig.wait(secs(300));
    rig.input(b"\r\n+CREG: 1\r\n");
    rig.wait(secs(15));
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn a_modem_that_stays_silent_is_quarantined_with_its_reason_and_tried_again() {
    let mut rig = ready(Means::default());
    rig.fake.mute = true;
    let took = minutes_until_quarantine(&mut rig);
    assert!(took <= 8, "{took}");
    assert_eq!(rig.modem.state(), State::Quarantined(Why::NotAnswering));
    assert_eq!(
        steps(&rig),
        [Level::Resync, Level::Reopen, Level::Reopen, Level::Restart]
    );
    rig.asked();
    rig.wait(secs(10 * 60));
    assert!(rig.asked().is_empty(), "left alone");
    rig.fake.mute = false;
    attend(&mut rig, secs(6 * 60));
    assert_eq!(rig.modem.state(), State::Ready);
    assert_eq!(rig.modem.recovery(), None);
}

#[test]
fn what_is_set_aside_stays_so_while_it_is_tried_again() {
    let mut rig = ready(Means::default());
    rig.fake.mute = true;
    minutes_until_quarantine(&mut rig);
    let before = steps(&rig).len();
    for _ in 0..25 {
        attend(&mut rig, secs(60));
        assert_eq!(rig.modem.state(), State::Quarantined(Why::NotAnswering));
    }
    assert!(steps(&rig).len() > before, "it was never tried again");
}

#[test]
fn with_the_means_it_is_reset_and_switched_off_and_on_before() {
    let mut rig = ready(ALL);
    rig.fake.mute = true;
    minutes_until_quarantine(&mut rig);
    let asked: Vec<&Event> = rig.events.iter().filter(|e| matches!(e, Event::Port(_))).collect();
    let [.., usb, power] = asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!(usb, &Event::Port(PortAction::UsbReset));
    assert_eq!(power, &Event::Port(PortAction::PowerCycle));
}

#[test]
fn a_modem_that_was_plugged_elsewhere_is_helped_with_what_can_be_done_there() {
    let powered = |set_up: Means, placed: Means| {
        let mut rig = ready(set_up);
        rig.command(Command::Placed(placed));
        rig.fake.mute = true;
        minutes_until_quarantine(&mut rig);
        rig.events.contains(&Event::Port(PortAction::PowerCycle))
    };
    assert!(powered(Means::default(), ALL));
    assert!(!powered(ALL, Means::default()));
}

/// The promise counts from its last word, and a text under way is waited on before anybody knows that it is silent.
#[test]
fn a_modem_that_hangs_over_a_text_is_set_aside_within_ten_minutes_after_every_step() {
    let mut rig = ready(ALL);
    rig.fake.mute = true;
    rig.command(submit(&[0x11]));
    rig.command(Command::Commit);
    rig.input(b"\r\n> ");
    let last_word = rig.now.monotonic;
    while !matches!(rig.modem.state(), State::Quarantined(_)) {
        attend(&mut rig, secs(1));
        let silent = rig.now.monotonic.since(last_word);
        assert!(
            silent <= secs(10 * 60),
            "{:?} after {:?}",
            rig.modem.state(),
            steps(&rig)
        );
    }
    use Level::{Power, Reopen, Restart, Resync, Usb};
    assert_eq!(steps(&rig), [Resync, Reopen, Reopen, Restart, Usb, Power]);
}

/// It answers some 15 s after its port is back.
#[test]
fn a_reset_over_usb_that_restarts_the_modem_is_given_the_time() {
    let mut rig = ready(ALL);
    rig.fake.mute = true;
    while steps(&rig).last() != Some(&Level::Usb) {
        attend(&mut rig, secs(1));
    }
    attend(&mut rig, secs(20));
    assert_eq!(rig.modem.recovery(), Some(Level::Usb));
    rig.fake.mute = false;
    attend(&mut rig, secs(15));
    assert_eq!(rig.modem.state(), State::Ready);
    assert!(!steps(&rig).contains(&Level::Power));
}

#[test]
fn shared_trouble_of_a_hub_spares_usb_and_power() {
    let mut rig = ready(ALL);
    rig.command(Command::Shared(Some(Shared::Hub)));
    rig.fake.mute = true;
    minutes_until_quarantine(&mut rig);
    assert_eq!(steps(&rig).into_iter().max(), Some(Level::Restart));
}

#[test]
fn a_submit_is_unknown_before_anything_is_done_about_it() {
    let mut rig = Rig::ready();
    rig.fake.mute = true;
    rig.command(submit(&[0x11]));
    rig.command(Command::Commit);
    rig.input(b"\r\n> ");
    rig.wait(secs(181));
    let told = rig.told();
    assert_eq!(
        told[..3],
        [
            "Submitted(NoAnswer(Timeout))",
            "NotReady(NotAnswering)",
            "Recovering(Resync)"
        ]
    );
    // A late answer would be lost with the port: it is waited for.
    rig.wait(secs(40));
    assert!(!rig.told().iter().any(|event| event == "Port(Reopen)"));
    rig.wait(secs(40));
    assert!(rig.told().iter().any(|event| event == "Port(Reopen)"));
}

#[test]
fn a_modem_that_comes_back_by_itself_in_a_long_pause_is_seen_within_a_minute_or_so() {
    let mut rig = ready(ALL);
    rig.fake.mute = true;
    while steps(&rig).last() != Some(&Level::Usb) {
        attend(&mut rig, secs(10));
    }
    // The pause before the power is switched.
    attend(&mut rig, secs(45));
    assert_eq!(rig.modem.recovery(), Some(Level::Power));
    assert!(rig.modem.next_step_at() > Some(rig.now.monotonic));
    rig.fake.mute = false;
    attend(&mut rig, secs(75));
    assert_eq!(rig.modem.state(), State::Ready);
    assert!(!steps(&rig).contains(&Level::Power));
}

#[test]
fn a_modem_that_answers_in_each_pause_and_hangs_at_each_bring_up_is_helped_all_the_same() {
    let mut rig = ready(ALL);
    rig.fake.overrides.insert("AT+CPIN?".into(), String::new());
    rig.command(Command::PortLost);
    rig.command(Command::PortOpened);
    let minutes = minutes_until_quarantine(&mut rig);
    assert_eq!(steps(&rig).last(), Some(&Level::Power), "{:?}", steps(&rig));
    assert!(minutes <= 20, "{minutes}");
}

#[test]
fn no_step_is_due_for_the_silence_of_a_modem_that_came_back_by_itself_without_its_sim() {
    let mut rig = ready(ALL);
    rig.fake.mute = true;
    while rig.modem.recovery() != Some(Level::Power) {
        attend(&mut rig, secs(10));
    }
    assert!(!steps(&rig).contains(&Level::Power));
    rig.fake.mute = false;
    rig.fake
        .overrides
        .insert("AT+CPIN?".into(), "\r\n+CME ERROR: 10\r\n".into());
    while rig.modem.state() != State::Degraded(Why::NoSim) {
        attend(&mut rig, secs(10));
    }
    assert_eq!(rig.modem.next_step_at(), None);
}

#[test]
fn a_port_that_vanishes_by_itself_counts_nowhere() {
    let mut rig = ready(ALL);
    for _ in 0..50 {
        rig.command(Command::PortLost);
        assert_eq!(rig.modem.state(), State::Absent);
        rig.wait(secs(20));
        rig.command(Command::PortOpened);
        rig.wait(secs(5));
        assert_eq!(rig.modem.state(), State::Ready);
    }
    assert_eq!(steps(&rig), []);
    assert_eq!(rig.modem.ladder().resets_on(rig.now.utc), 0);
}

#[test]
fn our_own_restart_may_take_the_port_away_for_a_while() {
    let mut rig = Rig::ready();
    rig.fake.mute = true;
    while steps(&rig).last() != Some(&Level::Restart) {
        attend(&mut rig, secs(5));
    }
    rig.wait(secs(6));
    assert!(rig.asked().contains(&"AT+CFUN=1,1".to_string()));
    rig.command(Command::PortLost);
    assert_eq!(rig.modem.state(), State::Recovering(Why::NotAnswering));
    rig.wait(secs(60));
    rig.fake = Fake::new();
    rig.command(Command::PortOpened);
    assert_eq!(rig.modem.state(), State::Ready);
    assert_eq!(rig.modem.ladder().resets_on(rig.now.utc), 1);
}

#[test]
fn a_port_that_stays_away_after_a_reset_is_absent_and_looked_for() {
    let mut rig = ready(Means {
        usb_reset: true,
        power_cycle: false,
    });
    rig.fake.mute = true;
    while steps(&rig).last() != Some(&Level::Usb) {
        attend(&mut rig, secs(1));
    }
    rig.command(Command::PortLost);
    rig.wait(secs(120));
    assert_eq!(rig.modem.state(), State::Absent);
    rig.fake.mute = false;
    rig.command(Command::PortOpened);
    rig.wait(secs(5));
    assert_eq!(rig.modem.state(), State::Ready);
}

fn without_network() -> Rig {
    let mut rig = Rig::ready();
    rig.fake = Fake::new()
        .with("AT+CREG?", "\r\n+CREG: 1,2\r\n\r\nOK\r\n")
        .with("AT+CFUN=4", "\r\nOK\r\n")
        .with("AT+CFUN=1", "\r\nOK\r\n");
    rig.fake.echo = false;
    rig.input(b"\r\n+CREG: 2\r\n");
    assert_eq!(rig.modem.state(), State::Degraded(Why::NotRegistered));
    rig
}

#[test]
fn without_a_network_the_radio_is_switched_off_and_on() {
    let mut rig = without_network();
    rig.wait(secs(170));
    assert_eq!(steps(&rig), []);
    rig.wait(secs(30));
    assert_eq!(steps(&rig), [Level::Radio]);
    rig.fake.overrides.remove("AT+CREG?");
    rig.wait(secs(10));
    let asked = rig.asked();
    let off = asked.iter().position(|command| command == "AT+CFUN=4");
    let on = asked.iter().position(|command| command == "AT+CFUN=1");
    assert!(off.is_some() && off < on, "{asked:?}");
    assert_eq!(rig.modem.state(), State::Ready);
    rig.wait(secs(2));
    assert_eq!(rig.modem.recovery(), None);
}

#[test]
fn a_network_that_stays_away_costs_few_steps_and_no_quarantine() {
    let mut rig = without_network();
    rig.fake
        .overrides
        .insert("AT+CFUN=1,1".to_string(), "\r\nOK\r\n".to_string());
    rig.wait(secs(3 * 3_600));
    let restarts = steps(&rig).iter().filter(|level| **level == Level::Restart).count();
    assert!(steps(&rig).len() <= 6 && restarts <= 3, "{:?}", steps(&rig));
    assert!(matches!(
        rig.modem.state(),
        State::Degraded(Why::NotRegistered) | State::Recovering(_)
    ));
    rig.fake.overrides.remove("AT+CREG?");
    rig.wait(secs(120));
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn a_network_that_is_away_for_all_costs_no_step() {
    let mut rig = without_network();
    rig.command(Command::Shared(Some(Shared::Operator)));
    rig.wait(secs(3_600));
    assert_eq!(steps(&rig), []);
    rig.command(Command::Shared(None));
    rig.wait(secs(20 * 60));
    assert_eq!(steps(&rig).first(), Some(&Level::Radio));
}

#[test]
fn a_sim_that_cannot_be_used_costs_one_radio_cycle() {
    let mut rig = Rig::ready();
    rig.fake
        .overrides
        .insert("AT+CPIN?".to_string(), "\r\n+CME ERROR: 14\r\n".to_string());
    rig.input(b"\r\n+CPIN: NOT READY\r\n");
    rig.wait(secs(2 * 3_600));
    assert_eq!(steps(&rig), [Level::Radio]);
    assert_eq!(rig.modem.state(), State::Degraded(Why::SimBusy));
}

#[test]
fn a_setting_refused_for_ever_ends_in_quarantine() {
    let mut rig = Rig::new(Fake::new().with("AT+CMGF=0", "\r\nERROR\r\n"));
    rig.command(Command::PortOpened);
    minutes_until_quarantine(&mut rig);
    assert_eq!(rig.modem.state(), State::Quarantined(Why::SetupRefused));
    let taken = steps(&rig);
    assert_eq!(taken[..4], [Level::SetUp, Level::SetUp, Level::Reopen, Level::Radio]);
}

#[test]
fn a_suspicion_leads_to_one_step_at_a_time_and_never_with_a_submit_open() {
    let mut rig = Rig::ready();
    rig.command(submit(&[0x11]));
    rig.command(Command::Suspect(Some(Fault::Deaf)));
    rig.wait(secs(20));
    assert_eq!(steps(&rig), [], "the prompt is open");
    rig.command(Command::Commit);
    rig.wait(secs(5));
    assert_eq!(steps(&rig), [Level::SetUp]);
    assert_eq!(rig.modem.state(), State::Ready);
    assert!(rig.asked().contains(&"AT+CNMI=2,1,0,1,0".to_string()));
    rig.command(Command::Suspect(Some(Fault::Deaf)));
    rig.wait(secs(60));
    assert_eq!(steps(&rig), [Level::SetUp, Level::Radio]);
}

#[test]
fn a_replugged_modem_leaves_quarantine_at_once() {
    let mut rig = ready(Means::default());
    rig.fake.mute = true;
    minutes_until_quarantine(&mut rig);
    rig.fake.mute = false;
    rig.command(Command::PortLost);
    rig.wait(secs(3));
    rig.command(Command::PortOpened);
    rig.wait(secs(5));
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn every_step_and_reason_has_words_for_people() {
    let levels = [
        Level::Resync,
        Level::SetUp,
        Level::Reopen,
        Level::Radio,
        Level::Restart,
        Level::Usb,
        Level::Power,
    ];
    let words: std::collections::BTreeSet<String> = levels.iter().map(|l| l.as_str().to_string()).collect();
    assert_eq!(words.len(), levels.len());
}

#[test]
fn a_card_that_wants_its_pin_again_is_found_out_when_the_network_goes() {
    // A modem that restarted unseen may have forgotten that it should say why.
    for refusal in ["+CME ERROR: 11", "ERROR"] {
        let mut rig = without_network();
        rig.asked();
        rig.fake
            .overrides
            .insert("AT+CIMI".to_string(), format!("\r\n{refusal}\r\n"));
        rig.wait(secs(62));
        let asked = rig.asked();
        assert!(
            asked.contains(&"AT+CPIN?".to_string()),
            "nobody asked the card: {asked:?}"
        );
    }
}

#[test]
fn a_network_is_looked_for_every_5_s_and_after_two_minutes_every_30_s() {
    let mut rig = without_network();
    rig.command(Command::Shared(Some(Shared::Operator)));
    let mut asked_in = |seconds| {
        rig.asked();
        rig.wait(secs(seconds));
        rig.asked().iter().filter(|command| *command == "AT+CREG?").count()
    };
    let (at_first, later) = (asked_in(100), asked_in(1_000));
    assert!((18..=22).contains(&at_first), "{at_first} times");
    assert!((30..=45).contains(&later), "{later} times");
}

/// The modem restarts by itself every minute for so long.
fn loops(rig: &mut Rig, minutes: u32) {
    for _ in 0..minutes {
        let seen = rig.events.len();
        rig.input(b"\r\nRDY\r\n");
        attend_since(rig, secs(60), seen);
    }
}

#[test]
fn a_modem_that_restarts_again_and_again_is_reset_from_outside_and_then_left_alone() {
    let mut rig = ready(ALL);
    loops(&mut rig, 4);
    assert_eq!(
        (steps(&rig), rig.modem.state()),
        (Vec::new(), State::Ready),
        "four may be an accident"
    );
    loops(&mut rig, 16);
    assert_eq!(steps(&rig), [Level::Usb, Level::Power, Level::Reopen, Level::Reopen]);
    loops(&mut rig, 10);
    assert_eq!(rig.modem.state(), State::Quarantined(Why::Looping));
    // Left alone whatever it says by itself, then tried again; calm now, it serves.
    rig.asked();
    loops(&mut rig, 2);
    assert_eq!(
        (rig.asked(), rig.modem.state()),
        (Vec::new(), State::Quarantined(Why::Looping))
    );
    attend(&mut rig, secs(16 * 60));
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn restarts_now_and_then_are_no_loop() {
    let mut rig = ready(ALL);
    for _ in 0..30 {
        rig.input(b"\r\nRDY\r\n");
        attend(&mut rig, secs(151));
    }
    assert_eq!((steps(&rig), rig.modem.state()), (Vec::new(), State::Ready));
}

#[test]
fn without_means_from_outside_a_looping_modem_is_left_alone_at_last() {
    let mut rig = ready(Means::default());
    loops(&mut rig, 20);
    assert_eq!(rig.modem.state(), State::Quarantined(Why::Looping));
    assert!(
        steps(&rig).iter().all(|level| *level == Level::Reopen),
        "{:?}",
        steps(&rig)
    );
}

#[test]
fn a_modem_that_would_not_announce_anything_is_set_up_again_later_and_not_for_ever() {
    let refused = |command: &str| (command.to_string(), "\r\nERROR\r\n".to_string());
    let mut fake = Fake::new();
    fake.overrides
        .extend(["AT+CNMI=?", "AT+CNMI?", "AT+CNMI=2,1,0,1,0"].map(refused));
    let mut rig = Rig::new(fake);
    rig.command(Command::PortOpened);
    assert_eq!(rig.modem.state(), State::Ready);
    let set_ups = |rig: &mut Rig| {
        let asked = rig.asked();
        asked.iter().filter(|command| *command == "AT+CNMI=?").count()
    };
    assert!(set_ups(&mut rig) > 0);
    rig.wait(secs(9 * 60));
    assert_eq!(set_ups(&mut rig), 0);
    rig.wait(secs(2 * 60));
    assert!(set_ups(&mut rig) > 0);
    rig.wait(secs(6 * 3_600));
    assert!(set_ups(&mut rig) > 0);
    rig.wait(secs(24 * 3_600));
    assert_eq!(set_ups(&mut rig), 0);
    assert_eq!(rig.modem.state(), State::Ready);
}
