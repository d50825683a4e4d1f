//! Batches: there or not, whatever stops the program; each number once; paused and withdrawn from the commit on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use wardwire_core::base::{BatchId, Body, MessageId, PhoneNumber};
use wardwire_core::queue::state::{HoldReason, MessageStatus as M, Priority};
use wardwire_core::queue::verbs::{Begun, Closed};
use wardwire_core::sms::{SegmentOptions, segment};

use super::Bank;
use super::bank::{accepted, at, keys, number, written};
use crate::store::{
    AcceptBatch, Accepted, Answer, BatchAct, BatchActed, BatchRecord, BatchStatus, BatchText, Decision, EventKind,
    Idempotency, ListFilter, NewBatch, Op, Place, Recipient, Settings, Store, StoredResponse,
};

const STEP: u32 = 100;

fn text(body: &str) -> BatchText {
    let cut = segment(body, &SegmentOptions::default()).unwrap();
    BatchText {
        body: Body::new(body),
        parts: cut.parts,
        alphabet: cut.alphabet,
        units: cut.units,
    }
}

/// A text for the numbers from 1 on.
fn new(bank: &Bank, recipients: u32) -> NewBatch {
    let mut shared = bank.message(1, "The clinic is closed.");
    shared.priority = Priority::Bulk;
    shared.reference = Some("B-1".to_owned());
    let recipient = |n| Recipient {
        number: number(n),
        text: 0,
        held: None,
        reference: None,
    };
    NewBatch {
        name: Some("Closed".to_owned()),
        shared,
        texts: vec![text("The clinic is closed.")],
        recipients: (1..=recipients).map(recipient).collect(),
        duplicates: 2,
        invalid: 1,
    }
}

fn keyed(batch: NewBatch, key: Option<(&str, u8)>) -> Op {
    Op::AcceptBatch(Box::new(AcceptBatch {
        batch,
        idempotency: key.map(|(key, body)| Idempotency {
            key: key.to_owned(),
            scope: "POST /v1/batches".to_owned(),
            fingerprint: [body; 32],
        }),
        respond: Box::new(|batch| StoredResponse {
            status: 202,
            body: format!("{} of {}", batch.id, batch.recipients),
        }),
    }))
}

fn accept(bank: &mut Bank, batch: NewBatch) -> BatchId {
    let Answer::BatchAccepted(Accepted::New { id, .. }) = bank.one(keyed(batch, None)) else {
        panic!("another answer");
    };
    id
}

/// The first so many numbers get a text.
fn simple(bank: &mut Bank, recipients: u32) -> BatchId {
    let batch = new(bank, recipients);
    accept(bank, batch)
}

/// The next process: its ids are others.
fn again(place: &Place) -> Bank {
    let settings = Settings {
        seed: 1,
        ..Settings::default()
    };
    Bank::with(place, settings)
}

/// One step; whether more is left.
fn step(bank: &mut Bank) -> bool {
    let Answer::Done(more) = bank.one(Op::Batches) else {
        panic!("another answer");
    };
    assert_eq!(more, bank.store.has_batches());
    more
}

fn all_steps(bank: &mut Bank) {
    for _ in 0..1_000 {
        if !step(bank) {
            return;
        }
    }
    panic!("batches never come to an end");
}

fn act(bank: &mut Bank, batch: BatchId, act: BatchAct) -> BatchActed {
    let service = bank.store.default_service();
    let Answer::BatchActed(acted) = bank.one(Op::ActOnBatch { service, batch, act }) else {
        panic!("another answer");
    };
    acted
}

fn record(bank: &Bank, id: BatchId) -> BatchRecord {
    let service = bank.store.default_service();
    bank.store.read().batch(service, id).unwrap().unwrap()
}

/// Who got a message of it, sorted: ids of two processes in one millisecond are in no order.
fn reached(bank: &Bank, id: BatchId) -> Vec<PhoneNumber> {
    let mut numbers: Vec<_> = messages(bank, id)
        .iter()
        .map(|m| m.recipient.clone().unwrap())
        .collect();
    numbers.sort_unstable();
    numbers
}

