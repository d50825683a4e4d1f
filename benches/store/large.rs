//! Ten million messages in the store, a million of them queued, against ten thousand: what a start, a claim, a page and
//! the memory cost then, as ratios. The rows are copies, made in SQL, of ten thousand messages that went their whole way
//! through the store; their texts are erased, as retention does, and they have no events, which are kept for 90 days.
//! The first of the queued ones are real, so that claims open what they take. The files stay in `target/bench-store`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use wardwire::store::{ListFilter, Place, Store};
use wardwire_core::base::{SimId, Ulid};
use wardwire_core::queue::state::MessageStatus;
use wardwire_core::queue::verbs::Request;

use super::{Clock, accepts, at, gateway, introduce, lives, open, take};

/// Messages that are accepted and delivered one by one, and so many of the queued ones.
const REAL: u64 = 9_000;
const REAL_QUEUED: u64 = 1_000;
/// Real ones at the end of all, for the lists.
const NEWEST: u64 = 250;
/// After all that was delivered.
const LATER: u64 = 60_000_000;

/// `cargo bench --bench store -- large [MILLIONS]`: makes what is missing, measures both, prints ratios. Ten million
/// need 12 GB.
pub(super) fn run(millions: u64) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/bench-store");
    std::fs::create_dir_all(&folder).expect("a folder");
    let small = file(&folder, 1);
    let large = file(&folder, millions * 100);
    let (small, large) = (in_a_process(&small), in_a_process(&large));
    println!(
        "{:<44} {:>12} {:>12} {:>8}",
        "",
        "10 thousand",
        format!("{millions} million"),
        "ratio"
    );
    for ((what, a), (_, b)) in small.iter().zip(&large) {
        println!("{what:<44} {a:>12.1} {b:>12.1} {:>8.2}", b / a);
    }
}

/// A process of its own measures, so that the memory is its own.
fn in_a_process(file: &Path) -> Vec<(String, f64)> {
    let me = std::env::current_exe().expect("a name");
    let output = Command::new(me).arg("measure").arg(file).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines()
        .filter_map(|line| line.rsplit_once('\t'))
        .map(|(what, value)| (what.to_owned(), value.parse().expect("a number")))
        .collect()
}

fn file(folder: &Path, copies: u64) -> PathBuf {
    let path = folder.join(format!("{}.db", copies * (REAL + REAL_QUEUED)));
    if path.exists() {
        return path;
    }
    let draft = folder.join("draft.db");
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("draft.db{end}")));
    }
    eprintln!("making {}", path.display());
    let place = Place::File(draft.clone());
    let mut store = open(&place);
    let ids = introduce(&mut store);
    accepts(&mut store, 0, REAL, 250);
    lives(&mut store, ids, REAL, 250);
    drop(store);
    copy(&draft, copies, REAL, "final = 1", true);
    let mut store = open(&place);
    accepts(&mut store, LATER, REAL_QUEUED, 250);
    drop(store);
    copy(&draft, copies, REAL_QUEUED, "final = 0", false);
    check(&draft, copies);
    let mut store = open(&place);
    accepts(&mut store, LATER + LATER / 4, NEWEST, 250);
    drop(store);
    std::fs::rename(&draft, &path).expect("a name");
    path
}

/// An id at a later time: the first 48 bits are milliseconds.
fn later(column: &str) -> String {
    format!("unhex(printf('%012X', unix_millis({column}) + :shift) || substr(hex({column}), 13))")
        .replace(&format!("unix_millis({column})"), &format!("({})", millis(column)))
}

/// The milliseconds of an id, from its hexadecimal digits.
fn millis(column: &str) -> String {
    (0..12)
        .map(|place| {
            let weight = 1_u64 << (4 * (11 - place));
            format!(
                "(instr('0123456789ABCDEF', substr(hex({column}), {}, 1)) - 1) * {weight}",
                place + 1
            )
        })
        .collect::<Vec<_>>()
        .join(" + ")
}

