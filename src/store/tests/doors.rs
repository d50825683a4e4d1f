//! The handle and the file: many tasks, one writer, readers beside it; keys, locks and plans.

use std::path::Path;

use wardwire_core::base::{ApiKeyId, MessageId, Originator, ServiceId, SimId, Ulid};
use wardwire_core::queue::lane::Way;
use wardwire_core::queue::state::{HoldReason, MessageStatus as M};
use wardwire_core::queue::verbs::{Begin, Begun, Reply, Report, Request};

use super::Bank;
use super::bank::{accepted, at, introduction, keys, plain, take_due};
use crate::store::report;
use crate::store::{
    Accept, Accepted, Answer, Idempotency, Keys, ListFilter, NewKey, Op, OpenError, Place, Settings, Store, StoreHandle,
};

fn idempotent(bank: &Bank, key: &str, text: &str) -> Accept {
    let message = bank.message(1, text);
    let mut fingerprint = [0; 32];
    fingerprint[0] = u8::try_from(text.len()).unwrap();
    Accept {
        idempotency: Some(Idempotency {
            key: key.into(),
            scope: "POST /v1/messages".into(),
            fingerprint,
        }),
        ..plain(message)
    }
}

#[test]
fn a_repeated_request_gets_its_first_answer() {
    let mut bank = Bank::new();
    let first = idempotent(&bank, "k1", "Come at ten.");
    let Answer::Accepted(Accepted::New { id, response }) = bank.one(Op::Accept(Box::new(first))) else {
        panic!("new");
    };
    assert_eq!(response.body, id.to_string());
    // The message moves on; the answer stays what it was.
    let attempt = bank.begin_only(None);
    bank.close(attempt, accepted(1));
    let again = idempotent(&bank, "k1", "Come at ten.");
    let Answer::Accepted(replayed) = bank.one(Op::Accept(Box::new(again))) else {
        panic!("accepted");
    };
    assert_eq!(replayed, Accepted::Replayed { id, response });
    let reused = idempotent(&bank, "k1", "Come at eleven.");
    assert!(matches!(
        bank.one(Op::Accept(Box::new(reused))),
        Answer::Accepted(Accepted::KeyReused)
    ));
    let mut elsewhere = idempotent(&bank, "k1", "Come at noon.");
    elsewhere.idempotency.as_mut().unwrap().scope = "POST /v1/alerts".into();
    assert!(matches!(
        bank.one(Op::Accept(Box::new(elsewhere))),
        Answer::Accepted(Accepted::New { .. })
    ));
    // After 7 days the key is free again.
    bank.pass(7 * 24 * 3600 + 1);
    bank.sweep();
    let later = idempotent(&bank, "k1", "Come at ten.");
    assert!(matches!(
        bank.one(Op::Accept(Box::new(later))),
        Answer::Accepted(Accepted::New { .. })
    ));
}

/// A store on disk with its handle.
fn start(path: &Path) -> StoreHandle {
    let store = Store::open(&Place::File(path.to_owned()), keys(), Settings::default(), at(0)).unwrap();
    StoreHandle::start_with_readers(store, path, || at(1)).unwrap()
}

fn listing(limit: u16) -> ListFilter {
    ListFilter {
        limit,
        ..ListFilter::default()
    }
}

#[tokio::test]
async fn a_hundred_identical_requests_at_once_make_one_message() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let bank = Bank::new();
    let store = Store::open(&Place::File(path.clone()), keys(), Settings::default(), at(0)).unwrap();
    let service = store.default_service();
    let handle = StoreHandle::start_with_readers(store, &path, || at(1)).unwrap();
    let mut tasks = Vec::new();
    for _ in 0..100 {
        let handle = handle.clone();
        let mut accept = idempotent(&bank, "k1", "Come at ten.");
        accept.message.service = service;
        tasks.push(tokio::spawn(async move { handle.accept(accept).await.unwrap() }));
    }
    let (mut new, mut ids) = (0, Vec::<MessageId>::new());
    for task in tasks {
        match task.await.unwrap() {
            Accepted::New { id, .. } => {
                new += 1;
                ids.push(id);
            }
            Accepted::Replayed { id, .. } => ids.push(id),
            Accepted::KeyReused => panic!("the same request"),
        }
    }
    ids.dedup();
    assert_eq!((new, ids.len()), (1, 1));
    let page = handle.read(move |r| r.messages(service, &listing(200))).await.unwrap();
    assert_eq!(page.rows.len(), 1);
}