/// Its messages, oldest first.
fn messages(bank: &Bank, id: BatchId) -> Vec<crate::store::MessageRecord> {
    let mut filter = ListFilter {
        batch: Some(id),
        ascending: true,
        limit: 200,
        ..ListFilter::default()
    };
    let mut all = Vec::new();
    loop {
        let page = bank
            .store
            .read()
            .messages(bank.store.default_service(), &filter)
            .unwrap();
        all.extend(page.rows);
        filter.cursor = page.next;
        if page.next.is_none() {
            return all;
        }
    }
}

fn sends(bank: &mut Bank, id: MessageId, tp_mr: u8) {
    let due = bank.take(usize::MAX);
    let one = due.into_iter().find(|due| due.id == id).unwrap();
    let attempt = written(bank.begin(&one, 0, None));
    assert_eq!(bank.close(attempt, accepted(tp_mr)), Closed::Forget);
}

#[test]
fn each_recipient_gets_one_message_and_the_counts_follow() {
    let mut bank = Bank::new();
    let mut batch = new(&bank, 2 * STEP + 1);
    batch.texts.push(text(&"Long and for one alone. ".repeat(10)));
    batch.recipients[1].text = 1;
    batch.recipients[1].reference = Some("R-2".to_owned());
    batch.recipients[2].held = Some(HoldReason::Pilot);
    let id = accept(&mut bank, batch);
    let before = record(&bank, id);
    assert_eq!((before.recipients, before.prepared, before.parts), (201, 0, 202));
    assert_eq!(
        (before.duplicates, before.invalid, before.status),
        (2, 1, BatchStatus::Running)
    );
    assert!(bank.take(9).is_empty(), "nothing before its step");
    assert!(
        step(&mut bank) && step(&mut bank) && !step(&mut bank),
        "a step is bounded"
    );
    let after = record(&bank, id);
    assert_eq!(
        (after.prepared, after.counts),
        (201, vec![(M::Held, 1), (M::Queued, 200)])
    );
    let made = messages(&bank, id);
    let numbers: Vec<_> = made.iter().map(|m| m.recipient.clone().unwrap()).collect();
    assert_eq!(
        numbers,
        (1..=201).map(number).collect::<Vec<_>>(),
        "in their order, each once"
    );
    assert!(made.iter().all(|m| m.batch == Some(id) && m.priority == Priority::Bulk));
    assert_eq!(made[0].body.as_ref().unwrap().reveal(), "The clinic is closed.");
    assert_eq!((made[0].reference.as_deref(), made[0].part_count), (Some("B-1"), 1));
    assert_eq!((made[1].reference.as_deref(), made[1].part_count), (Some("R-2"), 2));
    assert_eq!((made[2].status, made[2].held), (M::Held, Some(HoldReason::Pilot)));
    assert_eq!((made[3].part_count, made[3].status), (1, M::Queued));
    let due = bank.take(usize::MAX);
    assert_eq!(due.len(), 200);
    // Nothing of the people is left in the intake.
    let db = bank.store.read().connection();
    let left: (i64, i64) = db
        .query_row(
            "SELECT (SELECT count(*) FROM batch_intakes), count(data_key) FROM batches",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(left, (0, 0));
}

#[test]
fn the_last_end_completes_it_and_each_change_has_its_event() {
    let mut bank = Bank::new();
    let mut batch = new(&bank, 2);
    batch.shared.delivery_report = false;
    let id = accept(&mut bank, batch);
    all_steps(&mut bank);
    let made = messages(&bank, id);
    sends(&mut bank, made[0].id, 1);
    assert_eq!(record(&bank, id).counts, [(M::Queued, 1), (M::Sent, 1)]);
    assert_eq!(record(&bank, id).completed_at, None);
    let service = bank.store.default_service();
    bank.cancel(service, made[1].id);
    let done = record(&bank, id);
    assert_eq!(done.counts, [(M::Canceled, 1), (M::Sent, 1)]);
    assert_eq!(
        (done.status, done.completed_at),
        (BatchStatus::Completed, Some(bank.now.utc))
    );
    for wanted in [BatchAct::Pause, BatchAct::Resume, BatchAct::Cancel] {
        assert_eq!(act(&mut bank, id, wanted), BatchActed::Conflict(BatchStatus::Completed));
    }
    let events = bank.events();
    assert_eq!(
        (events[0], events[1], events[2], *events.last().unwrap()),
        (
            EventKind::BatchStarted,
            EventKind::MessageCreated,
            EventKind::MessageCreated,
            EventKind::BatchCompleted
        )
    );
    let all = bank.store.read().events(None, 0, 200).unwrap();
    assert_eq!(all[0].reference.as_deref(), Some("B-1"));
}

#[test]
fn the_same_request_is_one_batch() {
    let mut bank = Bank::new();
    let first = keyed(new(&bank, 3), Some(("k", 1)));
    let Answer::BatchAccepted(Accepted::New { id, response }) = bank.one(first) else {
        panic!("another answer");
    };
    all_steps(&mut bank);
    let same = keyed(new(&bank, 3), Some(("k", 1)));
    let Answer::BatchAccepted(replayed) = bank.one(same) else {
        panic!("another answer");
    };
    assert_eq!(replayed, Accepted::Replayed { id, response });
    let other = keyed(new(&bank, 4), Some(("k", 2)));
    assert!(matches!(bank.one(other), Answer::BatchAccepted(Accepted::KeyReused)));
    assert!(!bank.store.has_batches());
    assert_eq!(messages(&bank, id).len(), 3);
    // After seven days the key is free.
    bank.pass(8 * 24 * 3600);
    bank.sweep();
    let late = keyed(new(&bank, 3), Some(("k", 1)));
    assert!(matches!(bank.one(late), Answer::BatchAccepted(Accepted::New { .. })));
}

#[test]
fn a_stop_at_any_commit_leaves_all_of_it_or_nothing() {
    // One commit for the batch, one for each of its three steps: the process stops before the n-th, or after all.
    for commits in 0..=4 {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("w.db"));
        let mut bank = Bank::at_place(&place);
        let batch = new(&bank, 2 * STEP + 50);
        let left = Arc::new(AtomicU32::new(commits));
        let counted = Arc::clone(&left);
        let refuse = move || {
            let before = counted.load(Ordering::Relaxed);
            counted.store(before.saturating_sub(1), Ordering::Relaxed);
            before == 0
        };
        bank.store.before_commit(refuse);
        let answer = bank.one(keyed(batch, Some(("k", 1))));
        let taken = matches!(answer, Answer::BatchAccepted(_));
        assert_eq!(taken, commits > 0);
        for _ in 0..3 {
            bank.one(Op::Batches);
        }
        drop(bank);
        let mut bank = again(&place);
        let service = bank.store.default_service();
        let found = bank.store.read().batches(service, &ListFilter::default()).unwrap().rows;
        assert_eq!(found.len(), usize::from(taken), "{commits}");
        all_steps(&mut bank);
        let Some(batch) = found.first() else {
            assert!(bank.take(9).is_empty());
            continue;
        };
        assert_eq!(batch.prepared, (STEP * (commits - 1)).min(250), "{commits}");
        assert!(
            reached(&bank, batch.id) == (1..=250).map(number).collect::<Vec<_>>(),
            "{commits}"
        );
        assert_eq!(record(&bank, batch.id).counts, [(M::Queued, 250)], "{commits}");
        // Who heard no answer asks again, and gets that of then.
        let same = keyed(new(&bank, 250), Some(("k", 1)));
        assert!(matches!(
            bank.one(same),
            Answer::BatchAccepted(Accepted::Replayed { .. })
        ));
    }
}

