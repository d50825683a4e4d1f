//! Databases of every schema there was, as the gateway of that time left them when it was killed at work: each opens, and
//! goes on with all it holds.

use std::path::Path;

use rusqlite::{Connection, params};
use wardwire_core::base::{ApiKeyId, MessageId, Originator, Ulid};
use wardwire_core::queue::state::MessageStatus as M;
use wardwire_core::sms::{SegmentOptions, segment};

use super::Bank;
use super::bank::{NOON, accepted, keys, number, written};
use crate::store::migrate::migrate_to;
use crate::store::numbers;
use crate::store::seal::{DataKey, Slot};
use crate::store::{ListFilter, Place};

/// Ids of the rows, told apart by their first octet.
fn id(n: u8) -> [u8; 16] {
    let mut octets = [0; 16];
    octets[0] = n;
    octets
}

const SERVICE: u8 = 1;
const MODEM: u8 = 2;
const SIM: u8 = 3;
/// Waits for its turn.
const QUEUED: u8 = 10;
/// Was handed to the modem when the gateway died.
const SUBMITTING: u8 = 11;
/// Waits for its delivery report.
const SENT: u8 = 12;

/// What every schema has columns for. All of it is written out here: the code of today must not be needed to make it.
fn fill(db: &Connection) {
    db.execute("INSERT INTO meta VALUES ('key check', ?1)", [keys().check()])
        .unwrap();
    db.execute_batch(
        "INSERT INTO services VALUES (x'01000000000000000000000000000000', 'default', 5);
         INSERT INTO api_keys VALUES (x'06000000000000000000000000000000', x'01000000000000000000000000000000', 'old key',
          zeroblob(32), 'messages:send', 5, NULL);
         INSERT INTO modems VALUES (x'02000000000000000000000000000000', 'm1', '350000000000001', 'M', 'X', '1', 5, 5);
         INSERT INTO sims (id, iccid, number, modem, created_at, seen_at) VALUES
         (x'03000000000000000000000000000000', '8949100000000000001', NULL, x'02000000000000000000000000000000', 5, 5);",
    )
    .unwrap();
    let key = person(db);
    for (n, status, state) in [
        (QUEUED, M::Queued, 0),
        (SUBMITTING, M::Submitting, 2),
        (SENT, M::Sent, 3),
    ] {
        message(db, &key, n, status, state);
    }
    // Written without an answer, and accepted with the reference 7.
    for (n, state, tp_mr) in [(SUBMITTING, 0, None), (SENT, 1, Some(7))] {
        db.execute(
            "INSERT INTO attempts (message, sequence, number, id, state, awaiting, modem, sim, tp_mr, written_at)
             VALUES (?1, 1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                id(n),
                id(n + 20),
                state,
                i64::from(state == 1),
                id(MODEM),
                id(SIM),
                tp_mr,
                NOON - 1_000
            ],
        )
        .unwrap();
    }
    let body = key
        .seal(
            Slot {
                column: "inbound_messages.body",
                row: &id(40),
            },
            b"STOP",
        )
        .unwrap();
    db.execute(
        "INSERT INTO inbound_messages (id, service, sim, number, parts, incomplete, received_at, body)
         VALUES (?1, ?2, ?3, 1, 1, 0, ?4, ?5)",
        params![id(40), id(SERVICE), id(SIM), NOON - 5_000, body],
    )
    .unwrap();
    for (sequence, n) in [(1, QUEUED), (2, SUBMITTING), (3, SENT)] {
        db.execute(
            "INSERT INTO events (sequence, id, kind, service, message, created_at) VALUES (?1, ?2, 0, ?3, ?4, 5)",
            params![sequence, id(60 + n), id(SERVICE), id(n)],
        )
        .unwrap();
    }
    db.execute_batch("INSERT INTO tallies VALUES (3, 0, 1), (5, 0, 1), (7, 0, 1);")
        .unwrap();
}

/// The recipient of everything.
fn person(db: &Connection) -> DataKey {
    let one = number(1);
    let hash = numbers::hash(&keys(), one.as_e164());
    let tail = numbers::tail_hash(&keys(), &Originator::new(one.as_e164()));
    let (key, wrapped) = keys().new_data_key(&hash).unwrap();
    let sealed = key
        .seal(
            Slot {
                column: "numbers.number",
                row: &hash,
            },
            one.as_e164().as_bytes(),
        )
        .unwrap();
    db.execute(
        "INSERT INTO numbers (id, hash, tail_hash, data_key, number, created_at) VALUES (1, ?1, ?2, ?3, ?4, 5)",
        params![hash, tail, wrapped, sealed],
    )
    .unwrap();
    key
}

