//! The life of messages from acceptance to their end, with the events on the way.

use wardwire_core::queue::error::ErrorCode;
use wardwire_core::queue::state::{MessageStatus as M, OnUnknown, PartState, Priority};
use wardwire_core::queue::status::Delivery;
use wardwire_core::queue::verbs::{Answer, AttemptResult, Begun, Closed, Silence};

use super::Bank;
use super::bank::{accepted, written};
use crate::store::EventKind as E;

#[test]
fn a_message_goes_out_and_arrives() {
    let mut bank = Bank::new();
    let id = bank.text("Come at ten.");
    assert_eq!(bank.status(id), M::Queued);
    let due = bank.take(8);
    assert_eq!(due[0].recipient, super::bank::number(1));
    assert_eq!(due[0].parts.len(), 1);
    bank.pass(1);
    let attempt = written(bank.begin(&due[0], 0, Some(4)));
    assert_eq!(bank.status(id), M::Submitting);
    bank.pass(1);
    assert_eq!(bank.close(attempt, accepted(5)), Closed::GoOn);
    let record = bank.record(id);
    assert_eq!(
        (record.status, record.is_final, record.delivery),
        (M::Sent, false, Delivery::Pending)
    );
    assert_eq!(record.body.unwrap().reveal(), "Come at ten.");
    assert_eq!(record.recipient.unwrap(), super::bank::number(1));
    bank.pass(5);
    bank.report(5, 0x00);
    let record = bank.record(id);
    assert_eq!((record.status, record.is_final), (M::Delivered, true));
    assert_eq!(record.delivery, Delivery::Confirmed);
    assert_eq!(
        (record.parts_accepted, record.parts_delivered, record.attempts),
        (1, 1, 1)
    );
    let since = |at: Option<wardwire_core::base::UtcTime>| at.unwrap().since(record.created_at).as_secs();
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