#[test]
fn a_step_that_cannot_be_written_is_done_later() {
    let mut bank = Bank::new();
    let id = simple(&mut bank, 3);
    bank.store.before_commit(|| true);
    assert!(matches!(bank.one(Op::Batches), Answer::Unavailable));
    assert!(bank.store.has_batches());
    bank.store.before_commit(|| false);
    all_steps(&mut bank);
    assert_eq!(record(&bank, id).counts, [(M::Queued, 3)]);
    assert_eq!(bank.take(9).len(), 3);
}

#[test]
fn what_is_withdrawn_never_begins_whatever_the_sweep_has_seen() {
    let mut bank = Bank::new();
    let id = simple(&mut bank, 3 * STEP);
    assert!(step(&mut bank) && step(&mut bank));
    let made = messages(&bank, id);
    let due = bank.take(usize::MAX);
    assert_eq!(due.len(), 200);
    let attempt = written(bank.begin(&due[0], 0, None));
    assert_eq!(act(&mut bank, id, BatchAct::Cancel), BatchActed::Done);
    // The gateway held this one: the last that the sweep comes to.
    assert_eq!(bank.begin(&due[199], 0, None), Begun::Withdrawn);
    assert_eq!(bank.status(made[199].id), M::Canceled);
    assert_eq!(record(&bank, id).status, BatchStatus::Canceled);
    all_steps(&mut bank);
    let counts = record(&bank, id).counts;
    assert_eq!(
        counts,
        [(M::Canceled, 299), (M::Submitting, 1)],
        "also those without a message"
    );
    assert_eq!(bank.take(9).len(), 0);
    assert_eq!(act(&mut bank, id, BatchAct::Cancel), BatchActed::Done);
    assert_eq!(
        act(&mut bank, id, BatchAct::Resume),
        BatchActed::Conflict(BatchStatus::Canceled)
    );
    // What was on its way may arrive; then it is over.
    bank.close(attempt, accepted(1));
    assert_eq!(record(&bank, id).completed_at, None);
    bank.report(1, 0);
    let done = record(&bank, id);
    assert_eq!(done.counts, [(M::Canceled, 299), (M::Delivered, 1)]);
    assert_eq!(
        (done.status, done.completed_at),
        (BatchStatus::Canceled, Some(bank.now.utc))
    );
    assert_eq!(act(&mut bank, id, BatchAct::Cancel), BatchActed::Done);
    assert_eq!(messages(&bank, id).len(), 200);
}

