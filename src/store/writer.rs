//! The writing side: one connection, one transaction for each [`Store::apply`]; should an op fail, a savepoint for each.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use wardwire_core::base::{IdSource, Instant, Now, ServiceId, Ulid};
use wardwire_core::queue::hours::Hours;
use wardwire_core::queue::verbs::Request;

use super::admin::{self, DEFAULT_SERVICE};
use super::disk::{Disk, DiskState, Limits, Watch};
use super::migrate::Upgrade;
use super::open::{self, OpenError};
use super::ops::{Answer, Op};
use super::outbox::{self, Hook};
use super::read::Reader;
use super::records::Fact;
use super::routing::{self, Routing};
use super::seal::Keys;
use super::tally::Changes;
use super::turn::{Memory, OpError, Turn};
use super::{
    accept, attempt, audit, batch, budget, claim, decision, inbound, introduce, lanes, loopback, pasts, pins, report,
    sharing, sims, stale, sweep,
};
use crate::config::Retention;

/// A disk that does not work is told of this often.
const TOLD_EVERY: Duration = Duration::from_secs(60);

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
    /// How late a planned message may be after an outage before it waits for a person.
    pub stale_after: Duration,
    /// Texts a person may get in any 24 hours, beside answers, emergencies and what is for staff; 0 = any number.
    pub per_recipient_per_day: u32,
    /// How much of the disk may be used.
    pub disk: Limits,
    /// How long things are kept.
    pub retention: Retention,
}

impl Default for Settings {
    /// 15 min of evidence, 48 h for reports, 15 min a part, 2 h late; seed 0; no limit and no reserve on disk.
    fn default() -> Self {
        Self {
            seed: 0,
            evidence_window: Duration::from_secs(15 * 60),
            report_wait: Duration::from_secs(48 * 3600),
            reassembly_wait: Duration::from_secs(15 * 60),
            stale_after: Duration::from_secs(2 * 3600),
            per_recipient_per_day: 0,
            disk: Limits::default(),
            retention: Retention::default(),
        }
    }
}

/// The store. Every op is decided and written in one transaction with its events.
#[derive(Debug)]
pub struct Store {
    reader: Reader,
    settings: Settings,
    hooks: Vec<Hook>,
    routing: Routing,
    hours: Hours,
    service: ServiceId,
    ids: IdSource,
    memory: Memory,
    facts: Vec<Fact>,
    work: bool,
    watch: Watch,
    trouble: Trouble,
}

/// Whether writing fails for another reason than a full disk, so that this is told now and then, not at every try.
#[derive(Debug, Default)]
struct Trouble {
    failing: bool,
    told_at: Option<Instant>,
}

impl Store {
    /// Opens the database, checks it, brings its schema up to date, and does what a restart asks for: attempts without
    /// an outcome become unknown.
    ///
    /// # Errors
    /// [`OpenError`] tells what to do.
    pub fn open(place: &Place, keys: Keys, settings: Settings, now: Now) -> Result<Self, OpenError> {
        Self::open_telling(place, keys, settings, now, |_| ())
    }

    /// The same; `told` hears every two seconds how far the schema is brought up to date.
    ///
    /// # Errors
    /// [`OpenError`] tells what to do.
    pub fn open_telling(
        place: &Place,
        keys: Keys,
        settings: Settings,
        now: Now,
        told: fn(&Upgrade),
    ) -> Result<Self, OpenError> {
        let open = || -> Result<Self, OpenError> {
            let db = open::connect(place, &keys, told)?;
            Self::begin(db, place, keys, settings, now)
        };
        open().map_err(|error| error.of(place))
    }

    fn begin(db: Connection, place: &Place, keys: Keys, settings: Settings, now: Now) -> Result<Self, OpenError> {
        let folder = match place {
            Place::File(path) => Some(path.parent().unwrap_or(Path::new("."))),
            Place::Memory => None,
        };
        let watch = Watch::new(&db, folder, settings.disk)?;
        let sequence: i64 = db.query_row("SELECT coalesce(max(sequence), 0) FROM events", [], |row| row.get(0))?;
        let mut store = Self {
            reader: Reader::new(db, keys),
            settings,
            hooks: Vec::new(),
            routing: Routing::default(),
            hours: Hours::default(),
            service: ServiceId(Ulid::from_bits(0)),
            ids: IdSource::new(settings.seed),
            memory: Memory::default(),
            facts: Vec::new(),
            work: false,
            watch,
            trouble: Trouble::default(),
        };
        store.memory.sequence = u64::try_from(sequence).unwrap_or_default();
        store.service = store.alone(now, |turn| admin::service(turn, DEFAULT_SERVICE))?;
        store.restart(now)?;
        Ok(store)
    }

