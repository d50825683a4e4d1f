//! One message with its parts, loaded into the transaction, moved by the core's rules, written back with everything that
//! follows from it: status, counts, due and wake times, time stamps, events.

use rusqlite::{OptionalExtension, Row, params};
use wardwire_core::base::{BatchId, MessageId, PartId, ServiceId, SimId, UtcTime};
use wardwire_core::queue::error::ErrorCode;
use wardwire_core::queue::hours::Window;
use wardwire_core::queue::lane::{Lane, Way};
use wardwire_core::queue::stale::{Moment, is_stale};
use wardwire_core::queue::state::{Category, HoldReason, MessageStatus, OnUnknown, PartState, Priority, is_alert};
use wardwire_core::queue::status::{Context, Delivery, Derived, status_of};
use wardwire_core::queue::transition::{PartEvent, next};
use wardwire_core::queue::unknown::{Resolution, UnknownFacts, resolve};
use wardwire_core::queue::verbs::NewMessage;

use super::batch;
use super::code::{Columns, HOLD_REASONS, ON_UNKNOWN, PRIORITIES, millis};
use super::lanes;
use super::records::{EventKind, MessageError, Subject};
use super::tally::Tally;
use super::turn::{OpError, Turn};

/// A message as decisions need it.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) id: MessageId,
    pub(super) service: ServiceId,
    /// Row of the number it goes to.
    pub(super) number: i64,
    /// What it is one of.
    pub(super) batch: Option<BatchId>,
    pub(super) derived: Derived,
    pub(super) held: Option<HoldReason>,
    pub(super) category: Option<Category>,
    pub(super) priority: Priority,
    pub(super) created_at: UtcTime,
    pub(super) due_at: Option<UtcTime>,
    pub(super) wake_at: Option<UtcTime>,
    pub(super) send_at: Option<UtcTime>,
    /// The part of the day in which it goes.
    pub(super) window: Option<Window>,
    /// When the hours it keeps to open, or opened, for it.
    pub(super) opens_at: Option<UtcTime>,
    /// When a person let it go although its moment had passed.
    released_at: Option<UtcTime>,
    pub(super) valid_until: UtcTime,
    pub(super) on_unknown: OnUnknown,
    pub(super) delivery_report: bool,
    /// No part of it is ever sent again.
    pub(super) withdrawn: bool,
    pub(super) possible_copy: bool,
    pub(super) sim: Option<SimId>,
    /// As it was loaded or saved last.
    sim_on_disk: Option<SimId>,
    /// Through `sim` or not at all.
    pub(super) pinned: bool,
    /// The SIMs that may take it.
    pub(super) way: Way,
    pub(super) avoid: Option<SimId>,
    pub(super) attempts: u32,
    pub(super) error: Option<MessageError>,
    pub(super) queued_at: Option<UtcTime>,
    pub(super) submitted_at: Option<UtcTime>,
    pub(super) sent_at: Option<UtcTime>,
    pub(super) delivered_at: Option<UtcTime>,
    pub(super) final_at: Option<UtcTime>,
    pub(super) parts: Vec<PartLife>,
    /// Validity, release or opening changed in this op.
    pub(super) remade: bool,
    /// A part went bad in this op.
    part_failed: bool,
    /// An unknown outcome became known in this op.
    unknown_resolved: bool,
}

/// A part as decisions need it.
#[derive(Clone, Debug)]
pub(super) struct PartLife {
    pub(super) sequence: u8,
    pub(super) id: PartId,
    pub(super) state: PartState,
    pub(super) attempts: u32,
    pub(super) possible_copy: bool,
    pub(super) sim: Option<SimId>,
    pub(super) tp_mr: Option<u8>,
    pub(super) error: Option<MessageError>,
    /// Since when its outcome is unknown; kept afterwards.
    pub(super) unknown_at: Option<UtcTime>,
    pub(super) unknowns: u32,
    pub(super) accepted_at: Option<UtcTime>,
    pub(super) reported_at: Option<UtcTime>,
    pub(super) tp_st: Option<u8>,
    pub(super) smsc_timestamp: Option<UtcTime>,
    pub(super) discharged_at: Option<UtcTime>,
    changed: bool,
}

