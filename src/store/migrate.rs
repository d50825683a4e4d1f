//! Brings a database to the schema of this program, one numbered file at a time, each in its own transaction.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ring::digest::{SHA256, digest};
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::{Batch, Connection, OptionalExtension, TransactionBehavior};
use wardwire_core::base::Instant;

use super::open::OpenError;
use crate::clock;

/// What lasts longer than this is told of, again and again.
const TOLD_EVERY: Duration = Duration::from_secs(2);
/// Steps of SQLite between two looks at the clock: some milliseconds.
const STEPS: i32 = 100_000;

/// Every schema change there ever was, oldest first; `user_version` counts them. A file that has been released never
/// changes again.
const MIGRATIONS: [&str; 7] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
];

/// A database as the first `count` migrations leave it.
#[cfg(test)]
pub(super) fn migrate_to(db: &mut Connection, count: usize) {
    run(db, &MIGRATIONS[..count], |_| ()).unwrap();
}

/// How far a database is brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// Statements done, and those to do in all. They take very different times.
    pub done: usize,
    /// See [`Upgrade::done`].
    pub of: usize,
    /// Since it began.
    pub took: Duration,
}

impl fmt::Display for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, of, took } = self;
        write!(f, "{done} of {of} steps in {} s", took.as_secs())?;
        let left = of.saturating_sub(*done);
        match u32::try_from(*done).ok().filter(|done| *done > 0) {
            Some(each) => {
                let left = (*took / each).saturating_mul(u32::try_from(left).unwrap_or(u32::MAX));
                write!(f, ", about {} s more", left.as_secs())
            }
            None => Ok(()),
        }
    }
}

/// Runs what is missing. `told` hears how far it is, when it takes long.
pub(super) fn migrate(db: &mut Connection, told: fn(&Upgrade)) -> Result<(), OpenError> {
    run(db, &MIGRATIONS, told)
}

/// Statements of a migration: each ends a line.
fn statements(sql: &str) -> usize {
    sql.lines().filter(|line| line.trim_end().ends_with(';')).count()
}

fn run(db: &mut Connection, migrations: &[&str], told: fn(&Upgrade)) -> Result<(), OpenError> {
    let done = Arc::new(AtomicUsize::new(0));
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let found = usize::try_from(found).unwrap_or_default();
    let of = migrations.iter().skip(found).map(|sql| statements(sql)).sum();
    let begin = clock::now().monotonic;
    let now = || clock::now().monotonic;
    db.progress_handler(STEPS, Some(teller(Arc::clone(&done), of, now, told)))?;
    let ran = run_all(db, migrations, &done);
    db.progress_handler(0, None::<fn() -> bool>)?;
    ran?;
    let took = clock::now().monotonic.since(begin);
    if found > 0 && of > 0 {
        tracing::info!(took_ms = took.as_millis(), "the database is up to date");
    }
    Ok(())
}

/// Tells now and then; never stops anything.
fn teller(
    done: Arc<AtomicUsize>,
    of: usize,
    mut now: impl FnMut() -> Instant + Send,
    told: fn(&Upgrade),
) -> impl FnMut() -> bool + Send {
    let begin = now();
    let mut last = begin;
    move || {
        let now = now();
        if now.since(last) >= TOLD_EVERY {
            last = now;
            told(&Upgrade {
                done: done.load(Ordering::Relaxed).min(of),
                of,
                took: now.since(begin),
            });
        }
        false
    }
}