#[tokio::test]
async fn answers_come_after_the_commit_and_facts_follow() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = Store::open(&Place::File(path.clone()), keys(), Settings::default(), at(0)).unwrap();
    let service = store.default_service();
    let handle = StoreHandle::start_with_readers(store, &path, || at(1)).unwrap();
    let mut facts = handle.subscribe();
    let bank = Bank::new();
    let mut message = bank.message(1, "Come at ten.");
    message.service = service;
    let Accepted::New { id, .. } = handle.accept(plain(message)).await.unwrap() else {
        panic!("new");
    };
    let read = handle.read(move |r| r.message(service, id)).await.unwrap();
    assert_eq!(read.unwrap().status, M::Queued);
    let fact = facts.recv().await.unwrap();
    assert_eq!(fact.sequence, 1);
    handle.work_arrived().await;
    let batch = vec![
        (7, Request::Introduce(Box::new(introduction("1")))),
        (9, take_due(&[Way::Any], 5, 5)),
    ];
    let replies = handle.gateway(batch).await.unwrap();
    assert!(matches!(&replies[0], (7, Reply::Introduced(_))));
    assert!(matches!(&replies[1], (9, Reply::Due { messages, .. }) if messages[0].id == id));
    handle.close();
    handle.closed().await;
    assert!(handle.gateway(vec![(1, Request::Sweep)]).await.is_err());
}

#[tokio::test]
async fn keys_are_made_found_and_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let handle = start(&dir.path().join("a.db"));
    let key = NewKey {
        id: None,
        service: "outpatients".into(),
        label: "Interface engine".into(),
        secret_sha256: [3; 32],
        scopes: vec!["messages:send".into(), "messages:read".into()],
    };
    let made = handle.create_key(key).await.unwrap();
    let id = made.id;
    assert_eq!(handle.read(move |r| r.api_key(id)).await.unwrap(), Some(made.clone()));
    let service = handle.read(|r| r.service("outpatients")).await.unwrap();
    assert_eq!(service, Some(made.service));
    assert!(handle.read(|r| r.service("default")).await.unwrap().is_some());
    assert!(handle.revoke_key(id).await.unwrap());
    assert!(!handle.revoke_key(ApiKeyId(Ulid::from_bits(1))).await.unwrap());
    let keys = handle.read(|r| r.api_keys()).await.unwrap();
    assert!(keys[0].revoked_at.is_some());
}

#[test]
fn an_op_that_cannot_be_written_leaves_its_neighbours_alone() {
    let mut bank = Bank::new();
    let foreign = ServiceId(Ulid::from_bits(1));
    let (good, bad) = (|bank: &Bank| bank_op(bank, None), bank_op(&bank, Some(foreign)));
    let ops = vec![good(&bank), bad, good(&bank)];
    let answers = bank.store.apply(bank.now, ops);
    assert!(matches!(answers[0], Answer::Accepted(_)));
    assert!(matches!(answers[1], Answer::Unavailable));
    assert!(matches!(answers[2], Answer::Accepted(_)));
    assert_eq!(bank.events().len(), 2);
    assert_eq!(bank.store.facts().len(), 2);
    assert_eq!(bank.store.read().status_counts(at(0).utc).unwrap().waiting, 2);
}

fn bank_op(bank: &Bank, service: Option<ServiceId>) -> Op {
    let mut message = bank.message(1, "Come at ten.");
    message.service = service.unwrap_or(message.service);
    Op::Accept(Box::new(plain(message)))
}

