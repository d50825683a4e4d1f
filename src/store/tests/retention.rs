//! What goes when: texts, people, events, rows; what stays whole; and a file that ends growing.

use std::time::Duration;

use rusqlite::params;
use wardwire_core::base::{Body, MessageId};
use wardwire_core::queue::state::{MessageStatus as M, Sensitivity};
use wardwire_core::queue::verbs::{Begin, Begun, DueMessage, Reply, Report, Request};

use super::Bank;
use super::bank::{accepted, number, plain, written};
use crate::config::Retention;
use crate::store::retention::SELECT_TEXTS;
use crate::store::{Accept, Accepted, Answer, Idempotency, ListFilter, Op, Place, Settings};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// Lets time pass with enough turns for all there is to do.
fn pass(bank: &mut Bank, seconds: u64) {
    bank.pass(seconds);
    for _ in 0..30 {
        bank.sweep();
    }
    bank.pass(11 * 60);
    bank.sweep();
}

fn count(bank: &Bank, sql: &str) -> i64 {
    bank.store
        .read()
        .connection()
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

/// From accept to delivery, under a key.
fn delivered(bank: &mut Bank, to: u32, sensitivity: Sensitivity, tp_mr: u8) -> MessageId {
    let mut message = bank.message(to, "Come at ten.");
    message.sensitivity = sensitivity;
    let body = message.body.reveal().to_owned();
    let accept = Accept {
        idempotency: Some(key(tp_mr)),
        respond: Box::new(move |_| crate::store::StoredResponse {
            status: 201,
            body: body.clone(),
        }),
        ..plain(message)
    };
    let Answer::Accepted(Accepted::New { id, .. }) = bank.one(Op::Accept(Box::new(accept))) else {
        panic!("new");
    };
    let attempt = bank.begin_only(None);
    bank.close(attempt, accepted(tp_mr));
    report(bank, to, tp_mr, 0);
    assert_eq!(bank.status(id), M::Delivered);
    id
}

fn key(n: u8) -> Idempotency {
    Idempotency {
        key: format!("k{n}"),
        scope: "POST /v1/messages".into(),
        fingerprint: [n; 32],
    }
}

fn report(bank: &mut Bank, from: u32, tp_mr: u8, tp_st: u8) {
    let report = Report {
        sim: bank.sim,
        tp_mr,
        recipient: wardwire_core::base::Originator::new(number(from).as_e164()),
        tp_st,
        smsc_timestamp: Some(bank.now.utc),
        discharged_at: Some(bank.now.utc),
        raw: vec![tp_mr, tp_st, from.to_le_bytes()[0]],
    };
    assert!(matches!(bank.ask(Request::Report(report)), Reply::Stored));
}

fn body(bank: &Bank, id: MessageId) -> Option<Body> {
    bank.record(id).body
}

#[test]
fn texts_go_an_hour_a_week_and_a_month_after_the_end() {
    let mut bank = Bank::new();
    let usual = delivered(&mut bank, 1, Sensitivity::Usual, 1);
    let sensitive = delivered(&mut bank, 1, Sensitivity::Sensitive, 2);
    let code = delivered(&mut bank, 1, Sensitivity::Code, 3);
    let waiting = bank.text("Not at its end.");
    let left = |bank: &Bank| [usual, sensitive, code].map(|id| body(bank, id).is_some());
    pass(&mut bank, HOUR - 15 * 60);
    assert_eq!(left(&bank), [true, true, true]);
    pass(&mut bank, 10 * 60);
    assert_eq!(left(&bank), [true, true, false]);
    // Nor does a repeated request bring the code back.
    let again = Accept {
        idempotency: Some(key(3)),
        ..plain(bank.message(1, "Come at ten."))
    };
    let answer = bank.one(Op::Accept(Box::new(again)));
    let Answer::Accepted(Accepted::Replayed { id, response }) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!((id, response.body.as_str()), (code, ""));
    assert_eq!(
        count(
            &bank,
            "SELECT count(*) FROM idempotency_keys WHERE response IS NOT NULL"
        ),
        2
    );
    assert!(body(&bank, waiting).is_some());
    pass(&mut bank, 7 * DAY - HOUR - HOUR);
    assert_eq!(left(&bank), [true, true, false]);
    pass(&mut bank, 2 * HOUR);
    assert_eq!(left(&bank), [true, false, false]);
    pass(&mut bank, 23 * DAY - 2 * HOUR);
    assert_eq!(left(&bank), [true, false, false]);
    pass(&mut bank, 2 * HOUR);
    assert_eq!(left(&bank), [false, false, false]);
    assert_eq!(
        count(
            &bank,
            "SELECT count(*) FROM parts WHERE content IS NOT NULL AND state <> 8"
        ),
        1
    );
    assert_eq!(count(&bank, "SELECT count(*) FROM reports WHERE raw IS NOT NULL"), 0);
    // The rest of the record is whole, and its recipient known.
    let record = bank.record(usual);
    assert_eq!((record.status, record.recipient), (M::Delivered, Some(number(1))));
    assert_eq!(bank.parts(usual)[0].attempts.len(), 1);
}

#[test]
fn a_person_is_erased_400_days_after_the_last_word_and_comes_back_as_new() {
    let mut bank = Bank::new();
    let old = delivered(&mut bank, 1, Sensitivity::Usual, 1);
    pass(&mut bank, 300 * DAY);
    let other = delivered(&mut bank, 2, Sensitivity::Usual, 2);
    pass(&mut bank, 104 * DAY);
    assert_eq!(bank.record(old).recipient, None);
    assert_eq!(bank.record(other).recipient, Some(number(2)));
    assert_eq!(count(&bank, "SELECT count(*) FROM numbers"), 2, "the rows stay");
    let all = ListFilter {
        limit: 10,
        ..ListFilter::default()
    };
    let page = bank.store.read().messages(bank.store.default_service(), &all).unwrap();
    assert_eq!(page.rows.len(), 2, "references are whole");
    // A report of an erased message changes nothing and is kept; the person is a new one from then on.
    let events = count(&bank, "SELECT count(*) FROM events");
    report(&mut bank, 1, 1, 0x40);
    assert_eq!(bank.status(old), M::Delivered);
    assert_eq!(count(&bank, "SELECT count(*) FROM events"), events);
    assert_eq!(count(&bank, "SELECT count(*) FROM reports WHERE message IS NULL"), 1);
    let new = delivered(&mut bank, 1, Sensitivity::Usual, 9);
    assert_eq!(bank.record(new).recipient, Some(number(1)));
    assert_eq!(body(&bank, new).unwrap().reveal(), "Come at ten.");
    assert_eq!(count(&bank, "SELECT count(*) FROM numbers"), 2);
}

#[test]
fn a_message_that_waits_for_a_year_keeps_its_person() {
    let mut bank = Bank::new();
    let mut message = bank.message(1, "See you next year.");
    let year = bank.now.utc + Duration::from_secs(399 * DAY);
    message.send_at = Some(year);
    message.valid_until = year + Duration::from_secs(3 * DAY);
    let id = bank.accept(message);
    pass(&mut bank, 401 * DAY);
    let due = bank.take(5);
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].id, &due[0].recipient), (id, &number(1)));
}

