//! PINs: what is written down before one is given, what becomes of it over restarts, and that it is nowhere in the file.

use wardwire_core::base::Body;
use wardwire_core::queue::verbs::{PinEnd, PinEnded, PinTried, PinTry, Reply, Request};

use super::bank::{Bank, keys};
use crate::store::Place;
use crate::store::migrate::migrate_to;

const CARD: &str = "89490001";

fn wanted(holder: &str, pin: &str, tries_left: u16) -> Request {
    Request::TryPin(PinTry {
        holder: holder.into(),
        label: "m7".into(),
        pin: Body::new(pin),
        tries_left,
        by_person: false,
    })
}

fn tried(bank: &mut Bank, holder: &str, pin: &str, tries_left: u16) -> PinTried {
    let Reply::PinTried(tried) = bank.ask(wanted(holder, pin, tries_left)) else {
        panic!("another answer");
    };
    tried
}

fn ended(bank: &mut Bank, holder: &str, pin: &str, end: PinEnd) {
    let ended = PinEnded {
        holder: holder.into(),
        pin: Body::new(pin),
        end,
    };
    assert!(matches!(bank.ask(Request::EndPin(ended)), Reply::PinEnded));
}

#[test]
fn a_try_is_on_disk_before_it_is_made_and_a_crash_after_it_is_no_second_try() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("w.db"));
    let mut bank = Bank::at_place(&place);
    assert_eq!(tried(&mut bank, CARD, "4711", 3), PinTried::Written);
    // The process dies with the PIN on its way; the card says that it cost a try.
    drop(bank);
    let mut bank = Bank::at_place(&place);
    assert_eq!(tried(&mut bank, CARD, "4711", 2), PinTried::Refused);
    // Somebody opened the card meanwhile: this PIN is wrong all the same.
    assert_eq!(tried(&mut bank, CARD, "4711", 3), PinTried::Refused);
    // Another PIN, another card: each is known for itself.
    assert_eq!(tried(&mut bank, CARD, "0815", 2), PinTried::Written);
    assert_eq!(tried(&mut bank, "m7", "4711", 3), PinTried::Written);
}

#[test]
fn a_pin_refused_before_the_card_told_who_it_is_is_not_given_to_it_afterwards() {
    let mut bank = Bank::new();
    assert_eq!(tried(&mut bank, "m7", "4711", 3), PinTried::Written);
    ended(&mut bank, "m7", "4711", PinEnd::Refused);
    // A card in the same modem, with a number and one try less: the same one.
    assert_eq!(tried(&mut bank, CARD, "4711", 2), PinTried::Refused);
    assert_eq!(tried(&mut bank, CARD, "4711", 3), PinTried::Refused);
    // One that has lost none is another.
    assert_eq!(tried(&mut bank, "89490002", "4711", 3), PinTried::Written);
}

#[test]
fn an_unanswered_try_that_cost_nothing_is_repeated_once() {
    let mut bank = Bank::new();
    assert_eq!(tried(&mut bank, CARD, "4711", 3), PinTried::Written);
    assert_eq!(tried(&mut bank, CARD, "4711", 3), PinTried::Written);
    assert_eq!(tried(&mut bank, CARD, "4711", 3), PinTried::Unanswered);
    // Taken in the end: nothing is known of it any more.
    ended(&mut bank, CARD, "4711", PinEnd::Taken);
    assert_eq!(tried(&mut bank, CARD, "4711", 3), PinTried::Written);
}

#[test]
fn what_was_written_down_and_not_given_does_not_count() {
    let mut bank = Bank::new();
    for _ in 0..5 {
        assert_eq!(tried(&mut bank, CARD, "4711", 3), PinTried::Written);
        ended(&mut bank, CARD, "4711", PinEnd::NotGiven);
    }
    // Even then a lower counter means nothing: it was not this PIN.
    assert_eq!(tried(&mut bank, CARD, "4711", 2), PinTried::Written);
    ended(&mut bank, CARD, "4711", PinEnd::Refused);
    ended(&mut bank, CARD, "4711", PinEnd::NotGiven);
    assert_eq!(tried(&mut bank, CARD, "4711", 3), PinTried::Refused);
    // Set by a PUK: right from then on.
    ended(&mut bank, CARD, "4711", PinEnd::Taken);
    assert_eq!(tried(&mut bank, CARD, "4711", 3), PinTried::Written);
}

#[test]
fn a_pin_is_nowhere_in_the_file_and_in_no_debug_output() {
    assert!(!format!("{:?}", wanted(CARD, "47114711", 3)).contains("47114711"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.db");
    let mut bank = Bank::at_place(&Place::File(path.clone()));
    tried(&mut bank, CARD, "47114711", 3);
    ended(&mut bank, CARD, "47114711", PinEnd::Refused);
    bank.store.tidy();
    drop(bank);
    let file = std::fs::read(&path).unwrap();
    assert!(file.windows(8).any(|run| run == CARD.as_bytes()));
    assert!(!file.windows(8).any(|run| run == b"47114711"));
}

#[test]
fn what_an_older_version_knew_of_refused_pins_is_known_still() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.db");
    let digest = keys().hash16("pin", &[CARD.as_bytes(), b"4711"]);
    let mut db = rusqlite::Connection::open(&path).unwrap();
    migrate_to(&mut db, 2);
    let insert = "INSERT INTO refused_pins (digest, holder, refused_at) VALUES (?1, ?2, 0)";
    db.execute(insert, rusqlite::params![digest, CARD]).unwrap();
    drop(db);
    let mut bank = Bank::at_place(&Place::File(path));
    assert_eq!(tried(&mut bank, CARD, "4711", 3), PinTried::Refused);
}
