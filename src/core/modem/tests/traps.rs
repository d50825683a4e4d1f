//! What firmware and cards do that no standard says: reports announced where they are not, deletions that do not happen, lost
//! announcements, calls, PINs that must not be burnt.

use std::string::ToString;
use std::vec::Vec;

use core::time::Duration;

use super::fake::Fake;
use super::rig::{Rig, places, submit};
use crate::at::Memory;
use crate::modem::profile::{Action, Learn, Step};
use crate::modem::{
    AtLine, Command, Event, Order, Pin, PinEnd, Place, Profile, Profiles, Settings, State, Why, Wiring,
};

const OK: &str = "\r\nOK\r\n";

fn stored(mark: u8) -> (std::string::String, usize) {
    (std::format!("0291530401{mark:02X}AA"), 4)
}

fn sm(index: u16) -> Place {
    Place::Stored {
        memory: Memory::SM,
        index,
    }
}

fn opened(profiles: impl Into<Profiles>, settings: Settings, fake: Fake) -> Rig {
    let mut rig = Rig::of_any(profiles.into(), settings, fake);
    rig.command(Command::PortOpened);
    rig
}

#[test]
fn a_report_that_is_not_where_it_is_announced_is_looked_for_among_the_reports() {
    let fake = Fake::new().with(
        "AT+CPMS=?",
        "\r\n+CPMS: (\"SM\",\"SR\"),(\"SM\"),(\"SM\")\r\n\r\nOK\r\n",
    );
    let mut rig = opened(Profile::smallest(), Settings::default(), fake);
    rig.asked();
    rig.input(b"\r\n+CDSI: \"SM\",0\r\n");
    assert_eq!(
        rig.asked(),
        ["AT+CPMS=\"SM\"", "AT+CMGR=0", "AT+CPMS=\"SR\"", "AT+CMGL=4"]
    );
    // From now on the reports are listed with the rest.
    rig.wait(Duration::from_secs(310));
    assert!(rig.asked().contains(&"AT+CPMS=\"SR\"".to_string()));
}

#[test]
fn what_lies_among_the_reports_at_the_start_is_listed_once() {
    let fake = Fake::new().with(
        "AT+CPMS=?",
        "\r\n+CPMS: (\"SM\",\"SR\"),(\"SM\"),(\"SM\")\r\n\r\nOK\r\n",
    );
    let mut rig = opened(Profile::smallest(), Settings::default(), fake);
    assert!(rig.asked().contains(&"AT+CPMS=\"SR\"".to_string()));
    rig.wait(Duration::from_secs(310));
    assert!(!rig.asked().contains(&"AT+CPMS=\"SR\"".to_string()));
}

#[test]
fn a_deletion_that_only_seems_to_work_is_repeated_and_nothing_is_handed_on_twice() {
    let mut rig = Rig::ready();
    rig.fake.stored.insert(4, stored(7));
    rig.fake.overrides.insert("AT+CMGD=4".to_string(), OK.to_string());
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    rig.command(Command::Stored(sm(4)));
    rig.wait(Duration::from_secs(7000));
    assert_eq!(places(&rig.events), [sm(4)]);
    let asked = rig.asked();
    let deletions = asked.iter().filter(|command| *command == "AT+CMGD=4").count();
    assert!((3..=6).contains(&deletions), "{deletions}");
    rig.fake.overrides.clear();
    rig.wait(Duration::from_secs(3700));
    assert!(rig.fake.stored.is_empty());
    // Another message in the same place is another message.
    rig.fake.stored.insert(4, stored(8));
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    assert_eq!(places(&rig.events), [sm(4), sm(4)]);
}

#[test]
fn a_message_whose_announcement_got_lost_is_found_by_the_count() {
    let mut rig = Rig::ready();
    rig.fake.stored.insert(4, stored(7));
    rig.fake.stored.insert(9, stored(8));
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    assert_eq!(places(&rig.events), [sm(4)]);
    rig.command(Command::Stored(sm(4)));
    assert_eq!(places(&rig.events), [sm(4), sm(9)]);
    assert_eq!(
        rig.asked(),
        ["AT+CMGR=4", "AT+CMGD=4", "AT+CPMS?", "AT+CPMS=\"SM\"", "AT+CMGL=4"]
    );
}

#[test]
fn a_modem_that_cannot_count_is_not_asked_again() {
    let mut rig = Rig::ready();
    let error = "\r\nERROR\r\n".to_string();
    rig.fake.overrides.insert("AT+CPMS?".to_string(), error);
    for mark in [1, 2] {
        rig.fake.stored.insert(4, stored(mark));
        rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
        rig.command(Command::Stored(sm(4)));
    }
    let asked = rig.asked();
    assert_eq!(asked.iter().filter(|command| *command == "AT+CPMS?").count(), 1);
    assert!(rig.fake.stored.is_empty());
}