/// A table, which of its rows are templates, and the columns that are other in a copy.
type Table = (&'static str, &'static str, Vec<(&'static str, String)>);

fn tables(ended: bool) -> [Table; 4] {
    // A sealed text opens in its own row only. Copies of parts that wait keep theirs, for its size: nobody takes them.
    let content = if ended { "NULL" } else { "content" };
    [
        (
            "messages",
            "1",
            vec![
                ("id", later("id")),
                ("due_at", "due_at + :shift".into()),
                ("created_at", "created_at + :shift".into()),
                ("final_at", "final_at + :shift".into()),
                ("body", "NULL".into()),
            ],
        ),
        (
            "parts",
            "message IN picked",
            vec![
                ("message", later("message")),
                ("id", later("id")),
                ("content", content.into()),
            ],
        ),
        (
            "attempts",
            "message IN picked",
            vec![
                ("message", later("message")),
                ("id", later("id")),
                ("written_at", "written_at + :shift".into()),
            ],
        ),
        (
            "reports",
            "message IN picked",
            vec![
                ("id", later("id")),
                ("message", later("message")),
                ("received_at", "received_at + :shift".into()),
                ("smsc_timestamp", "smsc_timestamp + :shift".into()),
                ("raw", "NULL".into()),
            ],
        ),
    ]
}

/// Copies the messages that fit with parts, attempts and reports, each copy after the one before.
fn copy(path: &Path, copies: u64, span: u64, which: &str, ended: bool) {
    let db = Connection::open(path).expect("it opens");
    db.execute_batch(
        "PRAGMA synchronous = off; PRAGMA journal_mode = off; PRAGMA cache_size = -1000000; PRAGMA foreign_keys = off;
         PRAGMA temp_store = memory;",
    )
    .expect("it is set");
    db.execute_batch(&format!(
        "CREATE TEMP TABLE picked (id BLOB PRIMARY KEY) WITHOUT ROWID;
         INSERT INTO picked SELECT id FROM messages WHERE {which};"
    ))
    .expect("picked");
    let inserts = templates(&db, ended);
    db.execute_batch("BEGIN").expect("begun");
    for copy in 1..copies {
        for insert in &inserts {
            let shift = i64::try_from(copy * span).expect("a number");
            db.execute(insert, &[(":shift", &shift)]).expect("copied");
        }
    }
    let status = if ended {
        MessageStatus::Delivered
    } else {
        MessageStatus::Queued
    };
    db.execute(
        "UPDATE tallies SET value = value * ?1 WHERE kind = ?2 AND quarter = 0",
        [i64::try_from(copies).expect("a number"), status as i64],
    )
    .expect("counted");
    db.execute_batch("COMMIT; PRAGMA journal_mode = wal;").expect("written");
}

/// Statements that make one copy of each template, `:shift` milliseconds later.
fn templates(db: &Connection, ended: bool) -> Vec<String> {
    // The templates stand in tables of their own: the growing ones are not searched.
    let mut inserts = Vec::new();
    for (table, filter, changes) in tables(ended) {
        let filter = if table == "messages" { "id IN picked" } else { filter };
        db.execute_batch(&format!(
            "CREATE TEMP TABLE t_{table} AS SELECT * FROM {table} WHERE {filter};"
        ))
        .expect("templates");
        let columns: Vec<String> = db
            .prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))
            .expect("columns")
            .query_map([], |row| row.get(0))
            .expect("columns")
            .collect::<Result<_, _>>()
            .expect("columns");
        let values: Vec<String> = columns
            .iter()
            .map(|column| {
                let changed = changes.iter().find(|(name, _)| name == column);
                changed.map_or_else(|| column.clone(), |(_, value)| value.clone())
            })
            .collect();
        inserts.push(format!(
            "INSERT INTO {table} ({}) SELECT {} FROM t_{table}",
            columns.join(", "),
            values.join(", ")
        ));
    }
    inserts
}