#[test]
fn a_paused_batch_waits_over_a_restart_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("w.db"));
    let mut bank = Bank::at_place(&place);
    let mut batch = new(&bank, 2 * STEP);
    batch.recipients[0].held = Some(HoldReason::Pilot);
    let id = accept(&mut bank, batch);
    assert!(step(&mut bank));
    let due = bank.take(2);
    written(bank.begin(&due[0], 0, None));
    assert_eq!(act(&mut bank, id, BatchAct::Pause), BatchActed::Done);
    assert_eq!(act(&mut bank, id, BatchAct::Pause), BatchActed::Done);
    assert_eq!(
        bank.begin(&due[1], 0, None),
        Begun::Withdrawn,
        "it was given out before"
    );
    drop(bank);
    let mut bank = again(&place);
    all_steps(&mut bank);
    assert!(bank.take(9).is_empty());
    let paused = record(&bank, id);
    assert_eq!(paused.status, BatchStatus::Paused);
    // The one that was with the modem is unknown after the restart.
    assert_eq!(paused.counts, [(M::Held, 199), (M::Unknown, 1)]);
    let made = messages(&bank, id);
    let pilot = made.iter().find(|m| m.recipient == Some(number(1))).unwrap().id;
    assert_eq!(bank.record(pilot).held, Some(HoldReason::Pilot));
    let held = made.iter().filter(|m| m.held == Some(HoldReason::Paused));
    assert_eq!(held.count(), 198);
    // A person says that the unknown one was not sent: it waits like the others.
    let service = bank.store.default_service();
    let unknown = made.iter().find(|m| m.status == M::Unknown).unwrap().id;
    let decide = Op::Decide {
        service,
        message: unknown,
        decision: Decision::NotSent,
    };
    bank.one(decide);
    assert_eq!(bank.record(unknown).held, Some(HoldReason::Paused));
    assert_eq!(act(&mut bank, id, BatchAct::Resume), BatchActed::Done);
    all_steps(&mut bank);
    assert_eq!(record(&bank, id).counts, [(M::Held, 1), (M::Queued, 199)]);
    assert_eq!(bank.take(usize::MAX).len(), 199);
    assert_eq!(
        bank.record(pilot).held,
        Some(HoldReason::Pilot),
        "another reason is not ended by it"
    );
}

#[test]
fn what_was_planned_keeps_its_time_over_a_pause() {
    let mut bank = Bank::new();
    let mut batch = new(&bank, 1);
    batch.shared.send_at = Some(at(3600).utc);
    let id = accept(&mut bank, batch);
    all_steps(&mut bank);
    let message = messages(&bank, id)[0].id;
    assert_eq!(bank.status(message), M::Scheduled);
    act(&mut bank, id, BatchAct::Pause);
    all_steps(&mut bank);
    act(&mut bank, id, BatchAct::Resume);
    all_steps(&mut bank);
    assert_eq!(bank.status(message), M::Scheduled);
    assert!(bank.take(9).is_empty());
    bank.pass(3600);
    assert_eq!(bank.take(9).len(), 1);
}

