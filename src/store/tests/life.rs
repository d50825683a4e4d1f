//! The life of messages from acceptance to their end, with the events on the way.

use std::time::Duration;

use wardwire_core::base::{ServiceId, Ulid, UtcTime};
use wardwire_core::queue::error::ErrorCode;
use wardwire_core::queue::state::{HoldReason, MessageStatus as M, PartState, Priority};
use wardwire_core::queue::status::Delivery;
use wardwire_core::queue::verbs::{Answer, AttemptResult, Begun, Closed, DueMessage, Request, Silence};

use super::Bank;
use super::bank::{accepted, number, written};
use crate::store::{Canceled, EventKind as E};

#[test]
fn a_message_goes_out_and_arrives() {
    let mut bank = Bank::new();
    let id = bank.text("Come at ten.");
    assert_eq!(bank.status(id), M::Queued);
    let due = bank.take(8);
    assert_eq!(due[0].recipient, number(1));
    assert_eq!(due[0].parts.len(), 1);
    bank.pass(1);
    let attempt = written(bank.begin(&due[0], 0, Some(4)));
    assert_eq!(bank.status(id), M::Submitting);
    bank.pass(1);
    assert_eq!(bank.close(attempt, accepted(5)), Closed::Forget);
    let record = bank.record(id);
    assert_eq!(
        (record.status, record.is_final, record.delivery),
        (M::Sent, false, Delivery::Pending)
    );
    assert_eq!(record.body.unwrap().reveal(), "Come at ten.");
    assert_eq!(record.recipient.unwrap(), number(1));
    bank.pass(5);
    bank.report(5, 0x00);
    let record = bank.record(id);
    assert_eq!((record.status, record.is_final), (M::Delivered, true));
    assert_eq!(record.delivery, Delivery::Confirmed);
    assert_eq!(
        (record.parts_accepted, record.parts_delivered, record.attempts),
        (1, 1, 1)
    );
    let since = |at: Option<UtcTime>| at.unwrap().since(record.created_at).as_secs();
    assert_eq!(since(record.queued_at), 0);
    assert_eq!(since(record.submitted_at), 1);
    assert_eq!(since(record.sent_at), 2);
    assert_eq!(since(record.delivered_at), 7);
    assert_eq!(since(record.final_at), 7);
    assert_eq!(
        bank.events(),
        [
            E::MessageCreated,
            E::MessageStatus(M::Submitting),
            E::MessageStatus(M::Sent),
            E::MessageStatus(M::Delivered)
        ]
    );
    assert!(bank.take(8).is_empty());
    assert_eq!(bank.sweep(), (None, false));
}

#[test]
fn a_long_message_keeps_its_parts_together_under_one_reference() {
    let mut bank = Bank::new();
    let long = "It will be long. ".repeat(20);
    let id = bank.text(&long);
    let other = bank.text(&long);
    let due = bank.take(1);
    assert_eq!(due[0].id, id);
    assert_eq!(due[0].parts.len(), 3);
    let reference = |due: &DueMessage| -> Vec<u8> { due.parts.iter().map(|part| part.content.user_data[3]).collect() };
    let first = reference(&due[0]);
    assert!(first.iter().all(|r| *r == first[0]), "{first:?}");
    for place in 0..3 {
        let attempt = written(bank.begin(&due[0], place, None));
        let on = if place < 2 { Closed::GoOn } else { Closed::Forget };
        assert_eq!(bank.close(attempt, accepted(u8::try_from(place).unwrap())), on);
        let status = if place < 2 { M::Submitting } else { M::Sent };
        assert_eq!(bank.status(id), status);
    }
    let next = bank.take(1);
    assert_eq!(next[0].id, other);
    assert_ne!(reference(&next[0])[0], first[0], "two in a row never share a reference");
    for tp_mr in [2, 0, 1] {
        assert_eq!(bank.status(id), M::Sent);
        bank.report(tp_mr, 0);
    }
    assert_eq!(bank.status(id), M::Delivered);
}

#[test]
fn a_refused_message_fails_with_its_reason() {
    let mut bank = Bank::new();
    let id = bank.text(&"It will be long. ".repeat(20));
    let attempt = bank.begin_only(None);
    let refused = AttemptResult::Failed {
        answer: Answer::Cms(1),
        took: Duration::from_secs(4),
    };
    assert_eq!(bank.close(attempt, refused), Closed::Forget);
    let record = bank.record(id);
    assert_eq!((record.status, record.is_final), (M::Failed, true));
    let error = record.error.unwrap();
    assert_eq!(error.code, ErrorCode::NumberUnassigned);
    assert_eq!(error.network_code.unwrap().to_string(), "cms:1");
    let states: Vec<_> = bank.parts(id).iter().map(|part| part.state).collect();
    assert_eq!(states, [PartState::Refused, PartState::Canceled, PartState::Canceled]);
    assert!(bank.events().contains(&E::MessagePartFailed));
    assert!(bank.take(8).is_empty());
}

