//! The pitfalls of reports-and-outcomes.md 4.2, one by one.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::vec::Vec;

use super::*;
use crate::base::Ulid;

/// Each attempt made here is of a part of its own.
static PARTS: AtomicUsize = AtomicUsize::new(0);

const MINUTE: i64 = 60_000;
const NOON: i64 = 1_781_514_000_000;

fn at(minutes: i64) -> UtcTime {
    UtcTime::from_millis(NOON + minutes * MINUTE)
}

fn report(tp_mr: u8, scts: Option<i64>, received: i64) -> ReportFacts {
    ReportFacts {
        tp_mr,
        smsc_timestamp: scts.map(at),
        received_at: at(received),
        delivered: true,
    }
}

/// What the store does with one report: by its reference, else by what is left.
fn match_report(report: ReportFacts, candidates: &[Candidate]) -> Option<usize> {
    by_reference(report, candidates).or_else(|| weigh(&[report], candidates).first().map(|(_, place)| *place))
}

fn accepted(tp_mr: u8, written: i64) -> Candidate {
    let part = PARTS.fetch_add(1, Ordering::Relaxed);
    Candidate {
        id: AttemptId(Ulid::from_bits(part as u128)),
        fate: Fate::Accepted,
        part,
        tp_mr: Some(tp_mr),
        expected_tp_mr: None,
        written_at: at(written),
        wait_until: at(written + 120 * 60),
        smsc_timestamp: None,
        same_number: Some(true),
    }
}

fn unknown(expected: Option<u8>, written: i64) -> Candidate {
    Candidate {
        fate: Fate::Unknown,
        tp_mr: None,
        expected_tp_mr: expected,
        ..accepted(0, written)
    }
}

#[test]
fn reference_and_number_find_it() {
    let candidates = [accepted(7, 0), accepted(8, 0)];
    assert_eq!(match_report(report(8, Some(0), 1), &candidates), Some(1));
    assert_eq!(match_report(report(9, Some(0), 1), &candidates), None);
}

#[test]
fn another_number_is_another_message() {
    let other = Candidate {
        same_number: Some(false),
        ..accepted(8, 0)
    };
    assert_eq!(match_report(report(8, Some(0), 1), &[other]), None);
    let alphanumeric = Candidate {
        same_number: None,
        ..accepted(8, 0)
    };
    assert_eq!(match_report(report(8, Some(0), 1), &[alphanumeric]), Some(0));
}

#[test]
fn a_wrapped_reference_is_told_apart_by_the_time_of_the_submit() {
    let candidates = [accepted(8, 0), accepted(8, 17), accepted(8, 34)];
    assert_eq!(match_report(report(8, Some(17), 90), &candidates), Some(1));
    assert_eq!(match_report(report(8, Some(18), 90), &candidates), Some(1));
    assert_eq!(match_report(report(8, Some(34), 90), &candidates), Some(2));
    // Without a time it may be any of them.
    assert_eq!(match_report(report(8, None, 90), &candidates), None);
    assert_eq!(match_report(report(8, None, 90), &candidates[..1]), Some(0));
    // Nor is a reference that came round within minutes told apart by a clock that may be minutes off.
    assert_eq!(match_report(report(8, Some(10), 90), &candidates), None);
}

#[test]
fn an_equal_time_stamp_of_the_acceptance_settles_it_alone() {
    let known = Candidate {
        smsc_timestamp: Some(at(600)),
        ..accepted(8, 0)
    };
    assert_eq!(match_report(report(8, Some(600), 1), &[accepted(8, 0), known]), Some(1));
}

#[test]
fn a_wrong_clock_in_the_smsc_is_forgiven_when_only_one_is_meant() {
    assert_eq!(match_report(report(8, Some(180), 1), &[accepted(8, 0)]), Some(0));
    assert_eq!(
        match_report(report(8, Some(180), 30), &[accepted(8, 0), accepted(8, 17)]),
        None
    );
}

#[test]
fn the_future_and_the_far_past_are_not_meant() {
    assert_eq!(match_report(report(8, None, 0), &[accepted(8, 3)]), None);
    assert_eq!(match_report(report(8, None, 0), &[accepted(8, 2)]), Some(0));
    assert_eq!(match_report(report(8, None, 120 * 60 + 1), &[accepted(8, 0)]), None);
}

