//! From an open port to a modem that can send.

use std::string::{String, ToString};
use std::vec::Vec;

use core::time::Duration;

use super::fake::Fake;
use super::rig::Rig;
use crate::modem::Pin;
use crate::modem::profile::{Action, Learn, Step};
use crate::modem::{Access, Command, Event, Profile, Registration, Settings, State, Why};

fn opened(fake: Fake) -> Rig {
    let mut rig = Rig::new(fake);
    rig.command(Command::PortOpened);
    rig
}

#[test]
fn a_modem_that_answers_at_once_is_ready_at_once() {
    let mut rig = opened(Fake::new());
    assert_eq!(rig.modem.state(), State::Ready);
    assert_eq!(
        rig.told(),
        [
            "NotReady(Starting)",
            "HealthChanged",
            "Identified(..)",
            "Ready",
            "HealthChanged",
            "HealthChanged"
        ]
    );
    let identity = rig.modem.identity();
    assert_eq!(identity.imei.as_deref(), Some("866123040000017"));
    assert_eq!(identity.iccid.as_deref(), Some("8935301234567890123"));
    assert_eq!(identity.imsi.as_deref(), Some("272010123456789"));
    let health = rig.modem.health();
    assert_eq!(health.signal_dbm, Some(-73));
    assert_eq!(health.registration, Registration::Home);
    assert_eq!(health.operator.as_str(), "Operator");
    assert_eq!(health.access, Access::G4);
    assert_eq!(
        rig.asked(),
        [
            "AT",
            "ATE0",
            "AT+CMEE=1",
            "AT+CGMI",
            "AT+CGMM",
            "AT+CGMR",
            "AT+CGSN",
            "AT+CPIN?",
            "AT+CIMI",
            "AT+CCID",
            "AT+CREG=1",
            "AT+CEREG=1",
            "AT+CMGF=0",
            "AT+CPMS=?",
            "AT+CPMS=\"SM\",\"SM\",\"SM\"",
            "AT+CPMS?",
            "AT+CNMI=?",
            "AT+CNMI=2,1,0,1,0",
            "AT+CNMI?",
            "AT+CREG?",
            "AT+CEREG?",
            "AT+CPMS=\"SM\"",
            "AT+CMGL=4",
            "AT+CSQ",
            "AT+CREG?",
            "AT+CEREG?",
            "AT+COPS?"
        ]
    );
}

#[test]
fn a_modem_that_knows_next_to_nothing_can_send() {
    let mut fake = Fake::new();
    for command in [
        "ATE0",
        "AT+CMEE=1",
        "AT+CGMI",
        "AT+CGMM",
        "AT+CGMR",
        "AT+CGSN",
        "AT+CPIN?",
        "AT+CIMI",
        "AT+CCID",
        "AT+CREG=1",
        "AT+CEREG=1",
        "AT+CREG?",
        "AT+CEREG?",
        "AT+CPMS=?",
        "AT+CPMS?",
        "AT+CNMI=?",
        "AT+CNMI?",
        "AT+CSQ",
        "AT+COPS?",
        "AT+CMGL=4",
        "AT+CPMS=\"SM\"",
        "AT+CNMI=2,1,0,1,0",
    ] {
        fake = fake.with(command, "\r\nERROR\r\n");
    }
    let mut rig = opened(fake);
    // AT+CPIN? is asked three times before its ERROR is believed.
    rig.wait(Duration::from_secs(12));
    assert_eq!(rig.modem.state(), State::Ready, "it cannot tell");
    let asked = rig.asked().iter().filter(|asked| *asked == "AT+CIMI").count();
    assert_eq!(asked, 2, "nobody knows whose budget it would use: asked again");
    assert_eq!(rig.modem.identity().imei, None);
}