    /// From now on these webhooks are told, and no others; what was left for others is forgotten.
    ///
    /// # Errors
    /// When it could not be written.
    pub fn tell(&mut self, hooks: Vec<Hook>, now: Now) -> Result<(), OpenError> {
        self.hooks = hooks;
        self.alone(now, |turn| outbox::forget_others(turn))
    }

    /// Decides and writes all `ops` in one transaction, each in its own savepoint. The answers, one for each op in the
    /// same order, hold from the moment this returns: the commit is behind them.
    ///
    /// When the disk is full new messages are refused, and everything else is written from the reserve.
    pub fn apply(&mut self, now: Now, ops: Vec<Op>) -> Vec<Answer> {
        self.memory.note_clocks(now);
        let mut full = self.watch.look(self.reader.connection()).state == DiskState::Full;
        let mut apart = false;
        loop {
            self.facts.clear();
            self.work = false;
            let error = match self.transact(now, &ops, full, apart) {
                Ok(answers) => {
                    self.works(now);
                    self.adopt(ops, &answers);
                    return answers;
                }
                Err(error) => error,
            };
            self.memory.roll_back(0);
            // One op is to blame, which hardly ever happens: only then each pays for a savepoint of its own.
            if !apart && ops.len() > 1 && !error.is_of_disk() {
                apart = true;
                continue;
            }
            let spent = error.is_full() && self.watch.spend();
            // Without the new messages, or from the reserve, the rest may fit.
            if error.is_full() && (spent || !full) {
                full = true;
                continue;
            }
            self.fails(now, &error, ops.len());
            self.facts.clear();
            self.work = false;
            return vec![Answer::Unavailable; ops.len()];
        }
    }

    /// What was entered and is on disk now holds for what comes.
    fn adopt(&mut self, ops: Vec<Op>, answers: &[Answer]) {
        for (op, answer) in ops.into_iter().zip(answers) {
            if let (Op::Share(share), Answer::Done(true)) = (op, answer) {
                self.routing = share.routing;
            }
        }
    }

    fn works(&mut self, now: Now) {
        if std::mem::replace(&mut self.trouble.failing, false) {
            tracing::info!(at = %now.utc, "the store can write again");
        }
    }

    fn fails(&mut self, now: Now, error: &OpError, ops: usize) {
        self.trouble.failing |= !error.is_full();
        let told = self.trouble.told_at;
        if told.is_none_or(|at| now.monotonic.since(at) >= TOLD_EVERY) {
            self.trouble.told_at = Some(now.monotonic);
            tracing::error!(%error, ops, "the store could not write");
        }
    }

    /// How the disk is, as far as the last write told.
    #[must_use]
    pub fn disk(&self) -> Disk {
        let disk = self.watch.last();
        match self.trouble.failing {
            true => Disk {
                state: DiskState::Failing,
                ..disk
            },
            false => disk,
        }
    }

