//! The pitfalls of reports-and-outcomes.md 4.2, one by one.

use super::*;

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
    }
}

fn accepted(tp_mr: u8, written: i64) -> Candidate {
    Candidate {
        fate: Fate::Accepted,
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
    // Without a time the newest is the best guess.
    assert_eq!(match_report(report(8, None, 90), &candidates), Some(2));
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
fn an_accepted_attempt_goes_before_an_unknown_one() {
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