impl PartLife {
    /// A part that nothing happened to yet.
    pub(super) fn new(sequence: u8, id: PartId) -> Self {
        Self {
            sequence,
            id,
            state: PartState::Pending,
            attempts: 0,
            possible_copy: false,
            sim: None,
            tp_mr: None,
            error: None,
            unknown_at: None,
            unknowns: 0,
            accepted_at: None,
            reported_at: None,
            tp_st: None,
            smsc_timestamp: None,
            discharged_at: None,
            changed: false,
        }
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let mut c = Columns::new(row);
        Ok(Self {
            sequence: c.get()?,
            id: PartId(c.ulid()?),
            state: c.one_of(&PartState::ALL)?,
            attempts: c.get()?,
            possible_copy: c.get()?,
            sim: c.ulid_or_none()?.map(SimId),
            tp_mr: c.get()?,
            error: c.error()?,
            unknown_at: c.time_or_none()?,
            unknowns: c.get()?,
            accepted_at: c.time_or_none()?,
            reported_at: c.time_or_none()?,
            tp_st: c.get()?,
            smsc_timestamp: c.time_or_none()?,
            discharged_at: c.time_or_none()?,
            changed: false,
        })
    }
}

const SELECT_MESSAGE: &str = "SELECT id, service, status, final, delivery, held, priority, due_at, wake_at,
    send_at, valid_until, on_unknown, delivery_report, withdrawn, possible_copy, sim, pinned, avoid, attempts,
    error, network_code, queued_at, submitted_at, sent_at, delivered_at, final_at, category, created_at, released_at, way,
    number, window, opens_at, batch
    FROM messages WHERE id = ?1";

const SELECT_PARTS: &str = "SELECT sequence, id, state, attempts, possible_copy, sim, tp_mr, error, network_code,
    unknown_at, unknowns, accepted_at, reported_at, tp_st, smsc_timestamp, discharged_at
    FROM parts WHERE message = ?1 ORDER BY sequence";

/// Columns in indexes are written only where they change, so that their entries need not be moved: `$more` names those.
macro_rules! update_message {
    ($more:literal) => {
        concat!(
            "UPDATE messages SET status = ?2, final = ?3, delivery = ?4, held = ?5, due_at = ?6, withdrawn = ?7,
             possible_copy = ?8, avoid = ?9, attempts = ?10, error = ?11, network_code = ?12, parts_accepted = ?13,
             parts_delivered = ?14, queued_at = ?15, submitted_at = ?16, sent_at = ?17, delivered_at = ?18,
             final_at = ?19",
            $more,
            " WHERE id = ?1"
        )
    };
}

const UPDATE_PART: &str = "UPDATE parts SET state = ?3, attempts = ?4, possible_copy = ?5, sim = ?6, tp_mr = ?7,
    error = ?8, network_code = ?9, unknown_at = ?10, unknowns = ?11, accepted_at = ?12, reported_at = ?13,
    tp_st = ?14, smsc_timestamp = ?15, discharged_at = ?16 WHERE message = ?1 AND sequence = ?2";

