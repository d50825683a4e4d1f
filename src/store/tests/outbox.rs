//! The outbox: written with the event or not at all, in order for each message, until it was told.

use std::time::Duration;

use rusqlite::params;

use super::Bank;
use super::bank::{accepted, plain};
use crate::store::outbox::SELECT_DUE;
use crate::store::{Answer, Delivery, Hook, Op, OutboxCounts, Told};

fn hooked(types: &[&str]) -> Bank {
    let mut bank = Bank::new();
    let hook = |label: &str, types: &[&str]| Hook {
        label: label.into(),
        types: types.iter().map(|&text| text.into()).collect(),
    };
    bank.store
        .tell(vec![hook("a", types), hook("b", &["message.received"])], bank.now)
        .unwrap();
    bank
}

fn due(bank: &Bank, webhook: &str) -> Vec<Delivery> {
    bank.store.read().outbox(webhook, bank.now.utc, 100).unwrap()
}

fn sequences(bank: &Bank) -> Vec<u64> {
    due(bank, "a").iter().map(|delivery| delivery.event.sequence).collect()
}

fn told(bank: &mut Bank, sequence: u64, told: Told) {
    let webhook = "a".into();
    assert!(matches!(
        bank.one(Op::Told {
            webhook,
            sequence,
            told
        }),
        Answer::Done(true)
    ));
}

fn counts(bank: &Bank) -> (u64, u64) {
    let OutboxCounts { pending, given_up } = bank.store.read().outbox_counts().unwrap();
    (pending, given_up)
}

#[test]
fn events_of_a_message_are_told_in_order_and_those_of_others_do_not_wait() {
    let mut bank = hooked(&[]);
    bank.text("Come at ten.");
    let attempt = bank.begin_only(None);
    bank.text("Come at eleven.");
    bank.close(attempt, accepted(1));
    // 1 created, 2 submitting, 4 sent of the first; 3 created of the second.
    assert_eq!(sequences(&bank), [1, 3]);
    let later = bank.now.utc + Duration::from_secs(5);
    told(&mut bank, 1, Told::Later(later));
    assert_eq!(sequences(&bank), [3]);
    told(&mut bank, 3, Told::Yes);
    assert!(sequences(&bank).is_empty());
    bank.pass(5);
    assert_eq!(sequences(&bank), [1]);
    assert_eq!(due(&bank, "a")[0].tries, 1);
    told(&mut bank, 1, Told::Yes);
    assert_eq!(sequences(&bank), [2]);
    // What is given up is counted and holds up nobody.
    told(&mut bank, 2, Told::GivenUp);
    assert_eq!(sequences(&bank), [4]);
    assert_eq!(counts(&bank), (1, 1));
    assert!(due(&bank, "b").is_empty());
}

#[test]
fn only_what_is_wanted_is_kept_and_only_for_who_is_there() {
    let mut bank = hooked(&["message.sent", "message.part*"]);
    bank.text("Come at ten.");
    let attempt = bank.begin_only(None);
    assert_eq!(counts(&bank), (0, 0));
    bank.close(attempt, accepted(1));
    assert_eq!(counts(&bank), (1, 0));
    bank.store.restart(bank.now).unwrap();
    assert_eq!(counts(&bank), (1, 0), "a new start forgets nothing");
    bank.store.tell(Vec::new(), bank.now).unwrap();
    assert_eq!(counts(&bank), (0, 0));
}

#[test]
fn what_is_not_committed_is_not_told() {
    let mut bank = hooked(&[]);
    bank.store.before_commit(|| true);
    let accept = Op::Accept(Box::new(plain(bank.message(1, "Come at ten."))));
    assert!(matches!(bank.one(accept), Answer::Unavailable));
    bank.store.before_commit(|| false);
    assert_eq!(counts(&bank), (0, 0));
    bank.text("Come at ten.");
    assert_eq!((sequences(&bank), bank.events().len()), (vec![1], 1));
}

#[test]
fn looking_for_what_is_due_is_a_seek() {
    let bank = hooked(&[]);
    let db = bank.store.read().connection();
    let lines: Vec<String> = db
        .prepare(&format!("EXPLAIN QUERY PLAN {SELECT_DUE}"))
        .unwrap()
        .query_map(params!["a", 0, 1], |row| row.get(3))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let plan = lines.join("\n");
    assert!(
        plan.contains("outbox_due (webhook=? AND due_at") && plan.contains("outbox_order (webhook=? AND resource=?"),
        "{plan}"
    );
    assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
}
