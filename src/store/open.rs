//! Opening the database: how the connection works, whether the file is whole and belongs to these keys and to this program.
//! A file that is not is refused and left as it is.

use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};

use super::migrate::{Upgrade, migrate};
use super::read::ReadError;
use super::seal::{Keys, SealError};
use super::turn::OpError;
use super::writer::Place;
use crate::clock;

/// The write-ahead log is cut back to this after a checkpoint.
const LOG_LIMIT: i64 = 64 * 1024 * 1024;
/// Pages in the log before they are brought into the file: most are written anew many times before, and each costs once.
const LOG_PAGES: i64 = 4_000;
/// Page cache of the writer, in KiB (SQLite counts those below zero).
const CACHE_KIB: i64 = -4 * 1024;
/// Longest check of the file at a start: a hospital does not wait for a look at 50 GB.
const CHECK: Duration = Duration::from_secs(5);
/// Steps of SQLite between two looks at the clock.
const STEPS: i32 = 10_000;

/// How much of the file was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checked {
    Whole,
    Partly,
}

/// Why the store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file belongs to a newer version of the program: install that one, or restore a backup.
    #[error("the database has schema {found}, this program knows {known}: it belongs to a newer version")]
    Newer {
        /// Schema in the file.
        found: i64,
        /// Newest schema this program knows.
        known: i64,
    },
    /// A migration that ran before is not the one of this program.
    #[error("migration {0} of the database is not the one of this program")]
    ForeignMigration(i64),
    /// The key is not the one the database was sealed with: bring back that key.
    #[error("the key does not fit the database: it was sealed with another one")]
    WrongKey,
    /// The file is damaged. Nothing was done to it: set it aside and put a copy from the backup in its place.
    #[error(
        "the database {path} is damaged ({what}). It was left as it is: move it with its -wal and -shm aside, put a copy \
         from the backup in its place and start again; docs/damaged-database.md has the commands"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What SQLite says.
        what: String,
    },
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(String),
    /// What is sealed in it does not open.
    #[error("the database does not open: {0}")]
    Seal(#[from] SealError),
    /// SQLite could not open or write it.
    #[error("the database does not open: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Sqlite(error) => Self::Sqlite(error),
            ReadError::Seal(error) => Self::Seal(error),
        }
    }
}

impl From<OpError> for OpenError {
    fn from(error: OpError) -> Self {
        match error {
            OpError::Sqlite(error) => Self::Sqlite(error),
            OpError::Seal(error) => Self::Seal(error),
        }
    }
}

impl OpenError {
    /// Names the file where it is to blame.
    pub(super) fn of(self, place: &Place) -> Self {
        let damaged = match &self {
            Self::Damaged { what, .. } => Some(what.clone()),
            Self::Sqlite(error) => {
                let code = error.sqlite_error_code();
                let damaged = matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase));
                damaged.then(|| error.to_string())
            }
            Self::Newer { .. } | Self::ForeignMigration(_) | Self::WrongKey | Self::Thread(_) | Self::Seal(_) => None,
        };
        let path = match place {
            Place::File(path) => path.display().to_string(),
            Place::Memory => "in memory".into(),
        };
        match damaged {
            Some(what) => Self::Damaged { path, what },
            None => self,
        }
    }
}

/// A connection to a database that is whole, of this schema and of these keys.
pub(super) fn connect(place: &Place, keys: &Keys, told: fn(&Upgrade)) -> Result<Connection, OpenError> {
    let mut db = match place {
        Place::File(path) => Connection::open(path)?,
        Place::Memory => Connection::open_in_memory()?,
    };
    prepare(&db)?;
    if check(&mut db, CHECK)? == Checked::Partly {
        tracing::info!("the database is large: a part of it was checked");
    }
    migrate(&mut db, told)?;
    check_key(&db, keys)?;
    Ok(db)
}

/// How the writing connection works: see docs/decisions for why.
fn prepare(db: &Connection) -> Result<(), OpenError> {
    stable_plans(db)?;
    db.busy_timeout(Duration::from_secs(5))?;
    db.set_prepared_statement_cache_capacity(128);
    // Only a new file takes this: what retention frees can be given back without writing all of it anew.
    let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    if pages == 0 {
        db.pragma_update(None, "auto_vacuum", "incremental")?;
    }
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update_and_check(None, "journal_size_limit", LOG_LIMIT, |_| Ok(()))?;
    db.pragma_update(None, "cache_size", CACHE_KIB)?;
    db.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    // What a savepoint could take back is kept in memory: else more than 64 KiB of it go into a file of their own.
    db.pragma_update(None, "temp_store", "memory")?;
    Ok(())
}

/// Whether the file is whole, as far as that is found out in `longest`; what is read later is still checked page by page.
fn check(db: &mut Connection, longest: Duration) -> Result<Checked, OpenError> {
    let begin = clock::now().monotonic;
    let late = move || clock::now().monotonic.since(begin) >= longest;
    db.progress_handler(STEPS, Some(late))?;
    let health = db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    db.progress_handler(0, None::<fn() -> bool>)?;
    match health {
        Ok(health) if health == "ok" => Ok(Checked::Whole),
        Ok(health) => Err(OpenError::Damaged {
            path: String::new(),
            what: health,
        }),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(Checked::Partly),
        Err(error) => Err(error.into()),
    }
}

/// A prepared statement keeps its plan whatever values are bound to it: else every other use is prepared anew, which
/// costs more than its execution.
pub(super) fn stable_plans(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Notes which key the database is sealed with, or compares.
fn check_key(db: &Connection, keys: &Keys) -> Result<(), OpenError> {
    let check = keys.check();
    db.execute(
        "INSERT INTO meta (key, value) VALUES ('key check', ?1) ON CONFLICT (key) DO NOTHING",
        [check],
    )?;
    let kept: Vec<u8> = db.query_row("SELECT value FROM meta WHERE key = 'key check'", [], |row| row.get(0))?;
    if kept == check {
        Ok(())
    } else {
        Err(OpenError::WrongKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many_rows() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE t (x TEXT NOT NULL) STRICT;
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
             INSERT INTO t SELECT 'row ' || i FROM n;",
        )
        .unwrap();
        db
    }

    #[test]
    fn the_check_of_a_large_file_ends_in_time() {
        let mut db = many_rows();
        assert_eq!(check(&mut db, Duration::ZERO).unwrap(), Checked::Partly);
        assert_eq!(check(&mut db, Duration::from_secs(60)).unwrap(), Checked::Whole);
    }
}