#[test]
fn an_unknown_outcome_is_settled_by_its_expected_reference() {
    for (tp_mr, found) in [(7, None), (8, Some(0)), (9, Some(0)), (10, None)] {
        let candidate = Candidate {
            same_number: None,
            ..unknown(Some(8), 0)
        };
        assert_eq!(match_report(report(tp_mr, Some(1), 2), &[candidate]), found, "{tp_mr}");
    }
    assert_eq!(match_report(report(0, Some(0), 2), &[unknown(Some(255), 0)]), Some(0));
    // Its time counts more than for an accepted one.
    let nameless = Candidate {
        same_number: None,
        ..unknown(Some(8), 0)
    };
    assert_eq!(match_report(report(8, Some(4), 5), &[nameless]), None);
}

#[test]
fn an_unknown_outcome_is_settled_by_its_recipient_in_the_window() {
    assert_eq!(match_report(report(77, Some(1), 2), &[unknown(None, 0)]), Some(0));
    assert_eq!(match_report(report(77, Some(1), 2), &[unknown(Some(8), 0)]), Some(0));
    assert_eq!(match_report(report(77, Some(9), 10), &[unknown(Some(8), 0)]), None);
}

#[test]
fn an_accepted_attempt_whose_reference_is_sure_goes_before_an_unknown_one() {
    let candidates = [unknown(Some(8), 0), accepted(8, 0)];
    assert_eq!(match_report(report(8, Some(0), 1), &candidates), Some(1));
}

#[test]
fn a_report_that_may_speak_of_another_attempt_to_the_number_proves_nothing() {
    let report = report(8, Some(0), 1);
    let in_flight = Candidate {
        fate: Fate::InFlight,
        ..unknown(Some(8), 0)
    };
    // The next part is in flight, was lost too, or was accepted under a reference that need not be true.
    for other in [in_flight, unknown(Some(3), 0), accepted(9, 0)] {
        assert_eq!(match_report(report, &[unknown(Some(8), 0), other]), None, "{other:?}");
        assert_eq!(match_report(report, &[other, unknown(Some(8), 0)]), None, "{other:?}");
        let elsewhere = Candidate {
            same_number: Some(false),
            ..other
        };
        assert_eq!(match_report(report, &[unknown(Some(8), 0), elsewhere]), Some(0));
        let long_ago = Candidate {
            written_at: at(-30),
            ..other
        };
        assert_eq!(match_report(report, &[long_ago, unknown(Some(8), 0)]), Some(1));
    }
    assert_eq!(match_report(report, &[in_flight]), None, "its own answer comes first");
}

/// Accepted, and the modem's word on the reference does not continue the SIM's count.
fn made_up(tp_mr: u8, written: i64) -> Candidate {
    Candidate {
        expected_tp_mr: Some(tp_mr.wrapping_add(100)),
        ..accepted(tp_mr, written)
    }
}

fn counted(tp_mr: u8, written: i64) -> Candidate {
    Candidate {
        expected_tp_mr: Some(tp_mr),
        ..accepted(tp_mr, written)
    }
}

#[test]
fn a_reference_that_two_attempts_claim_names_neither() {
    // A modem that tells the same reference always: the network dropped one of the two.
    let both = [counted(0, 0), made_up(0, 0)];
    assert_eq!(match_report(report(0, Some(0), 1), &both), None);
    // The word on the other one, too: then both have theirs, in the order of their submits.
    let (first, second) = (report(0, Some(0), 1), report(1, Some(0), 1));
    assert_eq!(weigh(&[second, first], &both), [(1, 0), (0, 1)]);
}

#[test]
fn a_made_up_reference_proves_nothing_while_another_attempt_may_be_meant() {
    let candidates = [counted(5, 0), made_up(77, 0), made_up(7, 0)];
    assert_eq!(by_reference(report(5, Some(0), 1), &candidates), Some(0));
    // 7 may be the second one's true reference.
    assert_eq!(match_report(report(7, Some(0), 1), &candidates[1..]), None);
    assert_eq!(match_report(report(6, Some(0), 1), &candidates[1..]), None);
    let both = [report(7, Some(0), 1), report(6, Some(0), 1)];
    assert_eq!(weigh(&both, &candidates[1..]), [(1, 0), (0, 1)]);
    // Alone it is told by its number and time.
    assert_eq!(match_report(report(6, Some(0), 1), &candidates[1..2]), Some(0));
    let nameless = Candidate {
        same_number: None,
        ..candidates[1]
    };
    assert_eq!(match_report(report(6, Some(0), 1), &[nameless]), None);
    assert_eq!(match_report(report(77, Some(0), 1), &[nameless]), Some(0));
    // One whose reference is sure is not meant by another.
    assert_eq!(match_report(report(6, Some(0), 1), &candidates[..1]), None);
}

