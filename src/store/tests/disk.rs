//! A disk that is full, fails or is slow: what is told, what still gets in, and that memory and disk stay one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use wardwire_core::base::{Now, Originator};
use wardwire_core::queue::inbound::InboundKind;
use wardwire_core::queue::lane::Way;
use wardwire_core::queue::verbs::{InboundPart, Reply, Request};
use wardwire_core::sms::{SegmentOptions, segment};

use super::Bank;
use super::bank::{accepted, at, keys, plain, take_due, written};
use crate::store::{
    Accept, Accepted, Answer, DiskState, Idempotency, Limits, ListFilter, Op, Place, Settings, Store, StoreError,
    StoreHandle,
};

const KIB: u64 = 1 << 10;

fn limited(size: u64, reserve: u64) -> Settings {
    Settings {
        disk: Limits { size, reserve },
        ..Settings::default()
    }
}

/// A text in ten parts under an idempotency key.
fn big(bank: &Bank, n: u32) -> Op {
    let text = "The ward round is at ten. ".repeat(58);
    let mut message = bank.message(n, "x");
    let options = SegmentOptions {
        max_parts: 10,
        ..SegmentOptions::default()
    };
    message.parts = segment(&text, &options).unwrap().parts;
    message.body = wardwire_core::base::Body::new(&text);
    Op::Accept(Box::new(Accept {
        idempotency: Some(Idempotency {
            key: format!("k{n}"),
            scope: "POST /v1/messages".into(),
            fingerprint: [1; 32],
        }),
        ..plain(message)
    }))
}

fn stop(bank: &Bank, n: u8) -> Request {
    // SMS-DELIVER from a short number with the text "STOP"; the time stamp tells one from the other.
    let swapped = |n: u8| ((n % 10) << 4) | (n / 10);
    let (minute, second) = (swapped(n / 60), swapped(n % 60));
    let raw = [
        0x04, 0x04, 0x81, 0x21, 0x43, 0x00, 0x00, 0x62, 0x60, 0x51, 0x01, minute, second, 0x00, 0x04, 0x53, 0xEA, 0x13,
        0x0A,
    ];
    Request::Receive(InboundPart {
        sim: bank.sim,
        modem: bank.modem,
        from: Originator::new("1234"),
        concat: None,
        smsc_timestamp: Some(bank.now.utc),
        raw: raw.to_vec(),
    })
}

fn inbound(bank: &Bank) -> usize {
    let service = bank.store.default_service();
    let page = bank.store.read().inbound(
        service,
        &ListFilter {
            limit: 200,
            kinds: InboundKind::ALL.to_vec(),
            ..ListFilter::default()
        },
    );
    page.unwrap().rows.len()
}

/// Accepts until the disk is full; how many were taken.
fn fill(bank: &mut Bank) -> u32 {
    for n in 0..10_000 {
        let op = big(bank, n);
        let answer = bank.one(op);
        if matches!(answer, Answer::Full) {
            return n;
        }
        assert!(matches!(answer, Answer::Accepted(Accepted::New { .. })), "{answer:?}");
    }
    panic!("the limit does not hold");
}

#[test]
fn a_full_disk_takes_no_new_message_and_all_that_comes_in() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::File(dir.path().join("a.db"));
    let mut bank = Bank::with(&place, limited(1_600 * KIB, 400 * KIB));
    let attempt = {
        bank.text("Come at ten.");
        bank.begin_only(None)
    };
    let taken = fill(&mut bank);
    assert!(taken > 20, "{taken}");
    assert_eq!(bank.store.disk().state, DiskState::Full);
    // A submit under way, its report, and people who write: all of it gets in.
    bank.close(attempt, accepted(7));
    bank.report(7, 0);
    for n in 0..200 {
        let request = stop(&bank, n);
        assert!(matches!(bank.ask(request), Reply::Stored), "{n}");
        bank.sweep();
    }
    assert_eq!(inbound(&bank), 200);
    // What was accepted is there and goes out; who asks again hears what he heard before.
    for n in [0, taken - 1] {
        let again = big(&bank, n);
        assert!(matches!(bank.one(again), Answer::Accepted(Accepted::Replayed { .. })));
    }
    let due = bank.take(usize::MAX);
    assert_eq!(due.len(), usize::try_from(taken).unwrap());
    assert!(due.iter().all(|due| due.parts.len() == 10));
    let attempt = written(bank.begin(&due[0], 0, None));
    bank.close(attempt, accepted(8));
    // Room again, and all goes on by itself.
    let db = bank.store.read().connection();
    db.execute_batch("UPDATE parts SET content = NULL; UPDATE messages SET body = NULL")
        .unwrap();
    let more = big(&bank, 20_000);
    assert!(matches!(bank.one(more), Answer::Accepted(Accepted::New { .. })));
    assert_ne!(bank.store.disk().state, DiskState::Full);
    bank.events();
}