#[test]
fn a_new_file_is_durable_and_can_shrink() {
    let dir = tempfile::tempdir().unwrap();
    let bank = Bank::at_place(&Place::File(dir.path().join("a.db")));
    let db = bank.store.read().connection();
    let pragma = |name: &str| -> String {
        let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
        db.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("synchronous"), "2", "full");
    assert_eq!(pragma("foreign_keys"), "1");
    assert_eq!(pragma("auto_vacuum"), "2", "incremental");
}

#[test]
fn another_key_does_not_open_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::File(dir.path().join("a.db"));
    drop(Store::open(&place, keys(), Settings::default(), at(0)).unwrap());
    let other = Keys::from_master(&[8; 32]);
    assert!(matches!(
        Store::open(&place, other, Settings::default(), at(0)),
        Err(OpenError::WrongKey)
    ));
    assert!(Store::open(&place, keys(), Settings::default(), at(0)).is_ok());
}

#[test]
fn a_damaged_file_is_named_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let place = Place::File(path.clone());
    let mut bank = Bank::at_place(&place);
    for n in 0..200 {
        bank.text(&format!("Number {n}."));
    }
    bank.store.tidy();
    drop(bank);
    let mut octets = std::fs::read(&path).unwrap();
    let middle = octets.len() / 2;
    octets[middle..middle + 8192].fill(0x5A);
    std::fs::write(&path, &octets).unwrap();
    assert!(Store::open(&place, keys(), Settings::default(), at(0)).is_err());
    assert!(std::fs::read(&path).unwrap() == octets, "the file was changed");
}

#[test]
fn nothing_personal_stands_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let mut bank = Bank::at_place(&Place::File(path.clone()));
    let accept = idempotent(&bank, "k1", "Your biopsy result is ready.");
    bank.one(Op::Accept(Box::new(accept)));
    let attempt = bank.begin_only(None);
    bank.close(attempt, accepted(1));
    bank.report(1, 0);
    bank.store.tidy();
    let octets = std::fs::read(&path).unwrap();
    for secret in ["biopsy", "353800000001", "800000001"] {
        let found = octets.windows(secret.len()).any(|w| w == secret.as_bytes());
        assert!(!found, "{secret}");
    }
}

#[test]
fn lists_page_through_everything_once() {
    let mut bank = Bank::new();
    let mut ids = Vec::new();
    for n in 0..25 {
        let mut message = bank.message(n, "Come at ten.");
        message.reference = Some(format!("A-{}", n % 5));
        message.held = (n % 3 == 0).then_some(HoldReason::Pilot);
        ids.push(bank.accept(message));
        bank.pass(60);
    }
    let service = bank.store.default_service();
    let all = |filter: ListFilter| {
        let mut filter = filter;
        let mut found = Vec::new();
        loop {
            let page = bank.store.read().messages(service, &filter).unwrap();
            assert!(page.rows.len() <= 4);
            found.extend(page.rows.into_iter().map(|row| row.id));
            match page.next {
                Some(next) => filter.cursor = Some(next),
                None => return found,
            }
        }
    };
    let newest: Vec<_> = ids.iter().rev().copied().collect();
    assert_eq!(all(listing(4)), newest);
    let ascending = ListFilter {
        ascending: true,
        ..listing(4)
    };
    assert_eq!(all(ascending), ids);
    let every = |step: usize, from: usize| -> Vec<_> { ids.iter().skip(from).step_by(step).rev().copied().collect() };
    let held = ListFilter {
        statuses: vec![M::Held],
        ..listing(4)
    };
    assert_eq!(all(held.clone()), every(3, 0));
    let both = ListFilter {
        statuses: vec![M::Held, M::Queued, M::Sent],
        ..listing(4)
    };
    assert_eq!(all(both), newest);
    let referenced = ListFilter {
        reference: Some("A-2".into()),
        ..listing(4)
    };
    assert_eq!(all(referenced), every(5, 2));
    let since = ListFilter {
        created_after: Some(at(600).utc),
        created_before: Some(at(900).utc),
        ..listing(4)
    };
    let wanted: Vec<_> = ids[10..15].iter().rev().copied().collect();
    assert_eq!(all(since), wanted);
    let nobody = bank
        .store
        .read()
        .messages(ServiceId(Ulid::from_bits(1)), &listing(4))
        .unwrap();
    assert!(nobody.rows.is_empty());
    let strange = bank
        .store
        .read()
        .message(ServiceId(Ulid::from_bits(1)), ids[0])
        .unwrap();
    assert_eq!(strange, None);
}