#[test]
fn a_refused_later_part_lets_the_rest_go_on() {
    let mut bank = Bank::new();
    let id = bank.text(&"It will be long. ".repeat(20));
    let due = bank.take(1);
    let attempt = written(bank.begin(&due[0], 0, None));
    bank.close(attempt, accepted(1));
    let attempt = written(bank.begin(&due[0], 1, None));
    let refused = AttemptResult::Failed {
        answer: Answer::Cms(96),
        took: Duration::from_secs(4),
    };
    assert_eq!(bank.close(attempt, refused), Closed::GoOn);
    let attempt = written(bank.begin(&due[0], 2, None));
    bank.close(attempt, accepted(3));
    assert_eq!(bank.status(id), M::PartiallySent);
    assert!(bank.record(id).is_final);
    // Reports still tell about the parts, and change nothing else.
    bank.report(1, 0);
    assert_eq!(bank.status(id), M::PartiallySent);
    assert_eq!(bank.parts(id)[0].state, PartState::Delivered);
}

#[test]
fn a_transient_refusal_waits_and_is_tried_again() {
    let mut bank = Bank::new();
    let id = bank.text("Come at ten.");
    let attempt = bank.begin_only(None);
    let busy = AttemptResult::Failed {
        answer: Answer::Cms(42),
        took: Duration::from_secs(4),
    };
    assert_eq!(bank.close(attempt, busy), Closed::Forget);
    assert_eq!(bank.status(id), M::Queued);
    assert!(bank.take(8).is_empty());
    bank.pass(36);
    let attempt = bank.begin_only(None);
    bank.close(attempt, accepted(9));
    let record = bank.record(id);
    assert_eq!((record.status, record.attempts), (M::Sent, 2));
    assert_eq!(record.error, None, "what went well in the end has no error");
    assert!(!record.possible_copy);
}

#[test]
fn what_never_left_the_box_is_not_an_attempt_of_the_sim() {
    let mut bank = Bank::new();
    bank.text("Come at ten.");
    for _ in 0..20 {
        let attempt = bank.begin_only(None);
        assert_eq!(
            bank.close(attempt, AttemptResult::NotSent(Answer::NoPrompt)),
            Closed::Forget
        );
        bank.pass(20 * 60);
    }
    let attempt = bank.begin_only(None);
    bank.close(attempt, accepted(1));
    assert_eq!(bank.sends("1"), 1);
}

#[test]
fn validity_ends_what_waits_and_not_what_is_under_way() {
    let mut bank = Bank::new();
    let mut message = bank.message(1, &"It will be long. ".repeat(20));
    message.valid_until = bank.now.utc + Duration::from_secs(60);
    let id = bank.accept(message);
    let due = bank.take(8);
    let attempt = written(bank.begin(&due[0], 0, None));
    bank.pass(60);
    assert_eq!(bank.begin(&due[0], 1, None), Begun::Withdrawn);
    assert_eq!(bank.status(id), M::Submitting);
    bank.close(attempt, accepted(1));
    assert_eq!(bank.status(id), M::PartiallySent);

    let mut message = bank.message(2, "Come at ten.");
    message.valid_until = bank.now.utc + Duration::from_secs(60);
    let id = bank.accept(message);
    let (next, _) = bank.sweep();
    assert_eq!(next, Some(bank.now.utc + Duration::from_secs(60)));
    bank.pass(60);
    assert!(bank.take(8).is_empty(), "nothing goes out after its time");
    bank.sweep();
    let record = bank.record(id);
    assert_eq!((record.status, record.is_final), (M::Expired, true));
    assert_eq!(record.error.unwrap().code, ErrorCode::ExpiredInQueue);
}

#[test]
fn a_scheduled_message_waits_for_its_time() {
    let mut bank = Bank::new();
    let mut message = bank.message(1, "Come at ten.");
    message.send_at = Some(bank.now.utc + Duration::from_secs(3_600));
    let id = bank.accept(message);
    assert_eq!(bank.status(id), M::Scheduled);
    assert!(bank.take(8).is_empty());
    assert_eq!(bank.sweep(), (Some(bank.now.utc + Duration::from_secs(3_600)), false));
    bank.pass(3_600);
    assert!(bank.sweep().1);
    assert_eq!(bank.status(id), M::Queued);
    assert_eq!(bank.record(id).queued_at, Some(bank.now.utc));
    assert_eq!(bank.take(8).len(), 1);
}

