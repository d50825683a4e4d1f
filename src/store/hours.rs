//! The hours a message keeps to. What waits is put off to their next opening whenever it is written, and they are asked again
//! where an attempt begins, so that no delay, restart or clock gets round them.

use std::time::Duration;

use rusqlite::params;
use wardwire_core::base::{MessageId, Now, Ulid, UtcTime};
use wardwire_core::queue::hours::{Hours, Openings, SEARCH};
use wardwire_core::queue::stale::{Silence, is_stale};
use wardwire_core::queue::state::PartState;

use super::life::{Life, PartLife};
use super::open::OpenError;
use super::routing;
use super::turn::{OpError, Turn};
use super::writer::Store;

/// Under this the digest of the hours stands that the messages on disk follow.
const KEY: &str = "hours";

/// A long text whose first part went goes on for so long after each: a phone shows it when it has all of it.
const GOES_ON: Duration = Duration::from_secs(30 * 60);

impl Store {
    /// From now on messages keep to these hours, those that wait for other ones too. How many of them were planned anew.
    ///
    /// # Errors
    /// When it could not be written; then nothing changed.
    pub fn keep_hours(&mut self, hours: Hours, now: Now) -> Result<u64, OpenError> {
        self.set_hours(hours);
        self.alone(now, follow)
    }
}

/// Plans what waits for its hours anew, when they are not those it waits for. The rest meets them when it is due.
fn follow(turn: &mut Turn<'_>) -> Result<u64, OpError> {
    if !routing::changed(turn, KEY, turn.hours, &Hours::default())? {
        return Ok(0);
    }
    let now = turn.now.utc;
    let waiting: Vec<MessageId> = turn
        .db
        .prepare("SELECT id FROM messages WHERE due_at IS NOT NULL AND opens_at > ?1")?
        .query_map(params![now.as_millis()], |row| {
            row.get(0).map(|id| MessageId(Ulid::from_octets(id)))
        })?
        .collect::<Result<_, _>>()?;
    let mut planned = 0;
    for id in waiting {
        if let Some(mut life) = Life::load(turn, id)? {
            life.due_at = Some(life.send_at.map_or(now, |send_at| send_at.max(now)));
            life.opens_at = None;
            life.remade = true;
            life.save(turn)?;
            planned += 1;
        }
    }
    Ok(planned)
}

impl Life {
    /// The hours it keeps to; none when it goes at any, or goes on with what it began.
    fn openings<'a>(&'a self, turn: &'a Turn<'_>) -> Option<Openings<'a>> {
        let openings = turn.hours.of(self.category, self.priority, self.window.as_ref())?;
        (!self.goes_on(turn.now.utc)).then_some(openings)
    }

    /// Whether a part of it is on its way, or went out, or may have, a little while ago.
    fn goes_on(&self, now: UtcTime) -> bool {
        let lately = |at: UtcTime| now.since(at) <= GOES_ON;
        let began = |part: &PartLife| {
            part.state == PartState::Submitting || part.accepted_at.max(part.unknown_at).is_some_and(lately)
        };
        self.parts.len() > 1 && self.parts.iter().any(began)
    }

    /// It may not go now. With a clock that was never set nobody knows.
    pub(super) fn is_out_of_hours(&self, turn: &Turn<'_>) -> bool {
        let now = turn.now.utc;
        let open = |openings: Openings<'_>| now.is_credible() && openings.is_open(now);
        !self.openings(turn).is_none_or(open)
    }

    /// Puts what of it waits off to when its hours open.
    pub(super) fn keep_hours(&mut self, turn: &Turn<'_>) {
        let waits = self.held.is_none() && self.waiting().next().is_some();
        let Some(due_at) = self.due_at.filter(|_| waits) else {
            return;
        };
        let from = due_at.max(turn.now.utc);
        let Some(openings) = self.openings(turn) else { return };
        // A clock that was never set shows no hours: they are looked at again when it is.
        let begin = from.max(UtcTime::CREDIBLE);
        let opens = openings.opens(begin).unwrap_or(begin + SEARCH);
        if opens > from {
            self.due_at = Some(opens);
            self.remade |= self.opens_at != Some(opens);
            self.opens_at = Some(opens);
        }
    }

    /// Whether it now waits for its hours.
    pub(super) fn is_put_off(&mut self, turn: &Turn<'_>) -> bool {
        self.keep_hours(turn);
        let later = |at: Option<UtcTime>| at.is_some_and(|at| at > turn.now.utc);
        later(self.opens_at) && later(self.due_at)
    }

    /// When its hours open, or, once they are open, when they close: then it is put off.
    pub(super) fn hours_change(&self, turn: &Turn<'_>) -> Option<UtcTime> {
        let now = turn.now.utc;
        let due_at = self.due_at?;
        let opens_at = self.opens_at.filter(|opens_at| *opens_at > now);
        opens_at.or_else(|| self.openings(turn)?.closes(due_at.max(now)))
    }

    /// Not before this, as far as is known.
    pub(super) fn scheduled_for(&self) -> Option<UtcTime> {
        self.send_at.max(self.opens_at)
    }

    /// An outage kept it until its hours were over, and it would be stale when they begin again: a person decides, as for what
    /// an outage alone made late.
    pub(super) fn missed_its_hours(&self, turn: &Turn<'_>) -> bool {
        let now = turn.now.utc;
        if self.due_at.is_none_or(|due_at| due_at > now) {
            return false;
        }
        let Some(openings) = self.openings(turn).filter(|openings| !openings.is_open(now)) else {
            return false;
        };
        let flow = turn.memory.flow;
        let silence = Silence::ended(flow.last, now).or(flow.silence);
        let opens = openings.opens(now).unwrap_or(now + SEARCH);
        let limit = turn.settings.stale_after;
        self.moment()
            .is_some_and(|moment| is_stale(moment, silence, limit, opens))
    }
}
