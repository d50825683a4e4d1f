//! What arrives: read, handed on, deleted only after it is stored.

use std::string::{String, ToString};
use std::vec::Vec;

use core::time::Duration;

use super::fake::Fake;
use super::rig::{Rig, places, submit};
use crate::at::Memory;
use crate::modem::{Command, Event, Place, State, Why};

/// Service centre of two octets and a TPDU of four; nobody reads it here.
fn stored(mark: u8) -> (String, usize) {
    (std::format!("0291530401{mark:02X}AA"), 4)
}

fn sm(index: u16) -> Place {
    Place::Stored {
        memory: Memory::SM,
        index,
    }
}

fn tpdus(events: &[Event]) -> Vec<Vec<u8>> {
    let tpdu = |event: &Event| {
        if let Event::Received { tpdu, .. } = event {
            Some(tpdu.to_vec())
        } else {
            None
        }
    };
    events.iter().filter_map(tpdu).collect()
}

#[test]
fn an_announced_message_is_read_and_deleted_only_when_stored() {
    let mut rig = Rig::ready();
    rig.fake.stored.insert(4, stored(7));
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    assert_eq!(tpdus(&rig.events), [[4, 1, 7, 0xAA]]);
    assert_eq!(rig.asked(), ["AT+CMGR=4"]);
    rig.wait(Duration::from_secs(30));
    assert!(rig.fake.stored.contains_key(&4));
    rig.command(Command::Stored(sm(4)));
    assert_eq!(rig.asked(), ["AT+CMGD=4", "AT+CPMS?"]);
    assert!(rig.fake.stored.is_empty());
}

#[test]
fn what_lies_there_at_the_start_is_handed_on_after_the_sim_is_known() {
    let mut fake = Fake::new();
    for index in [1, 3, 9] {
        fake.stored.insert(index, stored(0));
    }
    let mut rig = Rig::new(fake);
    rig.command(Command::PortOpened);
    let known = rig
        .events
        .iter()
        .position(|event| matches!(event, Event::Identified(_)))
        .unwrap();
    let first = rig
        .events
        .iter()
        .position(|event| matches!(event, Event::Received { .. }))
        .unwrap();
    assert!(known < first);
    assert_eq!(places(&rig.events), [sm(1), sm(3), sm(9)]);
    for index in [9, 1, 3] {
        rig.command(Command::Stored(sm(index)));
    }
    assert!(rig.fake.stored.is_empty());
}

#[test]
fn what_was_never_announced_is_found_by_listing_and_handed_on_once() {
    let mut rig = Rig::ready();
    rig.fake.stored.insert(2, stored(1));
    rig.wait(Duration::from_secs(310));
    assert_eq!(places(&rig.events), [sm(2)]);
    // Not answered for yet: the next listing leaves it alone, a much later one does not.
    rig.wait(Duration::from_secs(310));
    assert_eq!(places(&rig.events).len(), 1);
    rig.wait(Duration::from_secs(600));
    assert_eq!(places(&rig.events).len(), 2);
}

#[test]
fn what_cannot_be_stored_stays_and_comes_again() {
    let mut rig = Rig::ready();
    rig.fake.stored.insert(4, stored(7));
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    rig.command(Command::Keep(sm(4)));
    assert_eq!(places(&rig.events).len(), 1);
    rig.wait(Duration::from_secs(61));
    assert_eq!(places(&rig.events), [sm(4), sm(4)]);
    rig.command(Command::Stored(sm(4)));
    assert!(rig.fake.stored.is_empty());
}

#[test]
fn a_place_nobody_was_told_of_is_never_deleted() {
    let mut rig = Rig::ready();
    rig.fake.stored.insert(4, stored(7));
    rig.command(Command::Stored(sm(4)));
    assert!(rig.fake.stored.contains_key(&4));
    // After a restart an index may mean another message.
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    rig.command(Command::PortLost);
    rig.command(Command::Stored(sm(4)));
    rig.command(Command::Stored(Place::Routed));
    assert!(rig.fake.stored.contains_key(&4));
    assert!(!rig.asked().iter().any(|command| command.starts_with("AT+CMGD")));
}

#[test]
fn what_was_not_handed_on_yet_is_not_deleted() {
    let mut rig = Rig::ready();
    // Announced before it can be read.
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    rig.fake.stored.insert(4, stored(7));
    rig.command(Command::Stored(sm(4)));
    assert_eq!(rig.asked(), ["AT+CMGR=4"]);
    rig.wait(Duration::from_secs(1));
    assert_eq!(places(&rig.events), [sm(4)]);
    assert!(rig.fake.stored.contains_key(&4));
}