    /// `apart`: an op that fails does so alone; else the first that fails is the error of all.
    fn transact(&mut self, now: Now, ops: &[Op], full: bool, apart: bool) -> Result<Vec<Answer>, OpError> {
        let db = self.reader.connection();
        let transaction = Open::begin(db)?;
        if self.trouble.failing {
            probe(db, now)?;
        }
        let mut answers = Vec::with_capacity(ops.len());
        let mut changes = Changes::default();
        for op in ops {
            let mark = self.memory.mark();
            if apart {
                db.prepare_cached("SAVEPOINT op")?.execute([])?;
            }
            let mut turn = Turn {
                db,
                keys: self.reader.keys(),
                settings: &self.settings,
                hooks: &self.hooks,
                routing: &self.routing,
                hours: &self.hours,
                service: self.service,
                now,
                ids: &mut self.ids,
                memory: &mut self.memory,
                changes: Changes::default(),
                facts: Vec::new(),
                work: false,
            };
            match decide(&mut turn, op, full) {
                Ok(answer) => {
                    changes.add(turn.changes);
                    self.facts.append(&mut turn.facts);
                    self.work |= turn.work;
                    answers.push(answer);
                }
                // The disk is to blame, and may have ended the whole transaction: nothing of it holds.
                Err(error) if db.is_autocommit() || error.is_of_disk() => return Err(error),
                Err(error) if !apart && ops.len() > 1 => return Err(error),
                // Alone it needs no savepoint: when it fails, so does the transaction, and says the same.
                Err(error) if !apart => {
                    tracing::error!(%error, "an op could not be written");
                    self.memory.roll_back(mark);
                    return Ok(vec![Answer::Unavailable]);
                }
                Err(error) => {
                    tracing::error!(%error, "an op could not be written");
                    db.prepare_cached("ROLLBACK TO op")?.execute([])?;
                    self.memory.roll_back(mark);
                    answers.push(Answer::Unavailable);
                }
            }
            if apart {
                db.prepare_cached("RELEASE op")?.execute([])?;
            }
        }
        changes.write(db)?;
        transaction.commit()?;
        self.memory.settle();
        Ok(answers)
    }

    /// One piece of work in a transaction of its own.
    pub(super) fn alone<T>(
        &mut self,
        now: Now,
        work: impl FnOnce(&mut Turn<'_>) -> Result<T, OpError>,
    ) -> Result<T, OpenError> {
        let db = self.reader.connection();
        let transaction = Open::begin(db)?;
        let mut turn = Turn {
            db,
            keys: self.reader.keys(),
            settings: &self.settings,
            hooks: &self.hooks,
            routing: &self.routing,
            hours: &self.hours,
            service: self.service,
            now,
            ids: &mut self.ids,
            memory: &mut self.memory,
            changes: Changes::default(),
            facts: Vec::new(),
            work: false,
        };
        let value = work(&mut turn).map_err(OpenError::from)?;
        turn.changes.write(db)?;
        transaction.commit()?;
        self.memory.settle();
        Ok(value)
    }

    /// What a crash and a new start do, without leaving the process: leases are gone, attempts without an outcome
    /// become unknown.
    ///
    /// # Errors
    /// When it could not be written.
    pub fn restart(&mut self, now: Now) -> Result<(), OpenError> {
        self.memory.leases.clear();
        self.memory.asked = None;
        self.facts.clear();
        self.work = true;
        self.memory.seen_at = None;
        self.memory.note_clocks(now);
        self.alone(now, |turn| {
            turn.memory.flow = stale::recall(turn.db)?;
            turn.memory.lanes = lanes::find(turn.db)?;
            batch::find(turn)?;
            routing::services(turn)?;
            attempt::restart(turn)
        })
    }

    /// The service that owns inbound of no other.
    #[must_use]
    pub fn default_service(&self) -> ServiceId {
        self.service
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

    /// Whether batches may have something left to do: [`Op::Batches`].
    #[must_use]
    pub fn has_batches(&self) -> bool {
        self.memory.batch_work
    }

    /// What an idle moment is good for: brings the log back into the file, looks how much room there is.
    pub fn tidy(&mut self) {
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        if let Err(error) = self.reader.connection().query_row(checkpoint, [], |_| Ok(())) {
            tracing::warn!(%error, "the write-ahead log stays long");
        }
        self.watch.look(self.reader.connection());
    }

    pub(super) fn set_routing(&mut self, routing: Routing) {
        self.routing = routing;
    }

    pub(super) fn set_hours(&mut self, hours: Hours) {
        self.hours = hours;
    }

    pub(super) fn keys(&self) -> &Keys {
        self.reader.keys()
    }

    /// Lanes in memory.
    #[cfg(test)]
    pub(super) fn lanes(&self) -> usize {
        self.memory.lanes.len()
    }

    /// Asked before each commit, which fails when it says true.
    #[cfg(test)]
    pub(super) fn before_commit(&mut self, asked: impl FnMut() -> bool + Send + 'static) {
        assert!(self.reader.connection_mut().commit_hook(Some(asked)).is_ok());
    }

    /// Reads what is committed.
    #[must_use]
    pub fn read(&self) -> &Reader {
        &self.reader
    }
}

/// An open transaction, rolled back unless it was committed. Its statements are prepared once, where SQLite's own way would
/// parse them for every message.
struct Open<'a> {
    db: &'a Connection,
}

impl<'a> Open<'a> {
    fn begin(db: &'a Connection) -> rusqlite::Result<Self> {
        db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self { db })
    }