#[test]
fn counts_follow_every_change() {
    let mut bank = Bank::new();
    let midnight = at(0).utc;
    for _ in 0..3 {
        bank.text("Come at ten.");
    }
    let due = bank.take(8);
    for (n, due) in (1..).zip(&due[..2]) {
        let attempt = super::bank::written(bank.begin(due, 0, None));
        bank.close(attempt, accepted(n));
    }
    bank.report(1, 0);
    bank.report(2, 0x41);
    let counts = bank.store.read().status_counts(midnight).unwrap();
    assert_eq!((counts.due, counts.sent, counts.delivered, counts.failed), (3, 2, 1, 1));
    assert_eq!((counts.waiting, counts.unknown, counts.held), (1, 0, 0));
    assert_eq!(counts.oldest_due_at, Some(midnight));
    assert_eq!(counts.last_accepted_at, Some(bank.now.utc));
    let tomorrow = bank.store.read().status_counts(at(24 * 3600).utc).unwrap();
    assert_eq!((tomorrow.due, tomorrow.sent, tomorrow.waiting), (0, 0, 1));
}

#[test]
fn a_full_disk_loses_nothing_and_gives_nothing_out_twice() {
    let mut bank = Bank::new();
    let first = bank.text("Come at ten.");
    let limit = |bank: &Bank, pages: i64| {
        let db = bank.store.read().connection();
        db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
            .unwrap();
    };
    let pages: i64 = bank
        .store
        .read()
        .connection()
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    limit(&bank, pages);
    let long = "It will be long. ".repeat(20);
    let mut full = false;
    for n in 0..50 {
        let message = bank.message(n, &long);
        full |= matches!(bank.one(Op::Accept(Box::new(plain(message)))), Answer::Full);
    }
    assert!(full);
    let events = bank.events().len();
    let before = bank.store.read().status_counts(at(0).utc).unwrap();
    assert_eq!(events, usize::try_from(before.waiting).unwrap());
    let given_out = bank.take(1000);
    assert_eq!(given_out.len(), events);
    assert_eq!(given_out[0].id, first);
    // What cannot be written is not begun; the message stays given out.
    let begin = Request::Begin(Begin {
        message: first,
        part: given_out[0].parts[0].id,
        modem: bank.modem,
        sim: bank.sim,
        expected_tp_mr: None,
        circle: None,
        marks: [None; 4],
    });
    bank.read_only(true);
    assert!(matches!(
        bank.one(Op::Gateway(begin.clone())),
        Answer::Unavailable | Answer::Gateway(Reply::Unavailable)
    ));
    bank.read_only(false);
    limit(&bank, pages * 100);
    assert!(bank.take(1000).is_empty());
    assert!(matches!(bank.ask(begin), Reply::Begun(Begun::Written { .. })));
    assert_eq!(bank.events().len(), events + 1);
}

#[test]
fn a_killed_process_finds_all_it_was_told_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::File(dir.path().join("a.db"));
    let mut bank = Bank::at_place(&place);
    let long = "It will be long. ".repeat(20);
    let id = bank.text(&long);
    let mut tp_mr = 0;
    for step in 0..9 {
        // The old one is dropped without a word, as a kill does: only what was committed is left.
        bank = Bank::at_place(&place);
        bank.pass(step * 20 * 60);
        bank.sweep();
        let due = bank.take(8);
        assert!(due.iter().all(|due| due.id == id));
        let Some(due) = due.first() else { continue };
        let attempt = super::bank::written(bank.begin(due, 0, None));
        // Every other time the process dies before the answer.
        if step % 2 == 1 {
            tp_mr += 1;
            bank.close(attempt, accepted(tp_mr));
        }
    }
    bank = Bank::at_place(&place);
    assert_eq!(bank.record(id).status, M::Sent);
    assert!(bank.record(id).possible_copy);
    bank.events();
}