#[test]
fn a_held_message_is_not_given_out() {
    let mut bank = Bank::new();
    let mut message = bank.message(1, "Come at ten.");
    message.held = Some(HoldReason::Pilot);
    let id = bank.accept(message);
    let record = bank.record(id);
    assert_eq!((record.status, record.held), (M::Held, Some(HoldReason::Pilot)));
    bank.pass(60);
    assert!(bank.take(8).is_empty());
    bank.pass(72 * 3_600);
    bank.sweep();
    assert_eq!(bank.status(id), M::Expired);
}

#[test]
fn cancel_takes_back_what_waits_and_bars_what_does_not() {
    let mut bank = Bank::new();
    let service = bank.store.default_service();
    let id = bank.text("Come at ten.");
    let due = bank.take(8);
    assert_eq!(bank.cancel(service, id), Canceled::Done);
    assert_eq!(bank.begin(&due[0], 0, None), Begun::Withdrawn);
    assert_eq!(bank.cancel(service, id), Canceled::AlreadyFinal(M::Canceled));
    assert_eq!(bank.cancel(ServiceId(Ulid::from_bits(1)), id), Canceled::NotFound);
    assert_eq!(bank.record(id).error.unwrap().code, ErrorCode::CanceledByUser);

    let id = bank.text("Come at eleven.");
    let attempt = bank.begin_only(None);
    assert_eq!(bank.cancel(service, id), Canceled::AlreadySubmitting);
    bank.close(attempt, AttemptResult::NoAnswer(Silence::Timeout));
    bank.pass(3_600);
    bank.sweep();
    assert!(bank.take(8).is_empty(), "what was withdrawn is never sent again");
    assert_eq!(bank.status(id), M::Unknown);
}

#[test]
fn a_refused_attempt_of_a_withdrawn_message_is_its_last() {
    let mut bank = Bank::new();
    let service = bank.store.default_service();
    let id = bank.text("Come at ten.");
    let attempt = bank.begin_only(None);
    bank.cancel(service, id);
    let busy = AttemptResult::Failed {
        answer: Answer::Cms(42),
        took: Duration::from_secs(4),
    };
    bank.close(attempt, busy);
    assert_eq!(bank.status(id), M::Canceled);
}

#[test]
fn urgent_messages_go_first_and_old_ones_before_new_ones() {
    let mut bank = Bank::new();
    let mut ids = Vec::new();
    for (n, priority) in [Priority::Bulk, Priority::Normal, Priority::Emergency, Priority::High]
        .into_iter()
        .cycle()
        .take(8)
        .enumerate()
    {
        let mut message = bank.message(u32::try_from(n).unwrap(), "Come.");
        message.priority = priority;
        ids.push(bank.accept(message));
        bank.pass(1);
    }
    let order: Vec<_> = bank.take(100).into_iter().map(|due| due.id).collect();
    let expected: Vec<_> = [2, 6, 3, 7, 1, 5, 0, 4].into_iter().map(|n| ids[n]).collect();
    assert_eq!(order, expected);
}

#[test]
fn what_is_given_out_is_not_given_out_twice_until_released() {
    let mut bank = Bank::new();
    let first = bank.text("One.");
    bank.pass(1);
    let second = bank.text("Two.");
    assert_eq!(bank.take(1)[0].id, first);
    assert_eq!(bank.take(8)[0].id, second);
    assert!(bank.take(8).is_empty());
    bank.ask(Request::Release(first));
    let again = bank.take(8);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].id, first);
    // Nobody may send what was not given out.
    bank.ask(Request::Release(first));
    assert_eq!(bank.begin(&again[0], 0, None), Begun::Withdrawn);
}

#[test]
fn without_reports_sent_is_the_end() {
    let mut bank = Bank::new();
    let mut message = bank.message(1, "Come at ten.");
    message.delivery_report = false;
    let id = bank.accept(message);
    let attempt = bank.begin_only(None);
    bank.close(attempt, accepted(5));
    let record = bank.record(id);
    assert_eq!(
        (record.status, record.is_final, record.delivery),
        (M::Sent, true, Delivery::None)
    );
    bank.report(5, 0);
    assert_eq!(bank.status(id), M::Sent, "a report nobody asked for is history only");
}

#[test]
fn the_wait_for_a_report_ends() {
    let mut bank = Bank::new();
    let id = bank.text("Come at ten.");
    let attempt = bank.begin_only(None);
    bank.close(attempt, accepted(5));
    bank.pass((72 + 48) * 3_600 - 1);
    bank.sweep();
    assert!(!bank.record(id).is_final);
    bank.pass(1);
    bank.sweep();
    let record = bank.record(id);
    assert_eq!(
        (record.status, record.is_final, record.delivery),
        (M::Sent, true, Delivery::Timeout)
    );
    assert_eq!(record.error.unwrap().code, ErrorCode::ReportTimeout);
    bank.report(5, 0);
    assert_eq!(bank.status(id), M::Sent, "late evidence is history only");
}