impl Life {
    /// A message that is not on disk yet, without its parts.
    pub(super) fn new(id: MessageId, message: &NewMessage, number: i64, now: UtcTime) -> Self {
        Self {
            id,
            service: message.service,
            number,
            batch: None,
            derived: Derived {
                status: MessageStatus::Queued,
                is_final: false,
                delivery: Delivery::None,
            },
            held: message.held,
            category: message.category,
            priority: message.priority,
            created_at: now,
            due_at: match message.held {
                Some(_) => None,
                None => Some(message.send_at.map_or(now, |send_at| send_at.max(now))),
            },
            wake_at: None,
            send_at: message.send_at,
            window: message.window.clone(),
            opens_at: None,
            released_at: None,
            valid_until: message.valid_until,
            on_unknown: message.on_unknown,
            delivery_report: message.delivery_report,
            withdrawn: false,
            possible_copy: false,
            sim: message.sim,
            sim_on_disk: None,
            pinned: message.sim.is_some(),
            way: lanes::way_of(message.sim),
            avoid: None,
            attempts: 0,
            error: None,
            queued_at: None,
            submitted_at: None,
            sent_at: None,
            delivered_at: None,
            final_at: None,
            parts: Vec::new(),
            remade: false,
            part_failed: false,
            unknown_resolved: false,
        }
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let mut c = Columns::new(row);
        let mut life = Self {
            id: MessageId(c.ulid()?),
            service: ServiceId(c.ulid()?),
            number: 0,
            batch: None,
            derived: Derived {
                status: c.one_of(&MessageStatus::ALL)?,
                is_final: c.get()?,
                delivery: c.one_of(&Delivery::ALL)?,
            },
            held: c.one_of_or_none(&HOLD_REASONS)?,
            category: None,
            priority: c.one_of(&PRIORITIES)?,
            created_at: UtcTime::default(),
            due_at: c.time_or_none()?,
            wake_at: c.time_or_none()?,
            send_at: c.time_or_none()?,
            window: None,
            opens_at: None,
            released_at: None,
            valid_until: c.time()?,
            on_unknown: c.one_of(&ON_UNKNOWN)?,
            delivery_report: c.get()?,
            withdrawn: c.get()?,
            possible_copy: c.get()?,
            sim: c.ulid_or_none()?.map(SimId),
            sim_on_disk: None,
            pinned: c.get()?,
            way: Way::Any,
            avoid: c.ulid_or_none()?.map(SimId),
            attempts: c.get()?,
            error: c.error()?,
            queued_at: c.time_or_none()?,
            submitted_at: c.time_or_none()?,
            sent_at: c.time_or_none()?,
            delivered_at: c.time_or_none()?,
            final_at: c.time_or_none()?,
            parts: Vec::new(),
            remade: false,
            part_failed: false,
            unknown_resolved: false,
        };
        life.category = c.one_of_or_none(&Category::ALL)?;
        life.created_at = c.time()?;
        life.released_at = c.time_or_none()?;
        life.way = c.get::<lanes::WayColumn>()?.0;
        life.sim_on_disk = life.sim;
        life.number = c.get()?;
        life.window = c.window()?;
        life.opens_at = c.time_or_none()?;
        life.batch = c.ulid_or_none()?.map(BatchId);
        Ok(life)
    }

    /// Loads a message with its parts.
    pub(super) fn load(turn: &Turn<'_>, id: MessageId) -> Result<Option<Self>, OpError> {
        let mut select = turn.db.prepare_cached(SELECT_MESSAGE)?;
        let Some(mut life) = select.query_row([id.0.to_octets()], Self::read).optional()? else {
            return Ok(None);
        };
        let mut select = turn.db.prepare_cached(SELECT_PARTS)?;
        for part in select.query_map([id.0.to_octets()], PartLife::read)? {
            life.parts.push(part?);
        }
        Ok(Some(life))
    }

    /// Where it waits.
    pub(super) fn lane(&self) -> Lane {
        Lane {
            priority: self.priority,
            way: self.way,
            service: self.service,
        }
    }

    pub(super) fn part(&mut self, id: PartId) -> Option<&mut PartLife> {
        self.parts.iter_mut().find(|part| part.id == id)
    }

    /// Moves one part; what the rules do not allow changes nothing. Whether it moved.
    pub(super) fn step(&mut self, sequence: u8, event: PartEvent, now: UtcTime) -> bool {
        let Some(part) = self.parts.iter_mut().find(|part| part.sequence == sequence) else {
            return false;
        };
        let Ok(state) = next(part.state, event) else {
            return false;
        };
        self.unknown_resolved |= part.state == PartState::Unknown && state != PartState::Unknown;
        part.changed = true;
        part.state = state;
        match state {
            PartState::Unknown => {
                part.unknown_at = Some(now);
                part.unknowns += 1;
            }
            PartState::Accepted => {
                part.accepted_at = part.accepted_at.or(Some(now));
                part.error = None;
            }
            PartState::Delivered | PartState::DeliveredUnconfirmed => {
                part.reported_at = Some(now);
                part.error = None;
            }
            PartState::Undelivered | PartState::Expired => {
                part.reported_at = Some(now);
                self.part_failed = true;
            }
            PartState::Refused => self.part_failed = true,
            PartState::Pending
            | PartState::Assigned
            | PartState::Submitting
            | PartState::Buffered
            | PartState::Lapsed
            | PartState::Canceled => {}
        }
        true
    }