fn run_all(db: &mut Connection, migrations: &[&str], done: &AtomicUsize) -> Result<(), OpenError> {
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for (number, sql) in (1..).zip(migrations) {
        let name = format!("migration {number}");
        let sum = digest(&SHA256, sql.as_bytes());
        if number <= found {
            let kept: Option<Vec<u8>> = db
                .query_row("SELECT value FROM meta WHERE key = ?1", [&name], |row| row.get(0))
                .optional()?;
            if kept.as_deref() != Some(sum.as_ref()) {
                return Err(OpenError::ForeignMigration(number));
            }
            continue;
        }
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut batch = Batch::new(&transaction, sql);
        while let Some(mut statement) = batch.next()? {
            statement.execute([])?;
            done.fetch_add(1, Ordering::Relaxed);
        }
        transaction.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", (&name, sum.as_ref()))?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn run(db: &mut Connection, migrations: &[&str]) -> Result<(), OpenError> {
        super::run(db, migrations, |_| ())
    }

    const FIRST: &str = "CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB) STRICT; CREATE TABLE a (x) ;";

    fn tables(db: &Connection) -> i64 {
        db.query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| {
            row.get(0)
        })
        .unwrap()
    }

    #[test]
    fn each_runs_once_and_in_order() {
        let mut db = Connection::open_in_memory().unwrap();
        run(&mut db, &[FIRST]).unwrap();
        run(&mut db, &[FIRST]).unwrap();
        assert_eq!(tables(&db), 2);
        run(&mut db, &[FIRST, "CREATE TABLE b (x);"]).unwrap();
        assert_eq!(tables(&db), 3);
    }

    #[test]
    fn a_newer_database_is_refused_untouched() {
        let mut db = Connection::open_in_memory().unwrap();
        run(&mut db, &[FIRST, "CREATE TABLE b (x);"]).unwrap();
        assert!(matches!(
            run(&mut db, &[FIRST]),
            Err(OpenError::Newer { found: 2, known: 1 })
        ));
        assert_eq!(tables(&db), 3);
    }

    #[test]
    fn a_changed_migration_is_noticed() {
        let mut db = Connection::open_in_memory().unwrap();
        run(&mut db, &[FIRST]).unwrap();
        let changed = format!("{FIRST} -- changed");
        assert!(matches!(run(&mut db, &[&changed]), Err(OpenError::ForeignMigration(1))));
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing() {
        let mut db = Connection::open_in_memory().unwrap();
        run(&mut db, &[FIRST]).unwrap();
        assert!(run(&mut db, &[FIRST, "CREATE TABLE b (x); CREATE TABLE a (x);"]).is_err());
        assert_eq!(tables(&db), 2);
        run(&mut db, &[FIRST, "CREATE TABLE b (x);"]).unwrap();
    }

    #[test]
    fn a_long_one_tells_how_far_it_is() {
        static TOLD: Mutex<Vec<Upgrade>> = Mutex::new(Vec::new());
        let mut millis = 0;
        // A look every half second.
        let now = move || {
            millis += 500;
            Instant::ZERO + Duration::from_millis(millis)
        };
        let done = Arc::new(AtomicUsize::new(1));
        let mut look = teller(done, 4, now, |upgrade| TOLD.lock().unwrap().push(*upgrade));
        for _ in 0..9 {
            assert!(!look(), "it goes on");
        }
        let upgrade = |seconds| Upgrade {
            done: 1,
            of: 4,
            took: Duration::from_secs(seconds),
        };
        assert_eq!(*TOLD.lock().unwrap(), [upgrade(2), upgrade(4)]);
    }

    #[test]
    fn an_upgrade_says_what_is_left() {
        let upgrade = |done| Upgrade {
            done,
            of: 9,
            took: Duration::from_secs(60),
        };
        assert_eq!(upgrade(0).to_string(), "0 of 9 steps in 60 s");
        assert_eq!(upgrade(3).to_string(), "3 of 9 steps in 60 s, about 120 s more");
    }

    #[test]
    fn every_statement_is_counted() {
        for (number, sql) in MIGRATIONS.iter().enumerate() {
            let mut db = Connection::open_in_memory().unwrap();
            migrate_to(&mut db, number);
            let done = AtomicUsize::new(0);
            run_all(&mut db, &MIGRATIONS[..=number], &done).unwrap();
            assert_eq!(done.into_inner(), statements(sql), "migration {}", number + 1);
        }
    }
}
