//! Delivery reports, unknown outcomes and restarts: what evidence settles, and what nobody can.

use std::time::Duration;

use wardwire_core::base::Originator;
use wardwire_core::queue::error::ErrorCode;
use wardwire_core::queue::state::{MessageStatus as M, OnUnknown, PartState, Priority};
use wardwire_core::queue::status::Delivery;
use wardwire_core::queue::verbs::{Answer, AttemptResult, Begun, Closed, Report, Request, Silence};

use super::Bank;
use super::bank::{accepted, number, written};
use crate::store::{AttemptState, EventKind as E};

const SILENT: AttemptResult = AttemptResult::NoAnswer(Silence::Timeout);

fn unknown(bank: &mut Bank, policy: OnUnknown, expected: Option<u8>) -> wardwire_core::base::MessageId {
    let mut message = bank.message(1, "Come at ten.");
    message.on_unknown = policy;
    let id = bank.accept(message);
    let attempt = bank.begin_only(expected);
    assert_eq!(bank.close(attempt, SILENT), Closed::Forget);
    assert_eq!(bank.status(id), M::Unknown);
    id
}

#[test]
fn a_report_settles_an_unknown_outcome() {
    for (tp_mr, expected) in [(8, Some(8)), (9, Some(8)), (77, None)] {
        let mut bank = Bank::new();
        let id = unknown(&mut bank, OnUnknown::Hold, expected);
        bank.pass(60);
        bank.report(tp_mr, 0);
        assert_eq!(bank.status(id), M::Delivered, "{tp_mr}");
        assert_eq!(bank.parts(id)[0].tp_mr, Some(tp_mr));
        assert!(bank.events().contains(&E::MessageUnknownResolved));
        bank.pass(3_600);
        assert!(bank.take(8).is_empty());
    }
}

#[test]
fn hold_and_auto_never_send_again_by_themselves() {
    for policy in [OnUnknown::Hold, OnUnknown::Auto] {
        let mut bank = Bank::new();
        let id = unknown(&mut bank, policy, Some(8));
        for _ in 0..200 {
            bank.pass(3_600);
            bank.sweep();
            assert!(bank.take(8).is_empty());
        }
        let record = bank.record(id);
        assert_eq!((record.status, record.is_final), (M::Unknown, true));
        assert_eq!(record.delivery, Delivery::Timeout);
        assert_eq!(record.error.unwrap().code, ErrorCode::OutcomeUnknown);
        bank.report(8, 0);
        assert_eq!(bank.status(id), M::Unknown, "after the wait evidence is history only");
    }
}

#[test]
fn retry_sends_again_after_the_evidence_window_and_says_so() {
    let mut bank = Bank::new();
    let id = unknown(&mut bank, OnUnknown::Retry, Some(8));
    assert_eq!(bank.sweep().0, Some(bank.now.utc + Duration::from_secs(900)));
    bank.pass(899);
    bank.sweep();
    assert!(bank.take(8).is_empty());
    bank.pass(1);
    assert!(bank.sweep().1);
    let due = bank.take(8);
    assert_eq!((due[0].id, due[0].avoid), (id, Some(bank.sim)));
    let attempt = written(bank.begin(&due[0], 0, Some(9)));
    bank.close(attempt, accepted(10));
    let record = bank.record(id);
    assert!(record.possible_copy && bank.parts(id)[0].possible_copy);
    assert_eq!((record.status, record.attempts), (M::Sent, 2));
}

#[test]
fn an_alert_is_sent_again_at_once_and_not_for_ever() {
    let mut bank = Bank::new();
    let mut message = bank.message(1, "Cardiac arrest, ward 7.");
    message.priority = Priority::High;
    let id = bank.accept(message);
    for _ in 0..3 {
        let attempt = bank.begin_only(None);
        bank.close(attempt, SILENT);
    }
    assert!(bank.take(8).is_empty(), "a silent modem must not flood a person");
    assert_eq!(bank.status(id), M::Unknown);
    assert_eq!(bank.record(id).attempts, 3);
}

