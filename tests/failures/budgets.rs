//! Budgets of SIMs as a bank lives with them: no failure, but what keeps the operator from making one.

use wardwire::store::EventKind;
use wardwire_core::base::MessageId;
use wardwire_core::queue::plan::Cap;
use wardwire_core::queue::state::MessageStatus as M;
use wardwire_core::simulator::Fault;

use super::site::Site;

/// Texts to so many people, from the `first` on.
fn texts(site: &mut Site, first: usize, count: usize) -> Vec<MessageId> {
    (first..first + count)
        .map(|n| site.send(&format!("+35387{n:07}"), "Come at ten."))
        .collect()
}

fn gone(site: &Site, texts: &[MessageId]) -> usize {
    let went = |id: &&MessageId| matches!(site.status(**id), M::Sent | M::Delivered);
    texts.iter().filter(went).count()
}

#[test]
fn a_sim_writes_to_so_many_people_and_to_each_as_often_as_needed() {
    let mut site = Site::of(&["generic", "generic"]).ready();
    for modem in 0..2 {
        site.enter(modem, &[("recipients_per_month", 3)]);
    }
    let people = texts(&mut site, 0, 9);
    site.seconds(300);
    assert_eq!(gone(&site, &people), 6, "three on each SIM");
    let known = people
        .iter()
        .position(|id| site.status(*id) == M::Delivered)
        .expect("some went");
    let again = texts(&mut site, known, 1);
    site.seconds(60);
    assert_eq!(gone(&site, &again), 1, "who is counted costs nothing");
    let used: Vec<_> = (0..2)
        .flat_map(|modem| site.modem(modem).budgets)
        .map(|b| (b.cap, b.used))
        .collect();
    assert_eq!(used, [(Cap::Recipients, 3), (Cap::Recipients, 3)]);
    // A person enters another plan: at once it holds.
    site.enter(1, &[("recipients_per_month", 5)]);
    site.seconds(60);
    assert_eq!(gone(&site, &people), 8);
}

#[test]
fn people_nobody_may_write_to_do_not_keep_others_waiting() {
    let mut site = Site::of(&["generic"]).ready();
    site.enter(0, &[("recipients_per_month", 2)]);
    let known = texts(&mut site, 0, 2);
    site.seconds(30);
    assert_eq!(gone(&site, &known), 2);
    // More than the window holds.
    let barred = texts(&mut site, 10, 90);
    let again = texts(&mut site, 0, 2);
    site.seconds(120);
    assert_eq!(gone(&site, &again), 2);
    assert_eq!(gone(&site, &barred), 0);
    let told = barred.iter().filter(|id| site.record(**id).error.is_some()).count();
    assert!(told > 0, "they say why they wait");
    site.enter(0, &[("recipients_per_month", 500)]);
    site.seconds(3_700);
    assert_eq!(
        gone(&site, &barred),
        90,
        "within the hour after somebody gave them room"
    );
}

#[test]
fn a_budget_that_ends_is_told_once() {
    let mut site = Site::of(&["generic"]).ready();
    site.enter(0, &[("per_hour", 10), ("recipients_per_month", 100)]);
    texts(&mut site, 0, 20);
    site.seconds(7_300);
    let told = site.sim_events();
    let hour = |kind: fn(Cap) -> EventKind| told.iter().filter(|event| **event == kind(Cap::Hour)).count();
    assert_eq!(told.first(), Some(&EventKind::SimCapNear(Cap::Hour)), "{told:?}");
    assert!(
        (2..=3).contains(&hour(EventKind::SimCapReached)),
        "once an hour: {told:?}"
    );
    assert!((1..=3).contains(&hour(EventKind::SimCapNear)), "once an hour: {told:?}");
    let others = told.iter().filter(|event| event.cap() != Some(Cap::Hour)).count();
    assert_eq!(others, 0, "{told:?}");
}

#[test]
fn a_plan_entered_holds_at_once() {
    let mut site = Site::of(&["generic"]).ready();
    site.enter(0, &[("per_hour", 2)]);
    let some = texts(&mut site, 0, 5);
    site.seconds(120);
    assert_eq!(gone(&site, &some), 2);
    site.enter(0, &[("per_hour", 4)]);
    site.seconds(120);
    assert_eq!(gone(&site, &some), 4, "what went before counts");
    site.seconds(3_600);
    assert_eq!(gone(&site, &some), 5);
}

/// The network takes what one SIM sends and delivers nothing of it, as operators do with what they take for spam.
#[test]
fn a_sim_whose_texts_are_dropped_silently_is_passed_over_and_told_of() {
    const DROPPED: usize = 0;
    let mut site = Site::of(&["generic", "generic"]).ready();
    let day = |site: &mut Site, first: usize, rounds: usize, lost: bool| {
        for round in 0..rounds {
            // It hears as ever: it is not deaf.
            site.inbound(DROPPED, "Yes.");
            for _ in 0..if lost { 4 } else { 0 } {
                site.provoke(DROPPED, Fault::ReportLost);
            }
            texts(site, first + round * 8, 8);
            site.seconds(3_600);
        }
    };
    day(&mut site, 0, 30, false);
    assert!(!site.modem(DROPPED).dropped);
    day(&mut site, 1_000, 10, true);
    assert!(site.modem(DROPPED).dropped && !site.modem(1).dropped);
    assert_eq!(site.sim_events(), [EventKind::SimSuspect]);
    site.provoke(DROPPED, Fault::Restart);
    site.seconds(120);
    assert!(
        site.is_ready(DROPPED) && site.modem(DROPPED).dropped,
        "it is the same SIM"
    );
    // To people whom neither wrote to: what the other can take, it takes.
    let before = site.on_air(Some(DROPPED)).len();
    for person in 5_000..5_010 {
        texts(&mut site, person, 1);
        site.seconds(60);
    }
    assert_eq!(site.on_air(Some(DROPPED)).len(), before, "all through the other");
}
