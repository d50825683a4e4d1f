//! A SIM whose texts are dropped silently: seen by its delivery reports, told once, believed again when they come back.

use wardwire_core::base::SimId;
use wardwire_core::queue::verbs::{Reply, Request};

use super::Bank;
use super::bank::accepted;
use crate::store::EventKind as E;

const HOUR: u64 = 3_600;

/// One text after the other, ten minutes apart, each taken by the network and told of or not.
fn texts(bank: &mut Bank, count: usize, told: impl Fn(usize) -> bool) {
    for n in 0..count {
        bank.text("Come at ten.");
        let attempt = bank.begin_only(None);
        let tp_mr = u8::try_from(n % 256).unwrap();
        bank.close(attempt, accepted(tp_mr));
        if told(n) {
            bank.pass(5);
            bank.report(tp_mr, 0);
        }
        bank.pass(600);
    }
}

/// What a sweep says, when it looks: another half hour later.
fn dropped(bank: &mut Bank) -> Vec<SimId> {
    bank.pass(HOUR);
    let Reply::Swept { dropped, .. } = bank.ask(Request::Sweep) else {
        panic!("another answer");
    };
    let Reply::Swept { dropped: again, .. } = bank.ask(Request::Sweep) else {
        panic!("another answer");
    };
    assert_eq!(again, None, "it does not look twice");
    dropped.expect("it looks")
}

fn told(bank: &Bank) -> Vec<E> {
    let (mut told, mut after) = (Vec::new(), 0);
    loop {
        let events = bank.store.read().events(None, after, 200).unwrap();
        let Some(last) = events.last() else { return told };
        after = last.sequence;
        let kinds = events.iter().map(|event| event.kind);
        told.extend(kinds.filter(|kind| matches!(kind, E::SimSuspect | E::SimTrusted)));
    }
}

#[test]
fn a_sim_that_is_told_of_half_as_often_is_suspect_until_it_is_again() {
    let mut bank = Bank::new();
    let sim = bank.sim;
    texts(&mut bank, 160, |n| n % 10 != 0);
    assert_eq!(dropped(&mut bank), []);
    texts(&mut bank, 30, |_| false);
    assert_eq!(dropped(&mut bank), [sim]);
    assert_eq!(dropped(&mut bank), [sim], "and stays so");
    assert_eq!(told(&bank), [E::SimSuspect], "told once");
    // What it is used to is what it was used to before.
    texts(&mut bank, 200, |_| false);
    assert_eq!(dropped(&mut bank), [sim]);
    bank.store.restart(bank.now).unwrap();
    assert_eq!(dropped(&mut bank), [sim], "a start changes nothing");
    texts(&mut bank, 60, |_| true);
    assert_eq!(dropped(&mut bank), []);
    assert_eq!(told(&bank), [E::SimSuspect, E::SimTrusted]);
}

#[test]
fn reports_that_come_late_or_for_few_texts_say_nothing() {
    let mut bank = Bank::new();
    texts(&mut bank, 19, |_| true);
    texts(&mut bank, 50, |_| false);
    assert_eq!(dropped(&mut bank), [], "used to too little");
    let mut bank = Bank::new();
    texts(&mut bank, 160, |_| true);
    bank.pass(25 * HOUR);
    texts(&mut bank, 19, |_| false);
    assert_eq!(dropped(&mut bank), [], "too few of late");
    assert_eq!(told(&bank), []);
    let sim = bank.sim;
    texts(&mut bank, 1, |_| false);
    assert_eq!(dropped(&mut bank), [sim], "one more");
    bank.pass(8 * 24 * HOUR);
    assert_eq!(dropped(&mut bank), [], "what was a week ago says nothing about now");
}