#[test]
fn the_marks_of_a_fifth_and_a_tenth_are_passed_on_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::File(dir.path().join("a.db"));
    let mut bank = Bank::with(&place, limited(4_000 * KIB, 100 * KIB));
    let mut seen = vec![bank.store.disk().state];
    loop {
        let op = big(&bank, u32::try_from(seen.len()).unwrap());
        let answer = bank.one(op);
        seen.push(bank.store.disk().state);
        if matches!(answer, Answer::Full) {
            break;
        }
    }
    seen.dedup();
    use DiskState as D;
    assert_eq!(seen, [D::Ample, D::Low, D::Scarce, D::Full]);
}

#[test]
fn where_new_messages_do_not_fit_the_rest_of_their_batch_does() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::File(dir.path().join("a.db"));
    let mut bank = Bank::with(&place, limited(800 * KIB, 0));
    let attempt = {
        bank.text("Come at ten.");
        bank.begin_only(None)
    };
    let before = bank.events().len();
    let mut ops: Vec<Op> = (0..100).map(|n| big(&bank, n)).collect();
    ops.insert(50, Op::Gateway(stop(&bank, 0)));
    ops.push(Op::Gateway(Request::Close {
        attempt,
        result: accepted(9),
    }));
    let answers = bank.store.apply(bank.now, ops);
    let (full, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| matches!(a, Answer::Full));
    assert_eq!((full.len(), others.len()), (100, 2));
    assert!(others.iter().all(|answer| matches!(answer, Answer::Gateway(_))));
    assert_eq!(inbound(&bank), 1);
    assert_eq!(bank.store.facts().len() + before, bank.events().len());
    assert!(bank.take(9).is_empty(), "nothing of the refused is left behind");
}

#[test]
fn a_commit_that_fails_is_told_and_changes_nothing() {
    let mut bank = Bank::new();
    bank.text("Come at ten.");
    let events = bank.events().len();
    bank.store.before_commit(|| true);
    let ops = vec![
        Op::Gateway(take_due(&[Way::Any], 5, 5)),
        big(&bank, 2),
        Op::Gateway(stop(&bank, 0)),
    ];
    let answers = bank.store.apply(bank.now, ops);
    assert!(answers.iter().all(|answer| matches!(answer, Answer::Unavailable)));
    assert!(bank.store.facts().is_empty() && !bank.store.work_arrived());
    assert_eq!(bank.store.disk().state, DiskState::Failing);
    // A turn that has nothing to write proves nothing.
    let answers = bank.store.apply(bank.now, vec![Op::Gateway(Request::Sweep)]);
    assert!(matches!(answers[0], Answer::Unavailable));
    assert_eq!(bank.store.disk().state, DiskState::Failing);
    bank.store.before_commit(|| false);
    assert_eq!(bank.events().len(), events);
    bank.sweep();
    assert_eq!(bank.store.disk().state, DiskState::Ample);
    assert_eq!(bank.take(5).len(), 1, "given out once, by the turn that was written");
    let request = stop(&bank, 0);
    bank.ask(request);
    assert_eq!(inbound(&bank), 1);
    bank.events();
}

static SECONDS: AtomicU64 = AtomicU64::new(1);

fn clock() -> Now {
    at(SECONDS.load(Ordering::SeqCst))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_too_long_for_a_slow_disk_is_refused_and_nothing_is_done_behind_his_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let bank = Bank::new();
    let mut store = Store::open(&Place::File(path.clone()), keys(), Settings::default(), at(0)).unwrap();
    let service = store.default_service();
    let message = |text: &str| {
        let mut message = bank.message(1, text);
        message.service = service;
        plain(message)
    };
    let (reached, at_commit) = channel();
    let (go_on, gate) = channel();
    store.before_commit(move || {
        reached.send(()).unwrap();
        gate.recv().is_err()
    });
    let handle = StoreHandle::start_with_readers(store, &path, clock).unwrap();
    let accept = |text: &str| {
        let (handle, accept) = (handle.clone(), message(text));
        tokio::spawn(async move { handle.accept(accept).await })
    };
    let first = accept("In the middle of it.");
    let reached = tokio::task::spawn_blocking(move || at_commit.recv().map(|()| at_commit));
    let _at_commit = reached.await.unwrap().unwrap();
    let second = accept("Waits for its turn.");
    while handle.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(handle.disk().state, DiskState::Ample);
    SECONDS.fetch_add(10, Ordering::SeqCst);
    assert_eq!(handle.disk().state, DiskState::Stuck);
    let third = tokio::time::timeout(Duration::from_secs(5), handle.accept(message("Too late.")));
    assert_eq!(third.await.unwrap(), Err(StoreError::Slow));
    for _ in 0..9 {
        go_on.send(()).unwrap();
    }
    assert!(matches!(first.await.unwrap(), Ok(Accepted::New { .. })));
    assert_eq!(second.await.unwrap(), Err(StoreError::Slow));
    assert!(matches!(handle.accept(message("Now.")).await, Ok(Accepted::New { .. })));
    assert_eq!(handle.disk().state, DiskState::Ample);
    let all = ListFilter {
        limit: 9,
        ..ListFilter::default()
    };
    let page = handle.read(move |r| r.messages(service, &all)).await.unwrap();
    assert_eq!(page.rows.len(), 2);
}
