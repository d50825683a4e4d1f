//! Silence, restarts, lost settings, vanished ports.

use std::string::ToString;

use core::time::Duration;

use super::fake::Fake;
use super::rig::{Rig, submit};
use crate::modem::{Command, State, Why};

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

#[test]
fn an_idle_modem_costs_next_to_nothing() {
    let mut rig = Rig::ready();
    rig.wait(minutes(60));
    let asked = rig.asked().len();
    // Signal each minute; a whole round and a listing every five.
    assert!((60..150).contains(&asked), "{asked}");
    assert_eq!(rig.modem.state(), State::Ready);
    assert!(rig.told().is_empty());
}

#[test]
fn a_modem_that_falls_silent_is_noticed_and_brought_back() {
    let mut rig = Rig::ready();
    rig.fake.mute = true;
    rig.wait(minutes(2));
    assert_eq!(rig.modem.state(), State::Recovering(Why::NotAnswering));
    rig.fake.mute = false;
    rig.wait(minutes(1));
    rig.command(Command::PortOpened);
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn the_first_command_after_idling_may_get_lost() {
    let mut rig = Rig::ready();
    rig.wait(Duration::from_secs(59));
    rig.fake.mute = true;
    rig.wait(Duration::from_secs(10));
    rig.fake.mute = false;
    rig.wait(minutes(5));
    assert_eq!(rig.modem.state(), State::Ready);
    assert!(rig.told().is_empty());
}

#[test]
fn a_vanished_port_ends_everything_by_how_far_it_got() {
    let mut rig = Rig::ready();
    rig.command(submit(&[0x11]));
    rig.command(Command::PortLost);
    assert_eq!(rig.told(), ["Submitted(NotSent(NoPrompt))", "NotReady(NoPort)"]);
    assert_eq!(rig.modem.state(), State::Absent);
    assert_eq!(rig.modem.poll_timeout(), None);
    rig.input(b"\r\nOK\r\n");
    rig.command(Command::PortOpened);
    // The prompt is still open at the other end.
    rig.wait(Duration::from_secs(3));
    assert_eq!(rig.modem.state(), State::Ready);
    rig.told();

    rig.fake.mute = true;
    rig.command(submit(&[0x11]));
    rig.input(b"\r\n> ");
    rig.command(Command::Commit);
    rig.command(Command::PortLost);
    assert_eq!(rig.told(), ["Submitted(NoAnswer(PortLost))", "NotReady(NoPort)"]);
}

#[test]
fn a_restart_while_serving_ends_the_submit_and_sets_up_again() {
    for (marker, written) in [
        ("RDY", true),
        ("^SYSSTART", false),
        ("*ATREADY: 1", true),
        ("+CFUN: 1", false),
        ("+WIND: 3", false),
    ] {
        let mut rig = Rig::ready();
        rig.fake.mute = true;
        rig.command(submit(&[0x11]));
        rig.input(b"\r\n> ");
        if written {
            rig.command(Command::Commit);
        }
        rig.fake = Fake::new();
        rig.input(std::format!("\r\n{marker}\r\n").as_bytes());
        let submitted = if written {
            "NoAnswer(ModemReset)"
        } else {
            "NotSent(NoPrompt)"
        };
        let told = rig.told();
        assert_eq!(
            told[..2],
            [std::format!("Submitted({submitted})"), "Restarted".to_string()],
            "{marker}"
        );
        assert_eq!(rig.modem.state(), State::Ready, "{marker}");
        assert!(rig.asked().contains(&"AT+CMGF=0".to_string()));
    }
}

#[test]
fn an_echo_that_returns_means_lost_settings_before_a_pdu_goes_out_as_text() {
    let mut rig = Rig::ready();
    rig.fake.echo = true;
    rig.command(submit(&[0x11]));
    rig.command(Command::Commit);
    assert!(rig.fake.sent.is_empty());
    assert_eq!(rig.told()[0], "Submitted(NotSent(NoPrompt))");
    rig.wait(Duration::from_secs(2));
    assert_eq!(rig.modem.state(), State::Ready);
    assert!(rig.asked().contains(&"AT+CMGF=0".to_string()));
    assert!(!rig.fake.echo);
}

#[test]
fn a_submit_that_waits_goes_back_when_the_modem_must_be_set_up_first() {
    let mut rig = Rig::ready();
    rig.fake.mute = true;
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    rig.command(submit(&[0x11]));
    assert!(!rig.told().iter().any(|event| event.starts_with("Submitted")));
    // The echo of what is outstanding: it restarted.
    rig.input(b"AT+CMGR=4\r");
    assert!(rig.told().contains(&"Submitted(NotSent(NoPrompt))".to_string()));
}

#[test]
fn a_silence_that_was_a_restart_ends_with_the_settings_back() {
    let mut rig = Rig::ready();
    rig.input(b"\r\nOK\r\n\r\nOK\r\n");
    assert_eq!(rig.modem.state(), State::Recovering(Why::NotAnswering));
    rig.fake.echo = true;
    rig.wait(Duration::from_secs(5));
    assert_eq!(rig.modem.state(), State::Ready);
    let asked = rig.asked();
    assert_eq!(asked[..3], ["AT", "ATE0", "AT+CGSN"].map(|c| c.to_string()));
    assert!(asked.contains(&"AT+CNMI=2,1,0,1,0".to_string()), "{asked:?}");
}

#[test]
fn a_modem_that_echoes_as_it_likes_is_not_set_up_for_ever() {
    let mut rig = Rig::ready();
    for _ in 0..20 {
        rig.fake.echo = !rig.fake.echo;
        rig.wait(minutes(1));
    }
    rig.asked();
    rig.fake.echo = !rig.fake.echo;
    rig.wait(minutes(3));
    assert!(!rig.asked().contains(&"AT+CMGF=0".to_string()));
    // What it did an hour ago says nothing about now.
    rig.fake.echo = false;
    rig.wait(minutes(61));
    rig.asked();
    rig.fake.echo = true;
    rig.wait(minutes(3));
    assert!(rig.asked().contains(&"AT+CMGF=0".to_string()));
}

#[test]
fn answers_out_of_step_are_brought_into_step() {
    let mut rig = Rig::ready();
    rig.input(b"\r\nOK\r\n");
    assert_eq!(rig.modem.state(), State::Ready);
    rig.input(b"\r\nOK\r\n");
    assert_eq!(rig.modem.state(), State::Recovering(Why::NotAnswering));
    rig.wait(Duration::from_secs(5));
    assert_eq!(rig.modem.state(), State::Ready);
    assert_eq!(rig.asked()[..3], ["AT", "ATE0", "AT+CGSN"].map(|c| c.to_string()));
}

#[test]
fn another_modem_on_the_same_port_is_brought_up() {
    let mut rig = Rig::ready();
    rig.fake = Fake::new().with("AT+CGSN", "\r\n866123040000099\r\n\r\nOK\r\n");
    rig.input(b"\r\nOK\r\n\r\nOK\r\n");
    rig.wait(minutes(1));
    assert_eq!(rig.modem.state(), State::Ready);
    assert_eq!(rig.modem.identity().imei.as_deref(), Some("866123040000099"));
}

#[test]
fn a_sim_that_goes_away_is_waited_for() {
    let mut rig = Rig::ready();
    rig.fake
        .overrides
        .insert("AT+CPIN?".to_string(), "\r\n+CME ERROR: 10\r\n".to_string());
    rig.input(b"\r\n+CPIN: NOT INSERTED\r\n");
    rig.wait(minutes(2));
    assert_eq!(rig.modem.state(), State::Degraded(Why::NoSim));
    rig.fake.overrides.clear();
    rig.input(b"\r\n+CPIN: READY\r\n");
    rig.wait(minutes(2));
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn a_port_that_does_not_come_back_is_asked_for_again() {
    let mut rig = Rig::ready();
    rig.fake.mute = true;
    rig.wait(minutes(5));
    let asked = rig.told().iter().filter(|event| *event == "Port(Reopen)").count();
    assert!((2..12).contains(&asked), "{asked}");
}

#[test]
fn a_modem_that_fell_silent_before_it_was_set_up_is_set_up_when_it_answers() {
    for silent_for in [3, 5, 7, 9, 12] {
        let mut fake = Fake::new();
        fake.mute = true;
        let mut rig = Rig::new(fake);
        rig.command(Command::PortOpened);
        rig.wait(Duration::from_secs(silent_for));
        rig.fake.mute = false;
        rig.wait(minutes(3));
        assert_eq!(rig.modem.state(), State::Ready, "{silent_for} s");
        assert!(
            rig.asked().iter().any(|command| command.starts_with("AT+CMGF")),
            "silent for {silent_for} s and never set up"
        );
        assert!(rig.told().iter().any(|event| event.starts_with("Identified")));
    }
}