#[test]
fn questions_answered_by_ok_alone_do_not_hold_up_the_start() {
    let mut profile = Profile::smallest();
    let mut fake = Fake::new();
    for step in &mut profile.steps {
        if let Action::Send { learn, commands, .. } = &step.action
            && *learn != Learn::Nothing
        {
            step.tries = 5;
            for command in commands {
                fake = fake.with(command, "\r\nOK\r\n");
            }
        }
    }
    let mut rig = Rig::of(profile, Settings::default(), fake);
    rig.command(Command::PortOpened);
    rig.wait(Duration::from_secs(2));
    assert_eq!(rig.modem.state(), State::Ready);
    let asked = rig.asked();
    let times = |command: &str| asked.iter().filter(|a| *a == command).count();
    assert_eq!(
        (times("AT+CIMI"), times("AT+CGSN")),
        (1, 2),
        "the IMEI again: an answer may be one behind"
    );
}

#[test]
fn text_mode_only_is_of_no_use() {
    let mut rig = opened(Fake::new().with("AT+CMGF=0", "\r\nERROR\r\n"));
    rig.wait(Duration::from_secs(12));
    assert_eq!(rig.modem.state(), State::Recovering(Why::SetupRefused));
    rig.asked();
    // Tried again after ten seconds, then later and later.
    rig.wait(Duration::from_secs(30));
    assert!(rig.asked().iter().any(|command| command == "AT+CMGF=0"));
    rig.fake.overrides.clear();
    rig.wait(Duration::from_secs(60));
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn a_sim_that_wakes_slowly_is_waited_for() {
    let mut rig = opened(Fake::new().with("AT+CPIN?", "\r\n+CME ERROR: 14\r\n"));
    rig.wait(Duration::from_secs(20));
    assert_eq!(rig.modem.state(), State::Starting);
    rig.fake.overrides.clear();
    rig.wait(Duration::from_secs(2));
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn without_a_sim_the_modem_is_alive_and_looked_at_again() {
    let mut rig = opened(Fake::new().with("AT+CPIN?", "\r\n+CME ERROR: 10\r\n"));
    rig.wait(Duration::from_secs(90));
    assert_eq!(rig.modem.state(), State::Degraded(Why::NoSim));
    assert!(!rig.told().iter().any(|event| event.starts_with("Identified")));
    rig.fake.overrides.clear();
    rig.wait(Duration::from_secs(90));
    assert_eq!(rig.modem.state(), State::Ready);
}

fn locked(tries: &str, pin: Option<&str>) -> Rig {
    let fake = Fake::new()
        .with("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n")
        .with("AT+CPINR=\"SIM PIN\"", tries)
        .with("AT+CPIN=\"1234\"", "\r\n+CME ERROR: 16\r\n");
    let settings = Settings {
        pin: pin.and_then(Pin::from_digits),
        ..Settings::default()
    };
    let mut rig = Rig::of(Profile::smallest(), settings, fake);
    rig.command(Command::PortOpened);
    rig
}

#[test]
fn a_wrong_pin_is_given_once_whatever_happens_after() {
    let mut rig = locked("\r\n+CPINR: SIM PIN,3,3\r\n\r\nOK\r\n", Some("1234"));
    assert_eq!(rig.modem.state(), State::Failed(Why::PinRefused));
    for _ in 0..20 {
        rig.wait(Duration::from_secs(160));
        rig.command(Command::PortLost);
        rig.command(Command::PortOpened);
        rig.input(b"\r\nRDY\r\n");
    }
    let given = rig
        .asked()
        .iter()
        .filter(|command| command.starts_with("AT+CPIN="))
        .count();
    assert_eq!(given, 1);
    assert_eq!(rig.modem.state(), State::Failed(Why::PinRefused));
}

#[test]
fn a_pin_whose_answer_was_lost_is_given_again_only_when_the_counter_stands() {
    for (left_after, given_in_all) in [("3", 2), ("2", 1)] {
        let mut rig = locked("\r\n+CPINR: SIM PIN,3,3\r\n\r\nOK\r\n", None);
        rig.modem.settings.pin = Pin::from_digits("1234");
        rig.fake.overrides.insert("AT+CPIN=\"1234\"".to_string(), String::new());
        rig.wait(Duration::from_secs(61));
        let after = std::format!("\r\n+CPINR: SIM PIN,{left_after},3\r\n\r\nOK\r\n");
        rig.fake.overrides.insert("AT+CPINR=\"SIM PIN\"".to_string(), after);
        rig.fake
            .overrides
            .insert("AT+CPIN=\"1234\"".to_string(), "\r\n+CME ERROR: 16\r\n".to_string());
        rig.wait(Duration::from_secs(300));
        let given = rig.asked().iter().filter(|asked| asked.starts_with("AT+CPIN=")).count();
        assert_eq!(given, given_in_all, "{left_after} left");
        assert_eq!(rig.modem.state(), State::Failed(Why::PinRefused));
    }
}

#[test]
fn a_pin_is_not_given_where_it_could_burn_the_sim() {
    for (tries, pin) in [
        ("\r\n+CPINR: SIM PIN,2,3\r\n\r\nOK\r\n", Some("1234")),
        ("\r\nERROR\r\n", Some("1234")),
        ("\r\n+CPINR: SIM PIN,3,3\r\n\r\nOK\r\n", None),
    ] {
        let mut rig = locked(tries, pin);
        rig.wait(Duration::from_secs(300));
        assert_eq!(rig.modem.state(), State::Failed(Why::PinNeeded));
        assert!(!rig.asked().iter().any(|command| command.starts_with("AT+CPIN=")));
    }
}

#[test]
fn without_network_the_modem_is_degraded_until_it_says_so_or_is_asked() {
    let searching = |fake: Fake| {
        fake.with("AT+CREG?", "\r\n+CREG: 1,2\r\n\r\nOK\r\n")
            .with("AT+CEREG?", "\r\n+CEREG: 1,0\r\n\r\nOK\r\n")
    };
    let mut rig = opened(searching(Fake::new()));
    assert_eq!(rig.modem.state(), State::Degraded(Why::NotRegistered));
    rig.input(b"\r\n+CREG: 1\r\n");
    assert_eq!(rig.modem.state(), State::Ready);
    rig.input(b"\r\n+CREG: 2\r\n");
    assert_eq!(rig.modem.state(), State::Degraded(Why::NotRegistered));
    rig.fake.overrides.clear();
    rig.wait(Duration::from_secs(6));
    assert_eq!(rig.modem.state(), State::Ready);
    rig.input(b"\r\n+CREG: 3\r\n");
    assert_eq!(rig.modem.state(), State::Degraded(Why::Denied));
    // LTE alone is enough.
    rig.input(b"\r\n+CEREG: 5,\"00D1\",\"0ABCDEF1\",7\r\n");
    assert_eq!(rig.modem.state(), State::Ready);
    assert_eq!(rig.modem.health().registration, Registration::Roaming);
}

#[test]
fn a_stuck_prompt_is_left_without_sending_what_is_in_it() {
    let mut rig = Rig::new(Fake::new());
    rig.fake.take(b"AT+CMGS=20\r0011");
    rig.command(Command::PortOpened);
    rig.wait(Duration::from_secs(5));
    assert_eq!(rig.modem.state(), State::Ready);
    assert!(rig.fake.sent.is_empty());
}

#[test]
fn a_silent_port_is_asked_for_again_and_then_left_alone() {
    let mut rig = Rig::new(Fake::new());
    rig.fake.mute = true;
    rig.command(Command::PortOpened);
    let mut asked_at = Vec::new();
    for second in 0..400 {
        rig.wait(Duration::from_secs(1));
        if rig.told().iter().any(|event| event == "Port(Reopen)") {
            asked_at.push(second);
            rig.command(Command::PortOpened);
        }
    }
    assert_eq!(rig.modem.state(), State::Quarantined(Why::NotAnswering));
    assert_eq!(asked_at.len(), 2, "{asked_at:?}");
    rig.fake.mute = false;
    rig.wait(Duration::from_secs(700));
    rig.command(Command::PortOpened);
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn an_answer_one_behind_is_noticed_by_the_imei() {
    // A late OK of an earlier life stands in the way: every answer is that of the command before.
    let mut rig = Rig::new(Fake::new());
    rig.fake.echo = false;
    let mut behind = "\r\nOK\r\n".to_string().into_bytes();
    rig.modem.handle_command(rig.now, Command::PortOpened);
    for _ in 0..40 {
        let Some(octets) = rig.modem.poll_transmit() else { break };
        let next = rig.fake.take(&octets);
        rig.modem.handle_input(rig.now, &core::mem::replace(&mut behind, next));
    }
    // The drain swallows what is behind; from then on the modem answers in step.
    rig.input(&behind);
    rig.wait(Duration::from_secs(5));
    assert_eq!(rig.modem.state(), State::Ready);
    assert_eq!(rig.modem.identity().imei.as_deref(), Some("866123040000017"));
}

#[test]
fn the_service_centre_is_set_when_it_is_another() {
    let mut profile = Profile::smallest();
    profile.steps.push(Step {
        tries: 2,
        ..Step::of("service_centre", Action::ServiceCentre)
    });
    profile.steps.push(Step::learn(&["AT+CSMS?"], Learn::SmsService));
    let settings = Settings {
        smsc: crate::base::PhoneNumber::from_e164("+353870000001").ok(),
        ..Settings::default()
    };
    let fake = Fake::new()
        .with("AT+CSCA?", "\r\n+CSCA: \"+353870000002\",145\r\n\r\nOK\r\n")
        .with("AT+CSCA=\"+353870000001\",145", "\r\nOK\r\n");
    let mut rig = Rig::of(profile, settings, fake);
    rig.command(Command::PortOpened);
    rig.wait(Duration::from_secs(2));
    assert!(rig.asked().contains(&"AT+CSCA=\"+353870000001\",145".to_string()));
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn a_restart_in_the_middle_begins_anew_once() {
    let mut rig = opened(Fake::new().with("AT+CPIN?", "\r\n+CME ERROR: 14\r\n"));
    rig.asked();
    rig.input(b"\r\nRDY\r\n");
    rig.input(b"\r\n+CFUN: 1\r\n\r\nCall Ready\r\n\r\nSMS Ready\r\n");
    let asked = rig.asked();
    assert_eq!(asked.iter().filter(|command| *command == "AT").count(), 1, "{asked:?}");
    assert!(rig.events.contains(&Event::Restarted));
}

#[test]
fn a_second_restart_soon_after_the_first_is_known_by_the_silence_after_it() {
    let mut rig = opened(Fake::new().with("AT+CNMI?", ""));
    rig.input(b"\r\nRDY\r\n");
    rig.wait(Duration::from_secs(2));
    assert_eq!(rig.asked().last().map(String::as_str), Some("AT+CNMI?"));
    rig.input(b"\r\nRDY\r\n");
    rig.fake.overrides.clear();
    rig.wait(Duration::from_secs(400));
    let asked = rig.asked();
    assert!(asked.contains(&"AT+CMGF=0".to_string()), "{asked:?}");
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn a_card_that_is_not_there_is_asked_for_every_second_for_20_s_and_then_more_rarely() {
    let mut rig = opened(Fake::new().with("AT+CPIN?", "\r\n+CME ERROR: 10\r\n"));
    let questions = |rig: &mut Rig| rig.asked().iter().filter(|command| *command == "AT+CPIN?").count();
    rig.wait(Duration::from_secs(19));
    assert_eq!(questions(&mut rig), 20);
    rig.wait(Duration::from_secs(40));
    assert!((2..=5).contains(&questions(&mut rig)));
    assert_eq!(rig.modem.state(), State::Degraded(Why::NoSim));
}

#[test]
fn a_sim_that_does_not_tell_its_name_this_time_is_asked_until_it_does() {
    let mut rig = opened(Fake::new());
    rig.wait(Duration::from_secs(3));
    assert_eq!(rig.modem.state(), State::Ready);
    // Somebody moves the card while it is asked.
    for command in ["AT+CIMI", "AT+CCID"] {
        rig.fake
            .overrides
            .insert(command.to_string(), "\r\nERROR\r\n".to_string());
    }
    rig.command(Command::PortLost);
    rig.command(Command::PortOpened);
    rig.wait(Duration::from_secs(120));
    assert_eq!(rig.modem.state(), State::Degraded(Why::SimNameless));
    rig.fake.overrides.remove("AT+CIMI");
    rig.wait(Duration::from_secs(60));
    assert_eq!(rig.modem.state(), State::Ready);
}