/// A day's messages, each delivered, in few transactions.
fn a_day(bank: &mut Bank, day: u32, count: u32) {
    let ops = (0..count).map(|n| {
        let message = bank.message((day * 7 + n) % 500, &"The ward round is at ten. ".repeat(5));
        Op::Accept(Box::new(plain(message)))
    });
    let ops = ops.collect();
    bank.store.apply(bank.now, ops);
    let due = bank.take(usize::MAX);
    let begin = |bank: &Bank, due: &DueMessage| {
        Op::Gateway(Request::Begin(Begin {
            message: due.id,
            part: due.parts[0].id,
            modem: bank.modem,
            sim: bank.sim,
            expected_tp_mr: None,
            circle: None,
            marks: [None; 4],
        }))
    };
    let ops = due.iter().map(|due| begin(bank, due)).collect();
    let attempts: Vec<_> = bank
        .store
        .apply(bank.now, ops)
        .into_iter()
        .map(|answer| {
            let Answer::Gateway(Reply::Begun(begun @ Begun::Written { .. })) = answer else {
                panic!("{answer:?}");
            };
            written(begun)
        })
        .collect();
    let mut ops = Vec::new();
    for (due, (tp_mr, attempt)) in due.iter().zip((0..).zip(attempts)) {
        ops.push(Op::Gateway(Request::Close {
            attempt,
            result: accepted(tp_mr),
        }));
        ops.push(Op::Gateway(Request::Report(Report {
            sim: bank.sim,
            tp_mr,
            recipient: wardwire_core::base::Originator::new(due.recipient.as_e164()),
            tp_st: 0,
            smsc_timestamp: Some(bank.now.utc),
            discharged_at: Some(bank.now.utc),
            raw: [day.to_le_bytes(), u32::from(tp_mr).to_le_bytes()].concat(),
        })));
    }
    bank.store.apply(bank.now, ops);
    bank.pass(DAY);
    for _ in 0..4 {
        bank.sweep();
    }
}

