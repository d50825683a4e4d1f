//! The rules by enumeration: every combination of part states for 1 to 4 parts, in every context.

use std::vec;
use std::vec::Vec;

use super::*;

fn combinations(length: usize) -> Vec<Vec<PartState>> {
    let mut all = vec![Vec::new()];
    for _ in 0..length {
        all = all
            .into_iter()
            .flat_map(|head: Vec<PartState>| {
                PartState::ALL.into_iter().map(move |state| {
                    let mut longer = head.clone();
                    longer.push(state);
                    longer
                })
            })
            .collect();
    }
    all
}

fn contexts() -> Vec<Context> {
    let mut all = Vec::new();
    for held in [None, Some(HoldReason::Pilot), Some(HoldReason::Stale)] {
        for bits in 0..8u8 {
            all.push(Context {
                held,
                scheduled: bits & 1 > 0,
                delivery_report: bits & 2 > 0,
                wait_over: bits & 4 > 0,
            });
        }
    }
    all
}

/// The table of the field guide, written down a second time as plainly as it stands there.
fn by_the_table(parts: &[PartState], asked: bool, over: bool) -> (MessageStatus, bool) {
    use MessageStatus as M;
    use PartState as P;
    let any = |state| parts.contains(&state);
    let every = |set: &[PartState]| parts.iter().all(|p| set.contains(p));
    let a = [
        P::Accepted,
        P::Buffered,
        P::Delivered,
        P::DeliveredUnconfirmed,
        P::Undelivered,
        P::Expired,
    ];
    let d = [P::Refused, P::Lapsed, P::Canceled];
    let some_a = parts.iter().any(|p| a.contains(p));
    let some_d = parts.iter().any(|p| d.contains(p));
    let waiting = any(P::Pending) || any(P::Assigned);
    let table = [
        (any(P::Submitting), M::Submitting, false),
        ((some_a || any(P::Unknown)) && waiting, M::Submitting, false),
        (any(P::Assigned), M::Assigned, false),
        (any(P::Pending), M::Queued, false),
        (any(P::Unknown), M::Unknown, over),
        (every(&d) && any(P::Refused), M::Failed, true),
        (every(&d) && any(P::Lapsed), M::Expired, true),
        (every(&d), M::Canceled, true),
        (some_d, M::PartiallySent, true),
        (any(P::Accepted) || any(P::Buffered), M::Sent, !asked || over),
        (every(&[P::Delivered]), M::Delivered, true),
        (every(&[P::Delivered, P::DeliveredUnconfirmed]), M::Sent, true),
        (any(P::Delivered), M::PartiallyDelivered, true),
        (any(P::Undelivered), M::Undelivered, true),
        (true, M::Expired, true),
    ];
    let first = table.iter().find(|row| row.0).unwrap();
    (first.1, first.2)
}

#[test]
fn one_to_four_parts_follow_the_table_in_every_context() {
    let contexts = contexts();
    for length in 1..=4 {
        for parts in combinations(length) {
            let untouched = parts
                .iter()
                .all(|p| matches!(p, PartState::Pending | PartState::Assigned));
            for context in &contexts {
                let derived = status_of(&parts, *context);
                let expected = if untouched && context.held.is_some() {
                    (MessageStatus::Held, false)
                } else if untouched && context.scheduled {
                    (MessageStatus::Scheduled, false)
                } else {
                    by_the_table(&parts, context.delivery_report, context.wait_over)
                };
                assert_eq!((derived.status, derived.is_final), expected, "{parts:?} {context:?}");
            }
        }
    }
}

#[test]
fn the_order_of_the_parts_does_not_matter() {
    for parts in combinations(3) {
        let mut turned = parts.clone();
        turned.rotate_left(1);
        let context = Context {
            delivery_report: true,
            ..Context::default()
        };
        assert_eq!(status_of(&parts, context), status_of(&turned, context));
    }
}

#[test]
fn waiting_longer_never_opens_a_final_message() {
    for length in 1..=4 {
        for parts in combinations(length) {
            for asked in [false, true] {
                let context = |wait_over| Context {
                    delivery_report: asked,
                    wait_over,
                    ..Context::default()
                };
                let (before, after) = (status_of(&parts, context(false)), status_of(&parts, context(true)));
                assert!(!before.is_final || after.is_final, "{parts:?}");
                assert_eq!(before.status, after.status, "{parts:?}");
            }
        }
    }
}

#[test]
fn delivery_tells_what_reports_told() {
    use PartState as P;
    let asked = Context {
        delivery_report: true,
        ..Context::default()
    };
    let over = Context {
        wait_over: true,
        ..asked
    };
    for (parts, context, delivery) in [
        (vec![P::Pending], asked, Delivery::Pending),
        (vec![P::Pending], Context::default(), Delivery::None),
        (vec![P::Accepted], asked, Delivery::Pending),
        (vec![P::Accepted], Context::default(), Delivery::None),
        (vec![P::Accepted, P::Delivered], over, Delivery::Timeout),
        (vec![P::Delivered, P::Delivered], asked, Delivery::Confirmed),
        (
            vec![P::Delivered, P::DeliveredUnconfirmed],
            asked,
            Delivery::Unconfirmed,
        ),
        (vec![P::Delivered, P::Expired], asked, Delivery::Failed),
        (vec![P::Delivered, P::Undelivered], asked, Delivery::Failed),
        (vec![P::Unknown], over, Delivery::Timeout),
        (vec![P::Refused], asked, Delivery::Failed),
    ] {
        assert_eq!(status_of(&parts, context).delivery, delivery, "{parts:?}");
    }
}

#[test]
fn every_delivery_stands_at_its_own_index() {
    for (index, delivery) in Delivery::ALL.iter().enumerate() {
        assert_eq!(*delivery as usize, index);
    }
}