#[test]
fn evidence_that_comes_while_it_waits_to_be_sent_again_stops_it() {
    let mut bank = Bank::new();
    let id = unknown(&mut bank, OnUnknown::Retry, Some(8));
    bank.pass(900);
    bank.sweep();
    let due = bank.take(8);
    let report = Report {
        sim: bank.sim,
        tp_mr: 8,
        recipient: Originator::new("0800000001"),
        tp_st: 0,
        smsc_timestamp: Some(bank.now.utc.before(Duration::from_secs(899))),
        discharged_at: None,
        raw: vec![1],
    };
    bank.ask(Request::Report(report));
    assert_eq!(bank.status(id), M::Delivered);
    assert_eq!(bank.begin(&due[0], 0, None), Begun::Withdrawn);
}

#[test]
fn a_late_answer_settles_what_was_given_up() {
    let mut bank = Bank::new();
    let mut message = bank.message(1, "Come at ten.");
    message.on_unknown = OnUnknown::Hold;
    let id = bank.accept(message);
    let attempt = bank.begin_only(None);
    bank.close(attempt, SILENT);
    bank.close(attempt, accepted(5));
    assert_eq!(bank.status(id), M::Sent);
    // The same answer twice is one.
    assert_eq!(bank.close(attempt, accepted(5)), Closed::Forget);
    bank.report(5, 0);
    assert_eq!(bank.status(id), M::Delivered);
}

#[test]
fn a_bad_report_of_one_copy_waits_for_the_word_on_the_other() {
    let given_up = |tp_st| {
        let mut bank = Bank::new();
        let id = unknown(&mut bank, OnUnknown::Retry, Some(8));
        let first = bank.now.utc;
        bank.pass(900);
        bank.sweep();
        let second = bank.begin_only(Some(9));
        bank.report_of(8, tp_st, first);
        assert_eq!(
            (bank.status(id), bank.parts(id)[0].state),
            (M::Submitting, PartState::Submitting)
        );
        (bank, id, second)
    };
    for tp_st in [0x41, 0x46] {
        let (mut bank, id, second) = given_up(tp_st);
        bank.close(second, accepted(9));
        assert_eq!(bank.status(id), M::Sent);
        bank.pass(60);
        bank.report(9, 0);
        assert_eq!(bank.status(id), M::Delivered, "{tp_st:#x}");

        let (mut bank, id, second) = given_up(tp_st);
        bank.close(second, accepted(9));
        bank.report(9, 0x41);
        assert_eq!(bank.status(id), M::Undelivered, "{tp_st:#x}");

        // The second copy never left: it goes out after all.
        let (mut bank, id, second) = given_up(tp_st);
        bank.close(second, AttemptResult::NotSent(Answer::NoPrompt));
        assert_eq!(bank.status(id), M::Queued, "{tp_st:#x}");
    }
}

#[test]
fn a_bad_report_of_either_of_two_copies_that_were_taken_waits_for_the_other() {
    for (one, other) in [(8, 9), (9, 8)] {
        let mut bank = Bank::new();
        let id = bank.text("Come at ten.");
        let first = bank.begin_only(Some(8));
        bank.close(first, SILENT);
        bank.pass(900);
        bank.sweep();
        let second = bank.begin_only(Some(9));
        bank.close(first, accepted(8));
        bank.close(second, accepted(9));
        bank.report(one, 0x41);
        assert_eq!(bank.status(id), M::Sent, "{one}");
        bank.pass(1);
        bank.report(other, 0);
        assert_eq!(bank.status(id), M::Delivered, "{one}");
    }
}

#[test]
fn a_report_may_come_before_the_answer() {
    for last in [accepted(5), SILENT] {
        let mut bank = Bank::new();
        let id = bank.text("Come at ten.");
        let attempt = bank.begin_only(Some(5));
        bank.pass(1);
        bank.report(5, 0);
        assert_eq!(bank.status(id), M::Submitting);
        bank.pass(1);
        bank.close(attempt, last);
        assert_eq!(bank.status(id), M::Delivered);
    }
}