#[test]
fn after_years_of_messages_the_file_has_stopped_growing_and_nothing_hangs_loose() {
    let retention = Retention {
        text: Duration::from_secs(30 * DAY),
        number: Duration::from_secs(60 * DAY),
        event: Duration::from_secs(90 * DAY),
        record: Duration::from_secs(200 * DAY),
        ..Retention::default()
    };
    let settings = Settings {
        retention,
        ..Settings::default()
    };
    let mut bank = Bank::with(&Place::Memory, settings);
    let mut sizes = Vec::new();
    for day in 0..800 {
        a_day(&mut bank, day, 12);
        if day % 100 == 99 {
            sizes.push(count(&bank, "SELECT page_count FROM pragma_page_count"));
        }
    }
    assert!(sizes[0] < sizes[1], "{sizes:?}");
    let (settled, last) = (sizes[3], sizes[7]);
    assert!(last <= settled + settled / 20, "{sizes:?}");
    // About 200 days of rows, 90 of events, 30 of texts.
    for (sql, days) in [
        ("SELECT count(*) / 12 FROM messages", 200..=205),
        ("SELECT count(*) / 12 FROM parts", 200..=205),
        ("SELECT count(*) / 12 FROM attempts", 200..=205),
        ("SELECT count(*) / 12 FROM reports", 199..=205),
        ("SELECT count(*) / 12 FROM messages WHERE body IS NOT NULL", 29..=33),
        ("SELECT count(*) / 12 FROM parts WHERE content IS NOT NULL", 29..=33),
        ("SELECT count(*) / 12 FROM reports WHERE raw IS NOT NULL", 29..=33),
        (
            "SELECT (max(created_at) - min(created_at)) / 86400000 FROM events",
            88..=93,
        ),
    ] {
        let found = count(&bank, sql);
        assert!(days.contains(&found), "{sql}: {found}");
    }
    let newest = count(&bank, "SELECT max(sequence) FROM events");
    assert_eq!(
        count(&bank, "SELECT max(sequence) - min(sequence) + 1 - count(*) FROM events"),
        0,
        "no gaps"
    );
    assert_eq!(count(&bank, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    let counted = bank.store.read().status_counts(bank.now.utc).unwrap();
    assert_eq!((counted.waiting, counted.unknown), (0, 0));
    let delivered = count(&bank, "SELECT value FROM tallies WHERE kind = 8 AND quarter = 0");
    assert_eq!(
        delivered,
        count(&bank, "SELECT count(*) FROM messages"),
        "counts follow the rows"
    );
    // All gone after years of silence, but the last event: the sequence goes on.
    bank.pass(4_000 * DAY);
    for _ in 0..400 {
        bank.sweep();
    }
    assert_eq!(count(&bank, "SELECT count(*) FROM messages"), 0);
    assert_eq!(count(&bank, "SELECT max(sequence) FROM events"), newest);
    let pages = count(&bank, "SELECT page_count FROM pragma_page_count");
    assert!(pages < last * 2 / 3, "{pages} of {last}");
}

#[test]
fn looking_for_old_texts_costs_a_seek() {
    let bank = Bank::new();
    let plan: String = bank
        .store
        .read()
        .connection()
        .query_row(&format!("EXPLAIN QUERY PLAN {SELECT_TEXTS}"), params![0, 0, 1], |row| {
            row.get(3)
        })
        .unwrap();
    assert!(plan.contains("SEARCH messages USING INDEX messages_text"), "{plan}");
}