#[test]
fn a_batch_is_its_services_alone() {
    let mut bank = Bank::new();
    let id = simple(&mut bank, 1);
    let stranger = wardwire_core::base::ServiceId(wardwire_core::base::Ulid::from_bits(5));
    assert_eq!(bank.store.read().batch(stranger, id).unwrap(), None);
    let op = Op::ActOnBatch {
        service: stranger,
        batch: id,
        act: BatchAct::Cancel,
    };
    assert!(matches!(bank.one(op), Answer::BatchActed(BatchActed::NotFound)));
    assert_eq!(record(&bank, id).status, BatchStatus::Running);
}

#[test]
fn nobody_gets_more_than_his_cap_by_a_batch() {
    let settings = Settings {
        per_recipient_per_day: 1,
        ..Settings::default()
    };
    let mut bank = Bank::with(&Place::Memory, settings);
    bank.text("An appointment.");
    let attempt = bank.begin_only(None);
    bank.close(attempt, accepted(1));
    let id = simple(&mut bank, 2);
    all_steps(&mut bank);
    let due = bank.take(9);
    assert_eq!(due.len(), 2);
    assert_eq!(bank.begin(&due[0], 0, None), Begun::Withdrawn, "had one today");
    written(bank.begin(&due[1], 0, None));
    assert_eq!(record(&bank, id).counts, [(M::Queued, 1), (M::Submitting, 1)]);
}

#[test]
fn what_does_not_open_stops_nobody() {
    let mut bank = Bank::new();
    let bad = simple(&mut bank, 1);
    let good = simple(&mut bank, 1);
    let db = bank.store.read().connection();
    // Also a piece of another batch does not open: it is sealed for its place.
    db.execute(
        "UPDATE batch_intakes SET content = (SELECT content FROM batch_intakes WHERE batch = ?2) WHERE batch = ?1",
        [bad.0.to_octets(), good.0.to_octets()],
    )
    .unwrap();
    all_steps(&mut bank);
    assert_eq!((record(&bank, bad).prepared, record(&bank, good).prepared), (0, 1));
    assert_eq!(act(&mut bank, bad, BatchAct::Cancel), BatchActed::Done);
    assert_eq!(record(&bank, bad).counts, [(M::Canceled, 1)]);
    assert!(record(&bank, bad).completed_at.is_some());
}

#[test]
fn no_number_and_no_text_lies_open_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.db");
    let mut bank = Bank::at_place(&Place::File(path.clone()));
    simple(&mut bank, 150);
    let look = || {
        let mut octets = Vec::new();
        for name in ["w.db", "w.db-wal"] {
            octets.extend(std::fs::read(folder.path().join(name)).unwrap_or_default());
        }
        let has = |needle: &[u8]| octets.windows(needle.len()).any(|window| window == needle);
        assert!(has(b"batch_intakes"), "the files are read");
        has(b"clinic") || has(&number(1).as_e164().as_bytes()[1..])
    };
    assert!(!look());
    all_steps(&mut bank);
    assert!(!look());
    drop(bank);
    assert!(Store::open(&Place::File(path), keys(), Settings::default(), at(0)).is_ok());
}

fn count(bank: &Bank, sql: &str) -> i64 {
    let db = bank.store.read().connection();
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_batch_withdrawn_before_a_stop_ends_after_it_and_leaves_nothing_of_its_people() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("w.db"));
    let mut bank = Bank::at_place(&place);
    let id = simple(&mut bank, 3 * STEP);
    assert!(step(&mut bank));
    assert_eq!(act(&mut bank, id, BatchAct::Cancel), BatchActed::Done);
    assert_eq!(
        bank.events()
            .into_iter()
            .filter(|kind| *kind == EventKind::BatchCanceled)
            .count(),
        1
    );
    let left = "SELECT (SELECT count(*) FROM batch_intakes) + count(data_key) FROM batches";
    assert_eq!(count(&bank, left), 0, "from the commit on");
    drop(bank);
    let mut bank = again(&place);
    all_steps(&mut bank);
    let ended = record(&bank, id);
    assert_eq!(
        (ended.status, ended.counts),
        (BatchStatus::Canceled, vec![(M::Canceled, 300)])
    );
    assert!(ended.completed_at.is_some());
    assert_eq!((messages(&bank, id).len(), bank.take(9).len()), (100, 0));
}