#[test]
fn a_report_counts_once_and_only_for_its_number_and_sim() {
    let mut bank = Bank::new();
    let id = bank.text("Come at ten.");
    let attempt = bank.begin_only(None);
    bank.close(attempt, accepted(5));
    let report = |bank: &Bank, to: u32, tp_st: u8| Report {
        sim: bank.sim,
        tp_mr: 5,
        recipient: Originator::new(number(to).as_e164()),
        tp_st,
        smsc_timestamp: Some(bank.now.utc),
        discharged_at: None,
        raw: vec![5, tp_st, u8::try_from(to).unwrap()],
    };
    bank.ask(Request::Report(report(&bank, 2, 0)));
    assert_eq!(bank.status(id), M::Sent, "another person's report");
    let (_, other) = bank.introduce("2");
    bank.ask(Request::Report(Report {
        sim: other,
        ..report(&bank, 1, 0)
    }));
    assert_eq!(bank.status(id), M::Sent, "another SIM's report");
    bank.ask(Request::Report(report(&bank, 1, 0x30)));
    assert_eq!(bank.parts(id)[0].state, PartState::Buffered);
    let before = bank.events().len();
    bank.ask(Request::Report(report(&bank, 1, 0x30)));
    assert_eq!(bank.events().len(), before);
    bank.ask(Request::Report(report(&bank, 1, 0)));
    assert_eq!(bank.status(id), M::Delivered);
    // A later word changes nothing any more.
    bank.ask(Request::Report(report(&bank, 1, 0x41)));
    assert_eq!(bank.status(id), M::Delivered);
}

#[test]
fn expired_may_still_be_delivered_and_nothing_else() {
    let mut bank = Bank::new();
    let id = bank.text("Come at ten.");
    let attempt = bank.begin_only(None);
    bank.close(attempt, accepted(5));
    bank.report(5, 0x46);
    let record = bank.record(id);
    assert_eq!((record.status, record.is_final), (M::Expired, true));
    let error = record.error.unwrap();
    assert_eq!(error.code, ErrorCode::ExpiredInNetwork);
    assert_eq!(error.network_code.unwrap().to_string(), "st:0x46");
    bank.pass(60);
    bank.report(5, 0x41);
    assert_eq!(bank.status(id), M::Expired);
    bank.pass(60);
    bank.report(5, 0);
    let record = bank.record(id);
    assert_eq!((record.status, record.error), (M::Delivered, None));
}

#[test]
fn a_quick_local_refusal_is_tried_again_only_where_a_copy_is_allowed() {
    let quick = AttemptResult::Failed {
        answer: Answer::Error,
        took: Duration::from_millis(200),
    };
    let mut bank = Bank::new();
    let id = bank.text("Come at ten.");
    let attempt = bank.begin_only(None);
    bank.close(attempt, quick);
    assert_eq!(bank.status(id), M::Queued);
    assert!(bank.record(id).possible_copy);
    for policy in [OnUnknown::Hold, OnUnknown::Auto] {
        let mut bank = Bank::new();
        let mut message = bank.message(1, "Come at ten.");
        message.on_unknown = policy;
        let id = bank.accept(message);
        let attempt = bank.begin_only(None);
        bank.close(attempt, quick);
        assert_eq!(bank.status(id), M::Unknown);
        let error = bank.parts(id)[0].attempts[0].network_code.unwrap();
        assert_eq!(error.to_string(), "error");
    }
}

#[test]
fn after_a_restart_what_was_under_way_is_unknown_and_the_rest_waits() {
    let mut bank = Bank::new();
    let message = bank.message(2, "One.");
    let sent = bank.accept(message);
    let attempt = bank.begin_only(None);
    bank.close(attempt, accepted(1));
    let open = bank.text("Two.");
    bank.begin_only(Some(2));
    let given_out = bank.text("Three.");
    assert_eq!(bank.take(8).len(), 1);
    bank.store.restart(bank.now).unwrap();
    assert_eq!(bank.status(sent), M::Sent);
    assert_eq!(bank.status(open), M::Unknown);
    assert_eq!(bank.parts(open)[0].attempts[0].state, AttemptState::Unknown);
    assert_eq!(bank.status(given_out), M::Queued);
    let again = bank.take(8);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].id, given_out);
    bank.report(2, 0);
    assert_eq!(bank.status(open), M::Delivered);
}