    /// Changes what is noted about a part besides its state.
    pub(super) fn note(&mut self, sequence: u8, change: impl FnOnce(&mut PartLife)) {
        if let Some(part) = self.parts.iter_mut().find(|part| part.sequence == sequence) {
            change(part);
            part.changed = true;
        }
    }

    /// Moves every waiting part out of the queue (P14).
    pub(super) fn withdraw_waiting(&mut self, event: PartEvent, now: UtcTime) {
        let waiting: Vec<u8> = self.waiting().map(|part| part.sequence).collect();
        for sequence in waiting {
            self.step(sequence, event, now);
        }
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = &PartLife> {
        self.parts.iter().filter(|part| part.state == PartState::Pending)
    }

    /// What a resend of the unknown part depends on.
    fn unknown_facts(&self, part: &PartLife, turn: &Turn<'_>) -> UnknownFacts {
        UnknownFacts {
            policy: self.on_unknown,
            alert: self.is_alert(),
            since: part.unknown_at.unwrap_or(turn.now.utc),
            valid_until: self.valid_until,
            barred: self.is_barred(turn),
            unknowns: part.unknowns,
            window: turn.settings.evidence_window,
        }
    }

    fn is_alert(&self) -> bool {
        is_alert(self.category, self.priority)
    }

    /// When it matters; a text for now that is no alert has no moment of its own.
    pub(super) fn moment(&self) -> Option<Moment> {
        let alert = self.is_alert();
        let at = self.released_at.or(self.send_at).or(alert.then_some(self.created_at))?;
        // What its hours kept back was meant for when they opened.
        let at = self.opens_at.map_or(at, |opens_at| opens_at.max(at));
        Some(Moment { at, alert })
    }

    /// Its moment has passed in an outage.
    fn is_stale(&self, turn: &Turn<'_>) -> bool {
        let silence = turn.memory.flow.silence;
        let stale = |moment| is_stale(moment, silence, turn.settings.stale_after, turn.now.utc);
        self.moment().is_some_and(stale)
    }

    /// Whether nothing more of it goes out by itself, asked before everything that is sent again. Whatever takes a message
    /// back (an opt-out, a visit that changed) belongs here and in `withdrawn`.
    fn is_barred(&self, turn: &Turn<'_>) -> bool {
        self.withdrawn || self.parts.iter().any(|part| part.state == PartState::Refused) || self.is_stale(turn)
    }

    /// A person lets it go now: this is its moment.
    pub(super) fn release(&mut self, now: UtcTime) {
        self.held = None;
        self.released_at = Some(now);
        self.remade = true;
        self.due_at = Some(now);
    }

    /// Its batch is paused: nothing of it is begun.
    pub(super) fn pause(&mut self) {
        if self.held.is_none() && self.parts.iter().all(|part| part.state == PartState::Pending) {
            self.held = Some(HoldReason::Paused);
        }
    }

    /// Its batch goes on. What was to go meanwhile has its moment now.
    pub(super) fn resume(&mut self, now: UtcTime) {
        if self.held != Some(HoldReason::Paused) {
            return;
        }
        self.held = None;
        self.due_at = Some(self.send_at.map_or(now, |at| at.max(now)));
        if self.send_at.is_some_and(|at| at <= now) {
            self.released_at = Some(now);
            self.remade = true;
        }
    }

    /// Sends an unknown part again, behind what waits already.
    pub(super) fn send_again(&mut self, sequence: u8, now: UtcTime) {
        self.step(sequence, PartEvent::Again, now);
        self.note(sequence, |part| part.possible_copy = true);
        self.possible_copy = true;
        self.due_at = Some(now);
    }

    /// It was taken on while the clock had never been set: its validity begins when the clock is.
    fn set_clock(&mut self, now: UtcTime) {
        if now.is_credible() && !self.valid_until.is_credible() && !self.derived.is_final {
            self.valid_until = self.valid_until + now.since(self.created_at);
            self.released_at = Some(now);
            self.remade = true;
        }
    }

    /// Does what time alone asks for: lapses what is too late, holds what is stale, sends again what may be.
    pub(super) fn pass_time(&mut self, turn: &Turn<'_>) {
        let now = turn.now.utc;
        self.set_clock(now);
        batch::obey(turn, self);
        if self.withdrawn {
            self.withdraw_waiting(PartEvent::Canceled, now);
        }
        if now >= self.valid_until && self.waiting().next().is_some() {
            self.withdraw_waiting(PartEvent::Lapsed, now);
            // What a budget kept back says so also at its end.
            let capped = |error: MessageError| matches!(error.code, ErrorCode::SimCap | ErrorCode::CapRecipient);
            if !self.error.is_some_and(capped) {
                self.error = Some(MessageError {
                    code: ErrorCode::ExpiredInQueue,
                    network_code: self.error.and_then(|error| error.network_code),
                });
            }
        }
        let untouched = self.parts.iter().all(|part| part.state == PartState::Pending);
        if untouched && self.held.is_none() && (self.is_stale(turn) || self.missed_its_hours(turn)) {
            self.held = Some(HoldReason::Stale);
        }
        let again: Vec<u8> = self
            .parts
            .iter()
            .filter(|part| part.state == PartState::Unknown)
            .filter(|part| resolve(self.unknown_facts(part, turn), now) == Resolution::Resend)
            .map(|part| part.sequence)
            .collect();
        for sequence in again {
            self.send_again(sequence, now);
            self.unknown_resolved = false;
        }
    }

    /// Reports and evidence are believed until then.
    pub(super) fn wait_until(&self, turn: &Turn<'_>) -> UtcTime {
        self.valid_until + turn.settings.report_wait
    }

    /// When time alone changes something next.
    fn next_wake(&self, turn: &Turn<'_>) -> Option<UtcTime> {
        let mut wake: Option<UtcTime> = None;
        let mut at = |time: UtcTime| wake = Some(wake.map_or(time, |other| other.min(time)));
        let over = turn.now.utc >= self.wait_until(turn);
        if self.waiting().next().is_some() {
            at(self.valid_until);
            if let Some(send_at) = self.send_at.filter(|send_at| *send_at > turn.now.utc) {
                at(send_at);
            }
            if let Some(change) = self.hours_change(turn) {
                at(change);
            }
        }
        for part in &self.parts {
            match part.state {
                PartState::Unknown if !over => match resolve(self.unknown_facts(part, turn), turn.now.utc) {
                    Resolution::Wait(until) => at(until),
                    Resolution::Resend => at(turn.now.utc),
                    Resolution::Stay => at(self.wait_until(turn)),
                },
                PartState::Accepted | PartState::Buffered | PartState::Expired if self.delivery_report && !over => {
                    at(self.wait_until(turn));
                }
                PartState::Pending
                | PartState::Assigned
                | PartState::Submitting
                | PartState::Accepted
                | PartState::Buffered
                | PartState::Delivered
                | PartState::DeliveredUnconfirmed
                | PartState::Undelivered
                | PartState::Expired
                | PartState::Lapsed
                | PartState::Refused
                | PartState::Unknown
                | PartState::Canceled => {}
            }
        }
        wake
    }

    /// Status as it follows from the parts now.
    fn derive(&self, turn: &Turn<'_>) -> Derived {
        let states: Vec<PartState> = self.parts.iter().map(|part| part.state).collect();
        let context = Context {
            held: self.held,
            scheduled: self.scheduled_for().is_some_and(|at| at > turn.now.utc),
            delivery_report: self.delivery_report,
            wait_over: turn.now.utc >= self.wait_until(turn),
        };
        status_of(&states, context)
    }

    /// The first values of all that follows, for a message that was not there before.
    pub(super) fn begin(&mut self, turn: &Turn<'_>) {
        self.keep_hours(turn);
        self.derived = self.derive(turn);
        self.wake_at = self.next_wake(turn);
        let queued = self.derived.status == MessageStatus::Queued;
        self.queued_at = queued.then_some(turn.now.utc);
    }

    /// Writes the message back with all that follows from its parts.
    pub(super) fn save(mut self, turn: &mut Turn<'_>) -> Result<(), OpError> {
        let now = turn.now.utc;
        let before = self.derived;
        self.keep_hours(turn);
        self.derived = self.derive(turn);
        if self.held.is_some() || self.waiting().next().is_none() {
            self.due_at = None;
        }
        let wake_at = self.next_wake(turn);
        self.error = self.current_error();
        self.stamp(now, before, turn);
        let wakes_anew = wake_at != self.wake_at;
        self.wake_at = wake_at;
        self.write(turn, wakes_anew)?;
        self.sim_on_disk = self.sim;
        if wake_at.is_none() && self.derived.is_final && self.delivery_report {
            turn.stop_awaiting(self.id)?;
        }
        turn.due_changed(self.lane(), self.due_at, self.id);
        let subject = Subject::Message(self.id);
        if self.unknown_resolved {
            turn.event(EventKind::MessageUnknownResolved, self.service, subject)?;
        }
        if self.part_failed {
            turn.event(EventKind::MessagePartFailed, self.service, subject)?;
        }
        if self.derived.status != before.status {
            turn.changes.status(before.status, -1);
            turn.changes.status(self.derived.status, 1);
        }
        // A message that becomes final without a new status (its wait is over) changes too.
        if self.derived.status != before.status || self.derived.is_final != before.is_final {
            turn.event(EventKind::MessageStatus(self.derived.status), self.service, subject)?;
        }
        batch::moved(turn, &self, before)
    }

    /// What to tell of errors: the first part's that went wrong for good, else the last thing that went wrong, nothing
    /// when all went well.
    fn current_error(&self) -> Option<MessageError> {
        let bad = |part: &&PartLife| {
            matches!(
                part.state,
                PartState::Refused | PartState::Undelivered | PartState::Expired
            )
        };
        if let Some(error) = self.parts.iter().find(bad).and_then(|part| part.error) {
            return Some(error);
        }
        let plain = |code| {
            Some(MessageError {
                code,
                network_code: None,
            })
        };
        match self.derived.status {
            MessageStatus::Delivered => None,
            MessageStatus::Sent if self.derived.delivery == Delivery::Timeout => plain(ErrorCode::ReportTimeout),
            MessageStatus::Sent => None,
            MessageStatus::Unknown => plain(ErrorCode::OutcomeUnknown),
            MessageStatus::Canceled => plain(ErrorCode::CanceledByUser),
            MessageStatus::Scheduled
            | MessageStatus::Held
            | MessageStatus::Blocked
            | MessageStatus::Queued
            | MessageStatus::Assigned
            | MessageStatus::Submitting
            | MessageStatus::Undelivered
            | MessageStatus::PartiallyDelivered
            | MessageStatus::PartiallySent
            | MessageStatus::Expired
            | MessageStatus::Failed => self.error,
        }
    }

    /// Sets the time stamps that the new status reaches for the first time, and counts what they stand for.
    fn stamp(&mut self, now: UtcTime, before: Derived, turn: &mut Turn<'_>) {
        use MessageStatus as M;
        let status = self.derived.status;
        if status == M::Queued {
            self.queued_at = self.queued_at.or(Some(now));
        }
        if status == M::Submitting {
            self.submitted_at = self.submitted_at.or(Some(now));
        }
        if self.sent_at.is_none() && self.parts.iter().all(|part| part.state.is_accepted_like()) {
            self.sent_at = Some(now);
            turn.changes.happened(Tally::Sent, now);
        }
        if status == M::Delivered && before.status != M::Delivered {
            self.delivered_at = Some(now);
            turn.changes.happened(Tally::Delivered, now);
        }
        if self.derived.is_final && self.final_at.is_none() {
            self.final_at = Some(now);
            if is_bad(status) {
                turn.changes.happened(Tally::Failed, now);
            }
        }
    }

    fn write(&self, turn: &mut Turn<'_>, wakes_anew: bool) -> Result<(), OpError> {
        let count = |wanted: fn(PartState) -> bool| {
            let count = self.parts.iter().filter(|part| wanted(part.state)).count();
            u8::try_from(count).unwrap_or(u8::MAX)
        };
        let (code, network_code) = columns(self.error);
        let values = params![
            self.id.0.to_octets(),
            self.derived.status as i64,
            self.derived.is_final,
            self.derived.delivery as i64,
            self.held.map(|held| held as i64),
            millis(self.due_at),
            self.withdrawn,
            self.possible_copy,
            self.avoid.map(|sim| sim.0.to_octets()),
            self.attempts,
            code,
            network_code,
            count(PartState::is_accepted_like),
            count(|state| state == PartState::Delivered),
            millis(self.queued_at),
            millis(self.submitted_at),
            millis(self.sent_at),
            millis(self.delivered_at),
            millis(self.final_at),
            millis(self.wake_at),
            self.sim.map(|sim| sim.0.to_octets()),
        ];
        let (update, unused) = match (wakes_anew, self.sim != self.sim_on_disk) {
            (false, false) => (update_message!(""), 2),
            (true, false) => (update_message!(", wake_at = ?20"), 1),
            (false, true) => (update_message!(", sim = ?21"), 0),
            (true, true) => (update_message!(", wake_at = ?20, sim = ?21"), 0),
        };
        let used = values.len() - unused;
        turn.db
            .prepare_cached(update)?
            .execute(values.get(..used).unwrap_or(values))?;
        if self.remade {
            turn.db
                .prepare_cached("UPDATE messages SET valid_until = ?2, released_at = ?3, opens_at = ?4 WHERE id = ?1")?
                .execute(params![
                    self.id.0.to_octets(),
                    self.valid_until.as_millis(),
                    millis(self.released_at),
                    millis(self.opens_at)
                ])?;
            // Whom it goes to is known at least as long, also where the clock was set by decades.
            turn.db
                .prepare_cached("UPDATE numbers SET used_at = ?2 WHERE id = ?1 AND used_at < ?2")?
                .execute(params![self.number, self.valid_until.as_millis()])?;
        }
        for part in self.parts.iter().filter(|part| part.changed) {
            part.write(turn, self.id)?;
        }
        Ok(())
    }
}

impl PartLife {
    fn write(&self, turn: &Turn<'_>, message: MessageId) -> Result<(), OpError> {
        let (code, network_code) = columns(self.error);
        turn.db.prepare_cached(UPDATE_PART)?.execute(params![
            message.0.to_octets(),
            self.sequence,
            self.state as i64,
            self.attempts,
            self.possible_copy,
            self.sim.map(|sim| sim.0.to_octets()),
            self.tp_mr,
            code,
            network_code,
            millis(self.unknown_at),
            self.unknowns,
            millis(self.accepted_at),
            millis(self.reported_at),
            self.tp_st,
            millis(self.smsc_timestamp),
            millis(self.discharged_at),
        ])?;
        Ok(())
    }
}

/// It ended, and not as it should.
fn is_bad(status: MessageStatus) -> bool {
    use MessageStatus as M;
    match status {
        M::Undelivered | M::PartiallyDelivered | M::PartiallySent | M::Expired | M::Failed => true,
        M::Scheduled
        | M::Held
        | M::Blocked
        | M::Canceled
        | M::Queued
        | M::Assigned
        | M::Submitting
        | M::Sent
        | M::Delivered
        | M::Unknown => false,
    }
}

fn columns(error: Option<MessageError>) -> (Option<i64>, Option<u32>) {
    let network_code = error.and_then(|error| error.network_code);
    (
        error.map(|error| error.code as i64),
        network_code.map(|code| code.to_bits()),
    )
}