fn message(db: &Connection, key: &DataKey, n: u8, status: M, state: u8) {
    let body = key
        .seal(
            Slot {
                column: "messages.body",
                row: &id(n),
            },
            b"Come at ten.",
        )
        .unwrap();
    let due = (state == 0).then_some(NOON - 1_000);
    let sent = (state == 3).then_some(NOON - 500);
    db.execute(
        "INSERT INTO messages (id, service, number, status, final, delivery, priority, due_at, wake_at, valid_until,
         on_unknown, delivery_report, alphabet, units, part_count, attempts, created_at, queued_at, sent_at, body)
         VALUES (?1, ?2, 1, ?3, 0, ?4, 2, ?5, ?6, ?7, 1, 1, 0, 12, 1, ?8, ?9, ?9, ?10, ?11)",
        params![
            id(n),
            id(SERVICE),
            status as i64,
            i64::from(state == 3),
            due,
            NOON + 3_600_000,
            NOON + 3_600_000,
            i64::from(state > 0),
            NOON - 1_000,
            sent,
            body
        ],
    )
    .unwrap();
    let part = &segment("Come at ten.", &SegmentOptions::default()).unwrap().parts[0];
    let content = key
        .seal(
            Slot {
                column: "parts.content",
                row: &id(n + 100),
            },
            &part.to_octets(),
        )
        .unwrap();
    db.execute(
        "INSERT INTO parts (message, sequence, id, state, attempts, sim, tp_mr, accepted_at, content)
         VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            id(n),
            id(n + 100),
            state,
            i64::from(state > 0),
            (state > 0).then(|| id(SIM)),
            (state == 3).then_some(7),
            sent,
            content
        ],
    )
    .unwrap();
}

/// What the second schema brought.
fn fill_second(db: &Connection) {
    db.execute_batch(
        "UPDATE sims SET operator = 'Op', balance = '5.20', balance_at = 5;
         INSERT INTO loopbacks VALUES (x'50000000000000000000000000000000', x'03000000000000000000000000000000',
          x'0c000000000000000000000000000000', 'AAAAAAAAAA', 9, 5, NULL);
         INSERT INTO audit VALUES (1, 5, 'local admin', 'modem.restart', 'm1', '');
         INSERT INTO audit_outcomes VALUES (1, 6, 'done');",
    )
    .unwrap();
}

fn message_id(n: u8) -> MessageId {
    MessageId(Ulid::from_octets(id(n)))
}

fn goes_on(path: &Path, schema: usize) {
    let mut bank = Bank::at_place(&Place::File(path.to_owned()));
    assert_eq!(
        bank.sim.0.to_octets(),
        id(SIM),
        "{schema}: the SIM is known by its ICCID"
    );
    assert_eq!(
        bank.status(message_id(SUBMITTING)),
        M::Unknown,
        "{schema}: nobody heard the answer"
    );
    let reader = bank.store.read();
    let sql = "SELECT d.day, d.parts, d.recipients, p.number FROM sim_days d
               JOIN sim_people p ON p.day = d.day AND p.sim = d.sim";
    let used: [i64; 4] = reader
        .connection()
        .query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))
        .unwrap();
    assert_eq!(used, [NOON / 86_400_000, 2, 1, 1], "{schema}: what it sent this month");
    let key = reader.api_key(ApiKeyId(Ulid::from_octets(id(6)))).unwrap().unwrap();
    assert_eq!(key.label, "old key");
    let inbox = reader
        .inbound(bank.store.default_service(), &ListFilter::default())
        .unwrap();
    assert_eq!(inbox.rows[0].body.as_ref().unwrap().reveal(), "STOP");
    let record = bank.record(message_id(QUEUED));
    assert_eq!(record.recipient, Some(number(1)));
    assert_eq!(record.body.unwrap().reveal(), "Come at ten.");
    // What waited goes out, what waited for its report gets it, and what is new is taken.
    let due = bank.take(9);
    assert_eq!(due.len(), 1, "{schema}");
    let attempt = written(bank.begin(&due[0], 0, None));
    bank.close(attempt, accepted(8));
    assert_eq!(bank.status(message_id(QUEUED)), M::Sent, "{schema}");
    bank.report(7, 0);
    assert_eq!(bank.status(message_id(SENT)), M::Delivered, "{schema}");
    bank.text("New.");
    bank.sweep();
    bank.events();
    let db = bank.store.read().connection();
    let broken: Option<String> = db
        .query_row("SELECT \"table\" FROM pragma_foreign_key_check", [], |row| row.get(0))
        .ok();
    assert_eq!(broken, None, "{schema}");
}

#[test]
fn every_schema_there_was_opens_with_its_rows_and_goes_on() {
    for schema in 1..=7 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.db");
        let mut db = Connection::open(&path).unwrap();
        migrate_to(&mut db, schema);
        fill(&db);
        if schema >= 2 {
            fill_second(&db);
        }
        if schema >= 5 {
            db.execute(
                "INSERT INTO sim_days VALUES (?1, ?2, 2, 1)",
                params![id(SIM), NOON / 86_400_000],
            )
            .unwrap();
            db.execute(
                "INSERT INTO sim_people VALUES (1, ?1, ?2, NULL)",
                params![id(SIM), NOON / 86_400_000],
            )
            .unwrap();
        }
        let pin = match schema {
            1 => "",
            2 => "INSERT INTO refused_pins VALUES (x'000102030405060708090a0b0c0d0e0f', 'm1', 5)",
            _ => "INSERT INTO pin_tries VALUES (x'000102030405060708090a0b0c0d0e0f', 'm1', 1, 0, 1, 5)",
        };
        db.execute_batch(pin).unwrap();
        drop(db);
        goes_on(&path, schema);
        // A second start changes nothing.
        let bank = Bank::at_place(&Place::File(path.clone()));
        assert_eq!(bank.status(message_id(SENT)), M::Delivered);
        if schema >= 2 {
            let refused: i64 = bank
                .store
                .read()
                .connection()
                .query_row("SELECT count(*) FROM pin_tries WHERE refused = 1", [], |row| row.get(0))
                .unwrap();
            assert_eq!(refused, 1, "{schema}");
            assert_eq!(bank.store.read().audit(None, 9).unwrap().len(), 1);
        }
    }
}
