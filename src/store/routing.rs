//! Which way messages go and what share a service has, as the configuration says. What waits follows the routes of now: when they
//! changed since the last start, all of it is led anew before anything is given out.

use std::fmt::Debug;

use ring::digest::{SHA256, digest};
use rusqlite::{OptionalExtension, params};
use wardwire_core::base::{MessageId, Now, PhoneNumber, ServiceId};
use wardwire_core::queue::lane::{PoolId, Way};
use wardwire_core::queue::route::{self, Route};
use wardwire_core::queue::state::Category;

use super::code::Columns;
use super::lanes::{self, WayColumn};
use super::numbers::SealedNumber;
use super::open::OpenError;
use super::turn::{OpError, Turn};
use super::writer::Store;

/// Under this the digest of the routes stands that the messages on disk follow.
const KEY: &str = "routes";

/// Where messages go, and the shares of services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// In their order: the first that fits wins.
    pub routes: Vec<Route>,
    /// The pools there are, that of all apart: what waits for another is everybody's.
    pub pools: Vec<PoolId>,
    /// Weights of services by name; 1 for those not named.
    pub weights: Vec<(String, u32)>,
}

impl Store {
    /// From now on messages go these ways, those that wait too. How many of them were led elsewhere.
    ///
    /// # Errors
    /// When it could not be written; then nothing changed.
    pub fn route(&mut self, routing: Routing, now: Now) -> Result<u64, OpenError> {
        self.set_routing(routing);
        self.alone(now, follow)
    }
}

/// Names of services, by id.
pub(super) fn services(turn: &mut Turn<'_>) -> Result<(), OpError> {
    turn.memory.services = turn
        .db
        .prepare("SELECT id, name FROM services")?
        .query_map([], |row| {
            let mut c = Columns::new(row);
            Ok((ServiceId(c.ulid()?), c.get()?))
        })?
        .collect::<Result<_, _>>()?;
    Ok(())
}

impl Turn<'_> {
    /// The way of a message that no SIM is named for.
    pub(super) fn way(&self, recipient: &PhoneNumber, service: ServiceId, category: Option<Category>) -> Way {
        let name = self.memory.services.get(&service).map_or("", String::as_str);
        route::way(&self.routing.routes, recipient, name, category)
    }

    /// The share of a service.
    pub(super) fn weight(&self, service: ServiceId) -> u32 {
        let name = self.memory.services.get(&service);
        let named = self.routing.weights.iter().find(|(of, _)| Some(of) == name);
        named.map_or(1, |(_, weight)| *weight)
    }
}

/// Leads what waits by the routes of now, when they are not those it followed.
fn follow(turn: &mut Turn<'_>) -> Result<u64, OpError> {
    if !changed(turn, KEY, &turn.routing.routes, &Vec::new())? {
        return Ok(0);
    }
    let led = lead(turn)?;
    turn.memory.lanes = lanes::find(turn.db)?;
    Ok(led)
}

/// Whether this was otherwise at the last start (`first` before there was any); notes how it is now.
pub(super) fn changed<T: Debug>(turn: &Turn<'_>, key: &str, now: &T, first: &T) -> Result<bool, OpError> {
    let sum = |value: &T| digest(&SHA256, format!("{value:?}").as_bytes());
    let wanted = sum(now);
    let kept: Option<Vec<u8>> = turn
        .db
        .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
        .optional()?;
    if kept.as_deref().unwrap_or(sum(first).as_ref()) == wanted.as_ref() {
        return Ok(false);
    }
    turn.db.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        params![key, wanted.as_ref()],
    )?;
    Ok(true)
}

/// Leads everything that may be sent yet: all of it waits for some time to come.
fn lead(turn: &Turn<'_>) -> Result<u64, OpError> {
    let mut select = turn.db.prepare(
        "SELECT m.id, m.service, m.category, m.way, n.hash, n.data_key, n.number
         FROM messages m CROSS JOIN numbers n ON n.id = m.number WHERE m.wake_at IS NOT NULL AND m.pinned = 0",
    )?;
    let mut update = turn.db.prepare("UPDATE messages SET way = ?2 WHERE id = ?1")?;
    let mut rows = select.query([])?;
    let mut led = 0;
    while let Some(row) = rows.next()? {
        let mut c = Columns::new(row);
        let (id, service) = (MessageId(c.ulid()?), ServiceId(c.ulid()?));
        let category = c.one_of_or_none(&Category::ALL)?;
        let before = c.get::<WayColumn>()?.0;
        let sealed = SealedNumber {
            hash: c.get()?,
            data_key: c.get()?,
            number: c.get()?,
        };
        let way = match recipient(turn, &sealed) {
            Some(number) => turn.way(&number, service, category),
            None => before,
        };
        if way != before {
            update.execute(params![id.0.to_octets(), WayColumn(way)])?;
            led += 1;
        }
    }
    Ok(led)
}

/// None when the person was erased, or the row does not open: nothing of it is sent then.
fn recipient(turn: &Turn<'_>, sealed: &SealedNumber) -> Option<PhoneNumber> {
    let key = sealed.key(turn.keys).ok()??;
    let number = sealed.open(&key).ok()??;
    PhoneNumber::from_e164(number.reveal()).ok()
}