    fn commit(self) -> rusqlite::Result<()> {
        self.db.prepare_cached("COMMIT")?.execute([]).map(drop)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // Committed, or ended by SQLite itself: nothing is open.
        if self.db.is_autocommit() {
            return;
        }
        let ended = self
            .db
            .prepare_cached("ROLLBACK")
            .and_then(|mut rollback| rollback.execute([]));
        if let Err(error) = ended {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }
}

/// Writes something: a transaction that changes nothing commits on a disk that takes nothing.
fn probe(db: &Connection, now: Now) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO meta (key, value) VALUES ('written', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1",
    )?
    .execute([now.utc.as_millis().to_be_bytes()])?;
    Ok(())
}

/// `full`: nothing new is taken on.
fn decide(turn: &mut Turn<'_>, op: &Op, full: bool) -> Result<Answer, OpError> {
    Ok(match op {
        Op::Accept(accept) if full => match accept::known(turn, accept)? {
            Some(earlier) => Answer::Accepted(earlier),
            None => Answer::Full,
        },
        Op::AcceptBatch(accept) if full => match batch::known(turn, accept)? {
            Some(earlier) => Answer::BatchAccepted(earlier),
            None => Answer::Full,
        },
        Op::Loopback(_) | Op::Batches if full => Answer::Full,
        Op::Gateway(request) => Answer::Gateway(match request {
            Request::Introduce(modem) => introduce::introduce(turn, modem)?,
            Request::Defer { message, until } => budget::defer(turn, *message, *until)?,
            Request::TakeDue {
                ways,
                depth,
                room,
                counted,
            } => claim::take_due(turn, ways, *depth, *room, *counted)?,
            Request::Release(id) => claim::release(turn, *id)?,
            Request::Begin(begin) => attempt::begin(turn, begin)?,
            Request::Close { attempt, result } => attempt::close(turn, *attempt, *result)?,
            Request::Report(report) => report::report(turn, report)?,
            Request::Receive(part) => inbound::receive(turn, part)?,
            Request::TryPin(wanted) => pins::begin(turn, wanted)?,
            Request::EndPin(ended) => pins::end(turn, ended)?,
            Request::KeepPast(keep) => pasts::keep(turn, keep)?,
            Request::Sweep => sweep::sweep(turn)?,
        }),
        Op::Accept(accept) => Answer::Accepted(accept::accept(turn, accept)?),
        Op::AcceptBatch(accept) => Answer::BatchAccepted(batch::accept(turn, accept)?),
        Op::ActOnBatch { service, batch, act } => Answer::BatchActed(batch::act(turn, *service, *batch, *act)?),
        Op::Batches => Answer::Done(batch::step(turn)?),
        Op::Cancel { service, message } => Answer::Canceled(admin::cancel(turn, *service, *message)?),
        Op::Decide {
            service,
            message,
            decision,
        } => Answer::Decided(decision::decide(turn, *service, *message, *decision)?),
        Op::CreateKey(key) => Answer::Key(admin::create_key(turn, key)?),
        Op::RevokeKey(id) => Answer::Revoked(admin::revoke_key(turn, *id)?),
        Op::EditSim { sim, edit } => Answer::Done(sims::edit(turn, *sim, edit)?),
        Op::ReplaceSim { old, new } => Answer::Replaced(sims::replace(turn, *old, *new)?),
        Op::Share(share) => {
            sharing::keep(turn, &share.entered)?;
            turn.work = true;
            Answer::Done(true)
        }
        Op::Loopback(new) => Answer::Loopback(loopback::begin(turn, new)?),
        Op::Audit(new) => Answer::Audited(audit::begin(turn, new)?),
        Op::Told {
            webhook,
            sequence,
            told,
        } => {
            outbox::settle(turn, webhook, *sequence, *told)?;
            Answer::Done(true)
        }
        Op::AuditOutcome { sequence, outcome } => {
            audit::end(turn, *sequence, outcome)?;
            Answer::Done(true)
        }
    })
}