/// The copies are as the store would have written them.
fn check(path: &Path, copies: u64) {
    let db = Connection::open(path).expect("it opens");
    let count = |sql: &str| -> u64 {
        let count: i64 = db.query_row(sql, [], |row| row.get(0)).expect("a count");
        u64::try_from(count).expect("a count")
    };
    for table in ["messages", "parts"] {
        assert_eq!(
            count(&format!("SELECT count(*) FROM {table}")),
            copies * (REAL + REAL_QUEUED)
        );
    }
    assert_eq!(count("SELECT count(*) FROM attempts"), copies * REAL);
    assert_eq!(
        count("SELECT count(*) FROM messages WHERE due_at IS NOT NULL"),
        copies * REAL_QUEUED
    );
    // Every column that one delivered message has, every copy of it has too, but for the erased text.
    let filled = "final_at IS NOT NULL AND sent_at IS NOT NULL AND delivered_at IS NOT NULL AND sim IS NOT NULL
                  AND reference IS NULL AND length(id) = 16 AND wake_at IS NULL";
    assert_eq!(
        count(&format!("SELECT count(*) FROM messages WHERE status = 8 AND {filled}")),
        copies * REAL
    );
}

/// Prints what it finds, a line each: name, tab, value.
pub(super) fn measure(path: &str) {
    let tell = |what: &str, value: f64| println!("{what}\t{value}");
    let place = Place::File(path.into());
    let (wall, cpu) = (Instant::now(), Clock::now());
    let mut store = open(&place);
    tell("start, ms", wall.elapsed().as_secs_f64() * 1e3);
    tell("start, CPU ms", cpu.elapsed().as_secs_f64() * 1e3);
    drop(store);
    store = open(&place);
    tell("claim of 32, µs a message", claim(&mut store));
    lists(&store, &tell);
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|kib| kib.parse::<f64>().ok());
    tell("memory, MiB", kib.expect("a number") / 1024.0);
}

/// The median claim of the quickest of some rounds over the same messages. By the wall: the processor's own count moves in
/// steps that are longer than a claim.
fn claim(store: &mut Store) -> f64 {
    let mut best = Duration::MAX;
    for round in 0..25 {
        let now = at(2 * LATER + round);
        let mut taken = Vec::new();
        let mut times = Vec::new();
        for _ in 0..30 {
            let begin = Instant::now();
            let due = take(store, now, 32);
            times.push(begin.elapsed());
            taken.extend(due.into_iter().map(|due| due.id));
        }
        assert_eq!(taken.len(), 960);
        gateway(store, now, taken.into_iter().map(Request::Release).collect());
        times.sort_unstable();
        best = best.min(times[15]);
    }
    best.as_secs_f64() * 1e6 / 32.0
}

fn lists(store: &Store, tell: &impl Fn(&str, f64)) {
    let service = store.default_service();
    let plain = ListFilter {
        limit: 50,
        ..ListFilter::default()
    };
    let newest = store.read().messages(service, &plain).expect("a page");
    let delivered = ListFilter {
        statuses: vec![MessageStatus::Delivered],
        ..plain.clone()
    };
    let sim = store.read().messages(service, &delivered).expect("a page").rows[0].sim;
    let deep = ListFilter {
        cursor: newest.next,
        ..plain.clone()
    };
    let queued = ListFilter {
        statuses: vec![MessageStatus::Queued],
        ..plain.clone()
    };
    let failed = ListFilter {
        statuses: vec![MessageStatus::Failed],
        ..plain.clone()
    };
    let of_sim = ListFilter { sim, ..plain.clone() };
    let of_idle_sim = ListFilter {
        sim: Some(SimId(Ulid::from_bits(7))),
        ..plain.clone()
    };
    for (what, filter) in [
        ("newest 50, µs", plain),
        ("the next 50", deep),
        ("50 queued", queued),
        ("50 failed, of which there are none", failed),
        ("50 of one SIM", of_sim),
        ("50 of a SIM without any", of_idle_sim),
    ] {
        let mut best = Duration::MAX;
        for _ in 0..100 {
            let begin = Instant::now();
            let page = store.read().messages(service, &filter).expect("a page");
            best = best.min(begin.elapsed());
            assert!(page.rows.len() <= 50);
        }
        tell(what, best.as_secs_f64() * 1e6);
    }
    let begin = Instant::now();
    store.read().status_counts(at(0).utc).expect("counts");
    tell("counts of the status page, µs", begin.elapsed().as_secs_f64() * 1e6);
}