#[test]
fn what_ended_and_what_was_carried_out_before_a_stop_is_not_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("w.db"));
    let mut bank = Bank::at_place(&place);
    let id = simple(&mut bank, 2);
    all_steps(&mut bank);
    let made = messages(&bank, id);
    let service = bank.store.default_service();
    bank.cancel(service, made[0].id);
    assert_eq!(act(&mut bank, id, BatchAct::Pause), BatchActed::Done);
    all_steps(&mut bank);
    drop(bank);
    let mut bank = again(&place);
    assert!(!bank.store.has_batches());
    bank.cancel(service, made[1].id);
    assert_eq!(
        record(&bank, id).status,
        BatchStatus::Completed,
        "each end is counted once"
    );
}

#[test]
fn who_is_held_for_another_reason_stays_held_also_when_made_in_a_pause() {
    let mut bank = Bank::new();
    let mut batch = new(&bank, 2);
    batch.recipients[0].held = Some(HoldReason::Pilot);
    let id = accept(&mut bank, batch);
    assert_eq!(act(&mut bank, id, BatchAct::Pause), BatchActed::Done);
    all_steps(&mut bank);
    assert_eq!(record(&bank, id).counts, [(M::Held, 2)]);
    assert_eq!(act(&mut bank, id, BatchAct::Resume), BatchActed::Done);
    all_steps(&mut bank);
    let held: Vec<_> = messages(&bank, id).iter().map(|m| (m.status, m.held)).collect();
    assert_eq!(held, [(M::Held, Some(HoldReason::Pilot)), (M::Queued, None)]);
}

#[test]
fn a_paused_batch_can_be_withdrawn_and_what_a_person_decides_goes_before_what_is_made() {
    let mut bank = Bank::new();
    let first = simple(&mut bank, STEP);
    all_steps(&mut bank);
    let second = simple(&mut bank, 2 * STEP);
    for (wanted, status) in [(BatchAct::Pause, M::Held), (BatchAct::Cancel, M::Canceled)] {
        assert_eq!(act(&mut bank, first, wanted), BatchActed::Done);
        assert!(step(&mut bank));
        assert_eq!(record(&bank, first).counts, [(status, 100)]);
        assert_eq!(record(&bank, second).prepared, 0);
    }
    let refused = act(&mut bank, first, BatchAct::Resume);
    assert_eq!(refused, BatchActed::Conflict(BatchStatus::Canceled));
}

#[test]
fn each_gets_his_own_text_in_whatever_piece_he_stands() {
    let mut bank = Bank::new();
    let mut batch = new(&bank, STEP + 3);
    batch.texts.extend(["The first.", "The second."].map(text));
    for (recipient, text) in batch.recipients.iter_mut().skip(100).zip([2, 1, 2]) {
        recipient.text = text;
    }
    let id = accept(&mut bank, batch);
    all_steps(&mut bank);
    let made = messages(&bank, id);
    let texts: Vec<_> = made
        .iter()
        .skip(99)
        .map(|m| m.body.as_ref().unwrap().reveal())
        .collect();
    assert_eq!(
        texts,
        ["The clinic is closed.", "The second.", "The first.", "The second."]
    );
}

#[test]
fn a_batch_is_forgotten_when_the_last_record_of_its_messages_is() {
    let mut bank = Bank::new();
    let mut batch = new(&bank, 2);
    batch.shared.delivery_report = false;
    let id = accept(&mut bank, batch);
    all_steps(&mut bank);
    for (one, tp_mr) in bank.take(9).iter().zip(1..) {
        let attempt = written(bank.begin(one, 0, None));
        bank.close(attempt, accepted(tp_mr));
    }
    assert_eq!(record(&bank, id).status, BatchStatus::Completed);
    let rows = "SELECT (SELECT count(*) FROM batches) + (SELECT count(*) FROM batch_counts)";
    for (days, any) in [(450, true), (2_200, false)] {
        bank.pass(days * 24 * 3_600);
        for _ in 0..30 {
            bank.sweep();
        }
        assert_eq!(count(&bank, rows) > 0, any, "{days}");
    }
}