#[test]
fn what_was_handed_on_before_a_restart_is_handed_on_again() {
    let mut rig = Rig::ready();
    rig.fake.stored.insert(4, stored(7));
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    let busy = "\r\n+CME ERROR: 14\r\n".to_string();
    rig.fake.overrides.insert("AT+CPIN?".to_string(), busy);
    rig.input(b"\r\nRDY\r\n");
    // The place may hold another message by now: this speaks of the one before.
    rig.command(Command::Stored(sm(4)));
    rig.fake.overrides.clear();
    rig.wait(Duration::from_secs(3));
    assert_eq!(places(&rig.events), [sm(4), sm(4)]);
    assert!(rig.fake.stored.contains_key(&4));
}

#[test]
fn an_empty_place_is_looked_at_a_few_times_and_forgotten() {
    let mut rig = Rig::ready();
    rig.input(b"\r\n+CDSI: \"SM\",0\r\n");
    rig.wait(Duration::from_secs(20));
    assert_eq!(rig.asked(), ["AT+CMGR=0", "AT+CMGR=0", "AT+CMGR=0"]);
    assert_eq!(places(&rig.events), []);
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn a_storage_that_is_not_there_is_given_up() {
    let mut rig = Rig::ready();
    let error = "\r\n+CMS ERROR: 302\r\n".to_string();
    rig.fake.overrides.insert("AT+CPMS=\"SR\"".to_string(), error.clone());
    rig.fake
        .overrides
        .insert("AT+CPMS=\"SR\",\"SM\",\"SM\"".to_string(), error);
    rig.input(b"\r\n+CDSI: \"SR\",1\r\n");
    assert_eq!(rig.asked(), ["AT+CPMS=\"SR\"", "AT+CPMS=\"SR\",\"SM\",\"SM\""]);
    rig.wait(Duration::from_secs(20));
    assert_eq!(rig.asked(), Vec::<String>::new());
}

#[test]
fn another_storage_is_selected_first_and_the_chosen_one_again_after() {
    let mut rig = Rig::ready();
    rig.fake.stored.insert(1, stored(1));
    rig.input(b"\r\n+CMTI: \"ME\",1\r\n");
    rig.input(b"\r\n+CMTI: \"SM\",1\r\n");
    assert_eq!(
        rig.asked(),
        ["AT+CPMS=\"ME\"", "AT+CMGR=1", "AT+CPMS=\"SM\"", "AT+CMGR=1"]
    );
}

fn me(index: u16) -> Place {
    Place::Stored {
        memory: Memory::ME,
        index,
    }
}

/// A text in another storage than the chosen one, handed on.
fn handed_on_elsewhere() -> Rig {
    let mut rig = Rig::ready();
    rig.fake.elsewhere.insert(4, stored(1));
    rig.input(b"\r\n+CMTI: \"ME\",4\r\n");
    assert_eq!(rig.asked(), ["AT+CPMS=\"ME\"", "AT+CMGR=4"]);
    assert_eq!(places(&rig.events), [me(4)]);
    rig
}

#[test]
fn outside_the_chosen_storage_an_entry_is_looked_at_again_and_deleted_on_the_line_that_selects_its_storage() {
    let mut rig = handed_on_elsewhere();
    rig.command(Command::Stored(me(4)));
    assert_eq!(rig.asked(), ["AT+CMGR=4", "AT+CPMS=\"ME\";+CMGD=4", "AT+CPMS?"]);
    assert!(rig.fake.elsewhere.is_empty());
}

#[test]
fn a_modem_that_went_back_to_its_own_storage_without_a_word_loses_nothing_there() {
    let mut rig = handed_on_elsewhere();
    rig.fake.is_elsewhere = false;
    rig.fake.stored.insert(4, stored(2));
    rig.command(Command::Stored(me(4)));
    assert_eq!(tpdus(&rig.events).len(), 2, "the unread one is handed on");
    assert_eq!(rig.fake.stored.len(), 1);
    // And when it goes back just between looking and deleting.
    let mut rig = handed_on_elsewhere();
    rig.fake.stored.insert(4, stored(2));
    rig.fake
        .overrides
        .insert("AT+CMGR=4".to_string(), "\r\n+CMS ERROR: 500\r\n".to_string());
    rig.command(Command::Stored(me(4)));
    rig.fake.overrides.clear();
    rig.wait(Duration::from_secs(5));
    assert_eq!((rig.fake.stored.len(), rig.fake.elsewhere.len()), (1, 0));
}

#[test]
fn a_modem_that_takes_one_command_a_line_is_given_one() {
    let mut rig = handed_on_elsewhere();
    let refused = "\r\nERROR\r\n".to_string();
    rig.fake.overrides.insert("AT+CPMS=\"ME\";+CMGD=4".to_string(), refused);
    rig.command(Command::Stored(me(4)));
    rig.wait(Duration::from_secs(2));
    assert!(rig.fake.elsewhere.is_empty());
}

#[test]
fn an_entry_that_is_gone_before_it_is_deleted_is_forgotten() {
    let mut rig = handed_on_elsewhere();
    rig.fake.elsewhere.clear();
    rig.command(Command::Stored(me(4)));
    rig.wait(Duration::from_secs(5));
    let asked = rig.asked();
    assert_eq!(asked.iter().filter(|command| *command == "AT+CMGR=4").count(), 3);
    assert!(!asked.iter().any(|command| command.contains("CMGD")));
}

#[test]
fn what_a_listing_shows_at_a_known_place_is_read_before_anything_is_deleted_there() {
    let mut rig = Rig::ready();
    rig.fake.stored.insert(4, stored(1));
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    // The storage was changed under our hands.
    rig.fake.stored.insert(4, stored(2));
    rig.input(b"\r\n^SMMEMFULL: \"SM\"\r\n");
    rig.command(Command::Stored(sm(4)));
    assert_eq!(tpdus(&rig.events).len(), 2);
    assert_eq!(rig.fake.stored.len(), 1, "deleted unread");
    rig.command(Command::Stored(sm(4)));
    assert!(rig.fake.stored.is_empty());
}

#[test]
fn after_a_silence_the_storage_is_selected_again() {
    let mut rig = handed_on_elsewhere();
    rig.input(b"\r\nOK\r\n\r\nOK\r\n");
    assert_eq!(rig.modem.state(), State::Recovering(Why::NotAnswering));
    rig.input(b"\r\n+CMTI: \"ME\",5\r\n");
    rig.wait(Duration::from_secs(5));
    let asked = rig.asked();
    let read = asked.iter().position(|command| command == "AT+CMGR=5").unwrap();
    assert_eq!(asked[read - 1], "AT+CPMS=\"ME\"");
}

#[test]
fn a_torn_entry_is_read_again_and_handed_on_as_it_is_in_the_end() {
    let mut rig = Rig::ready();
    rig.fake.overrides.insert(
        "AT+CMGR=4".to_string(),
        "\r\n+CMGR: 0,,9\r\n02915304\r\n\r\nOK\r\n".to_string(),
    );
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    rig.wait(Duration::from_secs(3));
    assert_eq!(rig.asked().len(), 3);
    assert_eq!(tpdus(&rig.events), [[0x04]]);
    // Without any PDU line there is nothing to hand on, and no turning in place.
    rig.fake
        .overrides
        .insert("AT+CMGR=5".to_string(), "\r\n+CMGR: 0,,9\r\n\r\nOK\r\n".to_string());
    rig.input(b"\r\n+CMTI: \"SM\",5\r\n");
    rig.wait(Duration::from_secs(30));
    assert!(rig.asked().len() < 10);
    assert_eq!(places(&rig.events).len(), 1);
}

#[test]
fn routed_messages_are_handed_on_as_they_come() {
    let mut rig = Rig::ready();
    rig.input(b"\r\n+CDS: 4\r\n02915304010203\r\n");
    rig.input(b"\r\n+CDS: 3\r\n029153060102\r\n");
    rig.input(b"\r\n+CMT: ,3\r\n029153040102\r\n+CBM: 3\r\n029153040102\r\n");
    assert_eq!(
        tpdus(&rig.events),
        [std::vec![4, 1, 2, 3], std::vec![6, 1, 2], std::vec![4, 1, 2]]
    );
    assert_eq!(places(&rig.events), [Place::Routed; 3]);
    rig.command(Command::Stored(Place::Routed));
    assert_eq!(rig.asked(), Vec::<String>::new());
}

#[test]
fn in_service_1_a_routed_message_is_acknowledged_once_it_is_stored() {
    let mut profile = crate::modem::Profile::smallest();
    let step = crate::modem::profile::Step::learn(&["AT+CSMS?"], crate::modem::profile::Learn::SmsService);
    profile.steps.push(step);
    let fake = Fake::new().with("AT+CSMS?", "\r\n+CSMS: 1,1,1,1\r\n\r\nOK\r\n");
    let mut rig = Rig::of(profile, crate::modem::Settings::default(), fake);
    rig.command(Command::PortOpened);
    rig.asked();
    rig.input(b"\r\n+CMT: ,3\r\n029153040102\r\n");
    assert_eq!(rig.asked(), Vec::<String>::new());
    rig.command(Command::Stored(Place::Routed));
    assert_eq!(rig.asked(), ["AT+CNMA"]);
    // 340: it expects none. It is not asked again.
    rig.fake
        .overrides
        .insert("AT+CNMA".to_string(), "\r\n+CMS ERROR: 340\r\n".to_string());
    rig.command(Command::Stored(Place::Routed));
    rig.command(Command::Stored(Place::Routed));
    assert_eq!(rig.asked(), ["AT+CNMA"]);
}

#[test]
fn reading_takes_turns_with_sending() {
    let mut rig = Rig::ready();
    for index in 1..=6 {
        rig.fake.stored.insert(index, stored(0));
    }
    rig.command(submit(&[0x11]));
    for index in 1..=6 {
        rig.input(std::format!("\r\n+CMTI: \"SM\",{index}\r\n").as_bytes());
    }
    // While messages wait without a break, every submit is followed by two chores and no more.
    let mut commands = Vec::new();
    for _ in 0..7 {
        // Commit, and the next submit is there before the modem answers.
        rig.modem.handle_command(rig.now, Command::Commit);
        let ctrl_z = rig.modem.poll_transmit().unwrap();
        let back = rig.fake.take(&ctrl_z);
        rig.modem.handle_input(rig.now, &back);
        rig.command(submit(&[0x11]));
        for place in places(&rig.events) {
            rig.command(Command::Stored(place));
        }
        rig.events.clear();
        commands.extend(rig.asked());
    }
    rig.command(Command::Commit);
    commands.extend(rig.asked());
    assert!(rig.fake.stored.is_empty(), "{commands:?}");
    let submits: Vec<usize> = commands
        .iter()
        .enumerate()
        .filter(|(_, c)| c.starts_with("AT+CMGS"))
        .map(|(at, _)| at)
        .collect();
    assert!(submits.windows(2).all(|pair| pair[1] - pair[0] <= 4), "{commands:?}");
}

#[test]
fn a_failed_deletion_is_repeated_and_nothing_is_handed_on_twice() {
    let mut rig = Rig::ready();
    rig.fake.stored.insert(4, stored(7));
    rig.fake
        .overrides
        .insert("AT+CMGD=4".to_string(), "\r\n+CMS ERROR: 500\r\n".to_string());
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    rig.command(Command::Stored(sm(4)));
    rig.wait(Duration::from_secs(1500));
    assert_eq!(places(&rig.events), [sm(4)]);
    rig.fake.overrides.clear();
    rig.wait(Duration::from_secs(61));
    assert!(rig.fake.stored.is_empty());
}

#[test]
fn what_came_into_a_place_whose_deletion_was_not_answered_is_read_before_anything_is_deleted_there() {
    let mut rig = Rig::ready();
    rig.fake.stored.insert(4, stored(7));
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    rig.fake.mute = true;
    rig.command(Command::Stored(sm(4)));
    // It did delete; only its answer is lost. The next message takes the place.
    rig.fake.stored.insert(4, stored(8));
    rig.input(b"\r\n+CMTI: \"SM\",4\r\n");
    rig.wait(Duration::from_secs(11));
    rig.fake.mute = false;
    rig.wait(Duration::from_secs(60));
    assert!(rig.fake.stored.contains_key(&4), "deleted unread");
    assert_eq!(tpdus(&rig.events).len(), 2);
    rig.command(Command::Stored(sm(4)));
    rig.wait(Duration::from_secs(1));
    assert!(rig.fake.stored.is_empty());
}

#[test]
fn more_than_fits_comes_in_portions() {
    let mut fake = Fake::new();
    for index in 0..200 {
        fake.stored.insert(index, stored(0));
    }
    let mut rig = Rig::new(fake);
    rig.command(Command::PortOpened);
    let mut seen = 0;
    for _ in 0..40 {
        let told = places(&rig.events);
        rig.events.clear();
        seen += told.len();
        for place in told {
            rig.command(Command::Stored(place));
        }
        rig.wait(Duration::from_secs(60));
    }
    assert_eq!(seen, 200);
    assert!(rig.fake.stored.is_empty());
}

#[test]
fn a_modem_that_cannot_list_is_read_index_by_index() {
    let mut fake = Fake::new().with("AT+CMGL=4", "\r\nERROR\r\n");
    fake.stored.insert(0, stored(1));
    fake.stored.insert(17, stored(2));
    let mut rig = Rig::new(fake);
    rig.command(Command::PortOpened);
    rig.wait(Duration::from_secs(60));
    assert_eq!(places(&rig.events), [sm(0), sm(17)]);
}

#[test]
fn a_full_storage_is_listed_at_once() {
    let mut rig = Rig::ready();
    rig.fake.stored.insert(2, stored(1));
    rig.input(b"\r\n^SMMEMFULL: \"SM\"\r\n");
    assert_eq!(places(&rig.events), [sm(2)]);
}