#[test]
fn references_count_on_past_255_in_the_order_of_their_submits() {
    let lost = [unknown(None, 0), unknown(None, 0)];
    let (before, after) = (report(255, Some(0), 1), report(0, Some(0), 1));
    assert_eq!(weigh(&[after, before], &lost), [(1, 0), (0, 1)]);
    assert_eq!(weigh(&[before, after], &lost), [(0, 0), (1, 1)]);
}

#[test]
fn good_news_of_a_part_sent_twice_need_not_tell_which_copy_it_was() {
    let first = unknown(Some(4), 0);
    let second = Candidate {
        part: first.part,
        ..unknown(Some(5), 1)
    };
    let copies = [first, second];
    assert_eq!(weigh(&[report(4, Some(0), 2)], &copies), [(0, 1)]);
    let bad = ReportFacts {
        delivered: false,
        ..report(4, Some(0), 2)
    };
    assert_eq!(weigh(&[bad], &copies), [], "the other copy may still arrive");
}

#[test]
fn a_wrong_clock_is_no_excuse_where_something_was_written_at_that_time() {
    let old = counted(8, -300);
    assert_eq!(match_report(report(8, Some(0), 1), &[old]), Some(0));
    // It may as well be the report of this one, and the reference came round.
    assert_eq!(
        match_report(report(8, Some(0), 1), &[old, unknown(None, 0), made_up(99, 0)]),
        None
    );
}

/// Whatever is dropped and whichever references are made up: no report is ever given to an attempt that it is not of.
#[test]
fn no_report_is_given_to_another_attempt() {
    for seed in 0..20_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut candidates = Vec::new();
        let mut reports = Vec::new();
        let mut told = 40;
        for (place, tp_mr) in (41..).take(random.usize(1..5)).enumerate() {
            let claim = if random.u8(..3) == 0 { random.u8(60..) } else { tp_mr };
            let attempt = Candidate {
                part: place,
                expected_tp_mr: Some(told + 1),
                ..accepted(claim, 0)
            };
            candidates.push(if random.u8(..4) == 0 {
                Candidate {
                    fate: Fate::Unknown,
                    tp_mr: None,
                    ..attempt
                }
            } else {
                told = claim.min(250);
                attempt
            });
            if random.bool() {
                reports.push((place, report(tp_mr, Some(0), 1)));
            }
        }
        random.shuffle(&mut reports);
        // Written in the same millisecond, and found in any order.
        random.shuffle(&mut candidates);
        let facts: Vec<ReportFacts> = reports.iter().map(|(_, report)| *report).collect();
        for (place, report) in &reports {
            if let Some(found) = by_reference(*report, &candidates) {
                assert_eq!(candidates[found].part, *place, "seed {seed}: {candidates:?}");
            }
        }
        for (report, found) in weigh(&facts, &candidates) {
            assert_eq!(
                candidates[found].part, reports[report].0,
                "seed {seed}: {facts:?} {candidates:?}"
            );
        }
    }
}

#[test]
fn numbers_agree_in_their_last_digits_whatever_form_they_come_in() {
    for (recipient, reported, same) in [
        ("+353871234567", "+353871234567", Some(true)),
        ("+353871234567", "0871234567", Some(true)),
        ("+353871234567", "871234567", Some(true)),
        ("+353871234567", "00353871234567", Some(true)),
        ("+353871234567", "0871234568", Some(false)),
        ("+3545551234", "5551234", Some(true)),
        ("+4712345678", "12345678", Some(true)),
        ("+353871234567", "Clinic", None),
        ("+353871234567", "", None),
        ("+353871234567", "+", None),
        ("+353871234567", "000", Some(false)),
    ] {
        assert_eq!(same_number(recipient, reported), same, "{reported}");
    }
}