#[test]
fn no_statement_of_the_hot_path_scans() {
    let bank = Bank::new();
    let db = bank.store.read().connection();
    let due = crate::store::claim::SELECT_DUE.to_owned();
    let next_due = crate::store::claim::SELECT_NEXT.to_owned();
    let lane_after = crate::store::lanes::SELECT_LANE_AFTER.to_owned();
    let referenced = [report::COLUMNS, report::SELECT_REFERENCED].concat();
    let open = [report::COLUMNS, report::SELECT_OPEN].concat();
    let awaiting = [report::COLUMNS, report::SELECT_AWAITING].concat();
    let held = report::select_orphans(report::BY_NUMBER);
    for (sql, wanted) in [
        (
            due,
            "messages_due (way=? AND priority=? AND service=? AND (due_at,id)>(?,?)",
        ),
        (
            next_due,
            "messages_due (way=? AND priority=? AND service=? AND due_at>?",
        ),
        (lane_after, "messages_due ((way,priority,service,due_at)>(?,?,?,?))"),
        (referenced, "attempts_awaiting (sim=? AND tp_mr=?"),
        (open, "attempts_open (id>?)"),
        (awaiting, "attempts_sim (sim=? AND written_at>? AND written_at<?"),
        (held, "reports_held (sim=? AND number=? AND received_at>?)"),
        (
            report::select_orphans(report::BY_REFERENCE),
            "reports_orphan (sim=? AND tp_mr=? AND received_at>?)",
        ),
        (
            report::SELECT_SECOND_WORD.to_owned(),
            "reports_word (number=? AND tp_mr=? AND <expr>>? AND <expr><?)",
        ),
    ] {
        let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let count = explain.parameter_count();
        let lines: Vec<String> = explain
            .query_map(rusqlite::params_from_iter(vec![0; count]), |row| row.get(3))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let plan = lines.join("\n");
        assert!(plan.contains(wanted), "{plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}

#[test]
fn an_op_that_fails_half_way_leaves_nothing_behind() {
    let mut bank = Bank::new();
    let report = Report {
        sim: SimId(Ulid::from_bits(1)),
        tp_mr: 1,
        recipient: Originator::new("+353800000009"),
        tp_st: 0,
        smsc_timestamp: None,
        discharged_at: None,
        raw: vec![1],
    };
    let count = |bank: &Bank, table: &str| -> i64 {
        let db = bank.store.read().connection();
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap()
    };
    let failed = bank.one(Op::Gateway(Request::Report(report)));
    assert!(matches!(failed, Answer::Unavailable));
    // Else the report would pass for a repeat when it is brought again.
    assert_eq!((count(&bank, "seen"), count(&bank, "numbers")), (0, 0));

    let id = bank.text("Come at ten.");
    let attempt = bank.begin_only(None);
    // In the way of the next event.
    let db = bank.store.read().connection();
    db.execute(
        "INSERT INTO events SELECT 3, id, kind, service, message, inbound, created_at, sim, batch FROM events LIMIT 1",
        [],
    )
    .unwrap();
    let close = Request::Close {
        attempt,
        result: accepted(1),
    };
    let failed = bank.one(Op::Gateway(close.clone()));
    assert!(matches!(failed, Answer::Unavailable));
    bank.store
        .read()
        .connection()
        .execute("DELETE FROM events WHERE sequence = 3", [])
        .unwrap();
    assert_eq!(bank.record(id).status, M::Submitting);
    assert!(matches!(bank.ask(close), Reply::Closed(_)));
    assert_eq!(bank.record(id).status, M::Sent);
    assert_eq!(bank.events().len(), 3);
    assert_eq!(bank.store.read().status_counts(at(0).utc).unwrap().sent, 1);
}