#[test]
fn an_entry_that_is_there_half_a_second_later_is_read_then() {
    let mut rig = Rig::ready();
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    rig.wait(Duration::from_millis(400));
    assert_eq!(places(&rig.events), []);
    rig.fake.stored.insert(4, stored(7));
    rig.wait(Duration::from_millis(200));
    assert_eq!(places(&rig.events), [sm(4)]);
}

#[test]
fn a_call_is_rejected_between_commands_and_never_within_a_submit() {
    let mut profile = Profile::smallest();
    profile.hang_up = ["AT+CHUP".to_string(), "ATH".to_string()].to_vec();
    let mut rig = opened(profile, Settings::default(), Fake::new().with("ATH", OK));
    rig.asked();
    rig.input(b"\r\nRING\r\n");
    assert_eq!(rig.asked(), ["AT+CHUP", "ATH"]);
    rig.command(submit(&[0x11]));
    rig.input(b"\r\nRING\r\n\r\n+CRING: VOICE\r\n");
    assert_eq!(rig.asked(), ["AT+CMGS=1"]);
    rig.command(Command::Commit);
    assert_eq!(rig.asked(), ["AT+CHUP", "ATH"]);
    // Refused altogether it is left to ring.
    rig.fake.overrides.clear();
    rig.input(b"\r\nRING\r\n");
    assert_eq!(rig.asked(), ["AT+CHUP", "ATH"]);
    rig.wait(Duration::from_secs(5));
    assert_eq!(rig.asked(), Vec::<std::string::String>::new());
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn who_expects_no_acknowledgement_is_not_asked_again_after_a_restart_either() {
    let mut profile = Profile::smallest();
    profile.steps.push(Step::learn(&["AT+CSMS?"], Learn::SmsService));
    let fake = Fake::new()
        .with("AT+CSMS?", "\r\n+CSMS: 1,1,1,1\r\n\r\nOK\r\n")
        .with("AT+CNMA", "\r\n+CMS ERROR: 340\r\n");
    let mut rig = opened(profile, Settings::default(), fake);
    rig.input(b"\r\n+CMT: ,3\r\n029153040102\r\n");
    rig.command(Command::Stored(Place::Routed));
    rig.wait(Duration::from_secs(30));
    rig.input(b"\r\nRDY\r\n");
    assert_eq!(rig.modem.state(), State::Ready);
    rig.input(b"\r\n+CMT: ,3\r\n029153040102\r\n");
    rig.command(Command::Stored(Place::Routed));
    assert_eq!(rig.asked().iter().filter(|command| *command == "AT+CNMA").count(), 1);
}

fn locked(refused_by: &[&str]) -> Rig {
    let fake = Fake::new()
        .with("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n")
        .with("AT+CPINR=\"SIM PIN\"", "\r\n+CPINR: SIM PIN,3,3\r\n\r\nOK\r\n")
        .with("AT+CPIN=\"1234\"", "\r\n+CME ERROR: 16\r\n");
    let settings = Settings {
        pin: Pin::from_digits("1234"),
        ..Settings::default()
    };
    let mut rig = Rig::of(Profile::smallest(), settings, fake);
    let row = |iccid: &&str| (Some((*iccid).to_string()), Pin::from_digits("1234").unwrap(), None);
    rig.book = Some(refused_by.iter().map(row).collect());
    rig.command(Command::PortOpened);
    rig
}

#[test]
fn a_refused_pin_is_told_with_the_card_and_never_given_to_it_again() {
    let mut rig = locked(&[]);
    assert_eq!(rig.modem.state(), State::Failed(Why::PinRefused));
    let card = "8935301234567890123";
    let refused =
        |event: &&Event| matches!(event, Event::PinEnded(of, PinEnd::Refused) if of.iccid.as_deref() == Some(card));
    assert_eq!(rig.events.iter().filter(refused).count(), 1);
    rig.wait(Duration::from_secs(600));
    assert_eq!(rig.events.iter().filter(refused).count(), 1);
    // The next life of the daemon knows it.
    let mut rig = locked(&[card]);
    rig.wait(Duration::from_secs(600));
    assert_eq!(rig.modem.state(), State::Failed(Why::PinRefused));
    assert!(!rig.asked().iter().any(|command| command.starts_with("AT+CPIN=")));
}

#[test]
fn a_modem_locked_to_an_operator_is_for_people() {
    let fake = Fake::new().with("AT+CPIN?", "\r\n+CPIN: PH-NET PIN\r\n\r\nOK\r\n");
    let rig = opened(Profile::smallest(), Settings::default(), fake);
    assert_eq!(rig.modem.state(), State::Failed(Why::OperatorLocked));
}

#[test]
fn roaming_is_a_matter_of_configuration() {
    for (refuse_roaming, state) in [(false, State::Ready), (true, State::Degraded(Why::Roaming))] {
        let settings = Settings {
            refuse_roaming,
            ..Settings::default()
        };
        let fake = Fake::new().with("AT+CREG?", "\r\n+CREG: 1,5\r\n\r\nOK\r\n");
        let mut rig = opened(Profile::smallest(), settings, fake);
        assert_eq!(rig.modem.state(), state);
        rig.input(b"\r\n+CREG: 1\r\n");
        assert_eq!(rig.modem.state(), State::Ready);
    }
}

#[test]
fn the_steps_after_the_model_is_known_are_its_own() {
    let mut generic = Profile::smallest();
    let model = generic.steps.iter().position(|step| step.name == "AT+CGSN").unwrap();
    generic.steps.insert(model, Step::of("profile", Action::Profile));
    let mut acme = generic.clone();
    acme.name = "acme".to_string();
    acme.matches.manufacturer.push("ACME".to_string());
    acme.steps.insert(model + 1, Step::send("AT+OWN"));
    let only = |wiring, command| Step {
        wiring,
        ..Step::send(command)
    };
    acme.steps.push(only(Wiring::Uart, "AT+IFC=2,2"));
    acme.steps.push(only(Wiring::Usb, "AT+USB"));
    let profiles = Profiles::new(generic, [acme].to_vec()).unwrap();
    let settings = Settings {
        wiring: Wiring::Uart,
        ..Settings::default()
    };
    let mut rig = opened(profiles.clone(), settings, Fake::new());
    assert_eq!(rig.modem.profile().name, "acme");
    assert_eq!(rig.modem.state(), State::Ready);
    let asked = rig.asked();
    let times = |command: &str| asked.iter().filter(|asked| *asked == command).count();
    assert_eq!((times("AT+OWN"), times("AT+IFC=2,2"), times("AT+USB")), (1, 1, 0));
    let stranger = Fake::new().with("AT+CGMI", "\r\nNobody\r\n\r\nOK\r\n");
    let mut rig = opened(profiles, Settings::default(), stranger);
    assert_eq!(rig.modem.profile().name, "smallest");
    assert!(!rig.asked().contains(&"AT+OWN".to_string()));
}

#[test]
fn a_card_that_was_changed_while_serving_is_noticed() {
    let mut rig = Rig::ready();
    rig.wait(Duration::from_secs(650));
    assert!(rig.asked().contains(&"AT+CIMI".to_string()));
    assert!(!rig.told().iter().any(|event| event.starts_with("Identified")));
    let other = "\r\n272010123456780\r\n\r\nOK\r\n".to_string();
    rig.fake.overrides.insert("AT+CIMI".to_string(), other);
    rig.wait(Duration::from_secs(660));
    let identified = |event: &&Event| matches!(event, Event::Identified(_));
    assert_eq!(rig.events.iter().filter(identified).count(), 1);
    assert_eq!(rig.modem.identity().imsi.as_deref(), Some("272010123456780"));
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn a_card_that_went_without_a_word_is_missed() {
    let mut rig = Rig::ready();
    let gone = "\r\n+CME ERROR: 10\r\n".to_string();
    rig.fake.overrides.insert("AT+CIMI".to_string(), gone.clone());
    rig.fake.overrides.insert("AT+CPIN?".to_string(), gone);
    rig.wait(Duration::from_secs(750));
    assert_ne!(rig.modem.state(), State::Ready);
    rig.fake.overrides.clear();
    rig.wait(Duration::from_secs(700));
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn a_line_of_a_recipe_for_this_modem_may_be_ordered_and_no_other_setting() {
    let mut profile = Profile::smallest();
    profile.provisioning.push("AT+QCFG=\"ims\",2".to_string());
    let fake = Fake::new().with("AT+QCFG=\"ims\",2", OK);
    let mut rig = opened(profile, Settings::default(), fake);
    rig.asked();
    rig.events.clear();
    for (token, line) in [(1, "AT+QCFG=\"ims\",2"), (2, "AT+QCFG=\"ims\",1"), (3, "AT+CFUN=0")] {
        let order = Order::Line(AtLine::from_text(line).unwrap());
        rig.command(Command::Order { token, order });
    }
    rig.wait(Duration::from_secs(1));
    let ended: Vec<_> = rig
        .told()
        .into_iter()
        .filter(|event| event.starts_with("Ordered"))
        .collect();
    let refused = |token: u64| {
        let begin = std::format!("Ordered({token}, NotAllowed");
        ended.iter().any(|event| event.starts_with(&begin))
    };
    assert!(ended.contains(&"Ordered(1, Lines(0))".to_string()), "{ended:?}");
    assert!(refused(2) && refused(3), "{ended:?}");
    assert_eq!(rig.asked(), ["AT+QCFG=\"ims\",2"]);
}

#[test]
fn an_iccid_that_another_line_cut_in_two_is_none() {
    let torn = "\r\n+CCID: \"8\r\nCall Ready\r\n935301200002370014\"\r\n\r\nOK\r\n";
    let rig = opened(
        Profile::smallest(),
        Settings::default(),
        Fake::new().with("AT+CCID", torn),
    );
    assert_eq!(rig.modem.state(), State::Ready);
    assert_eq!(rig.modem.identity().iccid, None, "the card is known by its IMSI");
    assert_eq!(rig.modem.identity().imsi.as_deref(), Some("272010123456789"));
}
