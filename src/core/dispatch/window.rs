//! The active window: the bounded set of due messages the gateway holds, lane by lane, and the order in which they should go. A free
//! SIM asks it for the next part (pull); between two parts the choice is made anew, so an emergency overtakes there. It is not
//! the queue: that is on disk, and its lanes are as long as they are.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use super::prefer::{Zone, Zones};
use super::share::{Shares, Turns};
use super::taker::Taker;
use crate::base::{Instant, MessageId, Now, PhoneNumber, ServiceId, SimId, Ulid, UtcDay, UtcTime};
use crate::queue::lane::{Lane, Way};
use crate::queue::state::Priority;
use crate::queue::verbs::{DueMessage, DuePart};

/// How long a message with parts already out waits for the SIM that sent them before another may send the rest.
const SIM_PATIENCE: Duration = Duration::from_secs(600);
/// After this long in the window a message is not passed over any more for one that suits the SIM better.
const PREFERENCE_PATIENCE: Duration = Duration::from_secs(30);
/// Percent of the parts that what is not urgent gets while high ones never end.
const REST_SHARE: u8 = 2;
/// Percent of the parts that bulk gets while normal ones wait, unless the site says otherwise.
pub const BULK_SHARE: u8 = 10;
/// Books of lanes that are empty now are looked through when there are so many.
const BOOKS: usize = 512;

/// Every urgency, the most urgent first.
pub(crate) const PRIORITIES: [Priority; 4] = [Priority::Emergency, Priority::High, Priority::Normal, Priority::Bulk];

/// Order inside a lane: age, then id.
type Key = (UtcTime, MessageId);

#[derive(Debug)]
struct Entry {
    message: DueMessage,
    since: Instant,
    zone: Zone,
    /// A part of it is being submitted, or its last result is being settled.
    taken: bool,
}

impl Entry {
    /// Bulk that has waited for half of its time counts as normal.
    fn class(&self, now: UtcTime) -> Priority {
        let message = &self.message;
        let waited = now.since(message.due_at);
        match message.lane.priority {
            Priority::Bulk if waited >= message.valid_until.since(message.due_at) / 2 => Priority::Normal,
            own @ (Priority::Emergency | Priority::High | Priority::Normal | Priority::Bulk) => own,
        }
    }
}

/// What the window holds of a lane.
#[derive(Debug, Default)]
struct Queue {
    entries: BTreeMap<Key, Entry>,
    /// The store may have more of it.
    more: bool,
    weight: u32,
}

/// How well a message suits a SIM, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suits {
    /// Its recipient knows another SIM.
    Less,
    /// Its recipient knows none.
    Fairly,
    /// Its recipient knows this SIM, or it has waited long enough for one.
    Well,
}

impl Suits {
    fn of(message: &DueMessage, sim: SimId, waited: Duration) -> Self {
        match message.prefer {
            Some(known) if known == sim => Self::Well,
            Some(_) | None if waited >= PREFERENCE_PATIENCE => Self::Well,
            Some(_) => Self::Less,
            None => Self::Fairly,
        }
    }
}

/// Due messages in sending order. Its owner bounds it: it never takes more than it asked the store for.
#[derive(Debug)]
pub struct Window {
    lanes: BTreeMap<Lane, Queue>,
    keys: BTreeMap<MessageId, (Lane, UtcTime)>,
    /// Messages whose earlier parts went through a SIM.
    begun: BTreeSet<(SimId, MessageId)>,
    shares: Shares,
    /// Of all that is not urgent, beside high ones.
    rest: Turns,
    /// Of bulk, beside normal ones.
    bulk: Turns,
    /// Counts the changes of what it offers.
    revision: u64,
    zones: Zones,
}

impl Default for Window {
    fn default() -> Self {
        Self::new(BULK_SHARE)
    }
}

/// A part picked for a SIM.
#[derive(Clone, Debug)]
pub struct Picked {
    /// The message, with the part in question taken off its front.
    pub message: MessageId,
    /// The part.
    pub part: DuePart,
}

impl Window {
    /// An empty one. While normal ones wait, `bulk_share` percent of what normal and bulk send together is bulk; when none
    /// wait, bulk has all of it.
    #[must_use]
    pub fn new(bulk_share: u8) -> Self {
        Self {
            lanes: BTreeMap::new(),
            keys: BTreeMap::new(),
            begun: BTreeSet::new(),
            shares: Shares::default(),
            rest: Turns::new(REST_SHARE),
            bulk: Turns::new(bulk_share),
            revision: 0,
            zones: Zones::default(),
        }
    }

    /// The same, where the rules of the site tell these zones apart.
    #[must_use]
    pub fn with_zones(self, zones: Zones) -> Self {
        Self { zones, ..self }
    }

    /// Another number after every change of what it offers: who found nothing in it finds nothing while this stays, but for what time
    /// brings.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Messages held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// True when it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether it holds anything that nobody works on yet.
    #[must_use]
    pub fn offers(&self) -> bool {
        let mut entries = self.lanes.values().flat_map(|queue| queue.entries.values());
        entries.any(|entry| !entry.taken)
    }

    /// The message with this id.
    #[must_use]
    pub fn message(&self, id: MessageId) -> Option<&DueMessage> {
        self.entry(id).map(|entry| &entry.message)
    }

    /// Whether a lane that may have more holds no more than half of `depth`.
    #[must_use]
    pub fn is_low(&self, depth: usize) -> bool {
        let low = |queue: &Queue| queue.more && queue.entries.len() <= depth / 2;
        self.lanes.values().any(low)
    }

    /// From now on these lanes have more in the store, and no others.
    pub fn set_more(&mut self, lanes: &[Lane]) {
        for queue in self.lanes.values_mut() {
            queue.more = false;
        }
        for lane in lanes {
            self.lanes.entry(*lane).or_default().more = true;
        }
        let empty = |queue: &Queue| queue.entries.is_empty() && !queue.more;
        let gone: Vec<Lane> = self
            .lanes
            .iter()
            .filter(|(_, q)| empty(q))
            .map(|(lane, _)| *lane)
            .collect();
        for lane in gone {
            self.lanes.remove(&lane);
            self.shares.sleep(lane);
        }
    }

    /// Adds a message the store gave out. One without parts, or known already, is ignored.
    pub fn insert(&mut self, now: Instant, mut message: DueMessage) {
        self.revision += 1;
        let (lane, due_at, id) = (message.lane, message.due_at, message.id);
        if message.parts.is_empty() || self.keys.contains_key(&id) {
            return;
        }
        // It would wait for the very SIM that it should not take.
        if message.sim == message.avoid {
            message.sim = None;
        }
        if let Some(sim) = message.sim {
            self.begun.insert((sim, id));
        }
        self.keys.insert(id, (lane, due_at));
        let queue = self.lanes.entry(lane).or_default();
        if queue.entries.is_empty() && !queue.more {
            self.shares.wake(lane);
        }
        queue.weight = message.weight;
        let entry = Entry {
            zone: self.zones.of(&message.recipient),
            message,
            since: now,
            taken: false,
        };
        queue.entries.insert((due_at, id), entry);
    }

    /// Picks the next part for a SIM: emergencies first, then high ones, then normal ones, then bulk, each less urgent with its
    /// share of the turns (see [`Window::new`]); of one urgency a message begun on this SIM, then the way it served longest
    /// ago, then the service that has had least for its weight, then a recipient who knows this SIM, then one who knows
    /// none, then one whom no other SIM serves better by the rules of the site, then the oldest. `allowed` says which urgency the SIM may send now.
    /// The message stays in the window, marked as taken, until [`Window::done`], [`Window::put_back`] or
    /// [`Window::forget`].
    pub fn pick(&mut self, now: Now, taker: &Taker<'_>, allowed: impl Fn(Priority) -> bool) -> Option<Picked> {
        let find = |class| allowed(class).then(|| self.find(now, taker, class)).flatten();
        let chosen = match (find(Priority::Emergency), find(Priority::High)) {
            (Some(emergency), _) => Some(emergency),
            (None, high) => {
                let (normal, bulk) = (find(Priority::Normal), find(Priority::Bulk));
                let rest = normal.or(bulk);
                if let Some(high) = high
                    && !(rest.is_some() && self.rest.less_urgent())
                {
                    Some(high)
                } else if normal.is_some() && bulk.is_some() && self.bulk.less_urgent() {
                    bulk
                } else {
                    rest
                }
            }
        };
        let (id, books) = chosen?;
        let (lane, due_at) = self.keys.get(&id)?;
        let queue = self.lanes.get_mut(lane)?;
        let weight = queue.weight;
        let entry = queue.entries.get_mut(&(*due_at, id))?;
        if entry.message.parts.is_empty() {
            return None;
        }
        entry.taken = true;
        self.revision += 1;
        if let Some(before) = entry.message.sim.replace(taker.sim) {
            self.begun.remove(&(before, id));
        }
        self.begun.insert((taker.sim, id));
        let part = entry.message.parts.remove(0);
        self.shares.charge(taker.sim, books, weight);
        if self.shares.len() > BOOKS.max(2 * self.lanes.len()) {
            self.shares.tidy(|lane| self.lanes.contains_key(lane));
        }
        Some(Picked { message: id, part })
    }

    /// How urgent what waits for this SIM is, each urgency once, whether or not the SIM may send it now. Asked at every turn of
    /// every SIM that its pace holds back: it looks at one message of a lane where that will do.
    pub fn wanted(&self, now: Now, taker: &Taker<'_>) -> impl Iterator<Item = Priority> {
        PRIORITIES.into_iter().filter(move |class| {
            let ways = taker.ways.iter().filter(|way| taker.serves(**way, *class));
            let mut queues = ways.flat_map(|way| self.of_way(*class, *way));
            queues.any(|(_, queue)| queue.entries.values().any(|entry| fits(entry, now.monotonic, taker)))
        })
    }

    /// The message of this urgency that this SIM should take, and the lane whose share it costs.
    fn find(&self, now: Now, taker: &Taker<'_>, class: Priority) -> Option<(MessageId, Lane)> {
        // Aged bulk stands beside the normal ones.
        let own: &[Priority] = match class {
            Priority::Normal => &[Priority::Normal, Priority::Bulk],
            Priority::Emergency => &[Priority::Emergency],
            Priority::High => &[Priority::High],
            Priority::Bulk => &[Priority::Bulk],
        };
        // Asked at every turn of every free SIM, and most urgencies are empty most of the time.
        if !own.iter().any(|priority| self.holds(*priority)) {
            return None;
        }
        if let Some(found) = self.find_begun(now, taker, class) {
            return Some(found);
        }
        if taker.rests && class != Priority::Emergency {
            return None;
        }
        let books = |lane: Lane| Lane {
            priority: class,
            ..lane
        };
        let mut lanes: Vec<(u64, u64, Lane)> = Vec::new();
        for way in taker.ways.iter().filter(|way| taker.serves(**way, class)) {
            let served = self.shares.last_served(taker.sim, *way);
            for (lane, _) in own.iter().flat_map(|priority| self.of_way(*priority, *way)) {
                lanes.push((served, self.shares.start(books(*lane)), *lane));
            }
        }
        lanes.sort_unstable();
        lanes.into_iter().find_map(|(_, _, lane)| {
            let queue = self.lanes.get(&lane)?;
            let id = best(queue, now, taker, class, |entry| {
                lane.priority == class || entry.class(now.utc) == class
            })?;
            Some((id, books(lane)))
        })
    }

    fn find_begun(&self, now: Now, taker: &Taker<'_>, class: Priority) -> Option<(MessageId, Lane)> {
        let (least, most) = (MessageId(Ulid::from_bits(0)), MessageId(Ulid::from_bits(u128::MAX)));
        let begun = self.begun.range((taker.sim, least)..=(taker.sim, most));
        let entries = begun.filter_map(|(_, id)| self.entry(*id));
        let fits = |entry: &&Entry| {
            let lane = entry.message.lane;
            let of_class = lane.priority == class || entry.class(now.utc) == class;
            !entry.taken && of_class && taker.serves(lane.way, class) && !taker.is_one_too_many(&entry.message)
        };
        let oldest = entries
            .filter(fits)
            .min_by_key(|entry| (entry.message.due_at, entry.message.id))?;
        let lane = Lane {
            priority: class,
            ..oldest.message.lane
        };
        Some((oldest.message.id, lane))
    }

    /// Whether any lane has this priority.
    fn holds(&self, priority: Priority) -> bool {
        let first = Lane {
            priority,
            way: Way::Any,
            service: ServiceId(Ulid::from_bits(0)),
        };
        let next = self.lanes.range(first..).next();
        next.is_some_and(|(lane, _)| lane.priority == priority)
    }

    fn of_way(&self, priority: Priority, way: Way) -> impl Iterator<Item = (&Lane, &Queue)> {
        let lane = |bits| Lane {
            priority,
            way,
            service: ServiceId(Ulid::from_bits(bits)),
        };
        self.lanes.range(lane(0)..=lane(u128::MAX))
    }

    /// The part picked last was accepted: the message may go on with its next part, or leaves when it was the last.
    pub fn done(&mut self, id: MessageId) {
        self.revision += 1;
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        entry.taken = false;
        if entry.message.parts.is_empty() {
            self.forget(id);
        }
    }

    /// The part picked last did not go out: it is the message's next part again.
    pub fn put_back(&mut self, id: MessageId, part: DuePart) {
        self.revision += 1;
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let bound = if part.sequence == 1 {
            entry.message.sim.take()
        } else {
            None
        };
        entry.message.parts.insert(0, part);
        entry.taken = false;
        if let Some(sim) = bound {
            self.begun.remove(&(sim, id));
        }
    }

    /// Nobody waits any longer for this SIM.
    pub fn leave(&mut self, sim: SimId) {
        self.revision += 1;
        let bound: Vec<MessageId> = self.begun.iter().filter(|of| of.0 == sim).map(|of| of.1).collect();
        for id in bound {
            if let Some(entry) = self.entry_mut(id).filter(|entry| !entry.taken) {
                entry.message.sim = None;
                self.begun.remove(&(sim, id));
            }
        }
    }

    /// A SIM wrote to this recipient on that day: others for him are no new person to it.
    pub fn met(&mut self, recipient: &PhoneNumber, sim: SimId, day: UtcDay) {
        self.revision += 1;
        let entries = self.lanes.values_mut().flat_map(|queue| queue.entries.values_mut());
        for entry in entries.filter(|entry| entry.message.recipient == *recipient) {
            entry.message.counted.retain(|(known, _)| *known != sim);
            entry.message.counted.push((sim, day));
        }
    }

    /// Takes what nobody works on and nobody may send out of lanes that are full and have more, so that others come in.
    pub fn set_aside(&mut self, depth: usize, may: impl Fn(&DueMessage) -> bool) -> Vec<MessageId> {
        let full = |queue: &&Queue| queue.more && queue.entries.len() > depth / 2;
        let entries = self
            .lanes
            .values()
            .filter(full)
            .flat_map(|queue| queue.entries.values());
        let barred: Vec<MessageId> = entries
            .filter(|entry| !entry.taken && !may(&entry.message))
            .map(|entry| entry.message.id)
            .collect();
        for id in &barred {
            self.forget(*id);
        }
        barred
    }

    /// Takes a message out for good.
    pub fn forget(&mut self, id: MessageId) {
        self.revision += 1;
        let Some((lane, due_at)) = self.keys.remove(&id) else {
            return;
        };
        let Some(queue) = self.lanes.get_mut(&lane) else { return };
        if let Some(sim) = queue.entries.remove(&(due_at, id)).and_then(|entry| entry.message.sim) {
            self.begun.remove(&(sim, id));
        }
        if queue.entries.is_empty() && !queue.more {
            self.lanes.remove(&lane);
            self.shares.sleep(lane);
        }
    }

    /// Takes everything out that nobody works on.
    pub fn clear(&mut self) -> Vec<MessageId> {
        let entries = self.lanes.values().flat_map(|queue| queue.entries.values());
        let idle: Vec<MessageId> = entries
            .filter(|entry| !entry.taken)
            .map(|entry| entry.message.id)
            .collect();
        for id in &idle {
            self.forget(*id);
        }
        idle
    }

    fn entry(&self, id: MessageId) -> Option<&Entry> {
        let (lane, due_at) = self.keys.get(&id)?;
        self.lanes.get(lane)?.entries.get(&(*due_at, id))
    }

    fn entry_mut(&mut self, id: MessageId) -> Option<&mut Entry> {
        let (lane, due_at) = self.keys.get(&id)?;
        self.lanes.get_mut(lane)?.entries.get_mut(&(*due_at, id))
    }
}

/// Whether this SIM may take a message now.
fn fits(entry: &Entry, now: Instant, taker: &Taker<'_>) -> bool {
    let message = &entry.message;
    let waits_for_its_sim = match message.sim {
        Some(own) => own != taker.sim && now.since(entry.since) < SIM_PATIENCE,
        None => false,
    };
    let better_elsewhere = taker.others && message.avoid == Some(taker.sim);
    let known_to_a_free_one = message
        .prefer
        .is_some_and(|sim| sim != taker.sim && taker.free.contains(&sim));
    let waits = waits_for_its_sim || better_elsewhere || known_to_a_free_one;
    !entry.taken && !waits && !taker.is_one_too_many(message)
}

/// Whether another SIM that is free now could take a message too, and serves it better by the rules of the site.
fn is_better_elsewhere(entry: &Entry, now: Instant, taker: &Taker<'_>, class: Priority) -> bool {
    // Asked of each message that is looked at: without rules it costs one comparison.
    if taker.leaning.rivals.is_empty() {
        return false;
    }
    let message = &entry.message;
    let own = [message.prefer, message.sim].contains(&Some(taker.sim));
    let mut better = taker.leaning.better(entry.zone);
    !own && better.any(|rival| {
        let taker = rival.as_taker();
        let may = rival.allowed.contains(&class) && (!taker.rests || class == Priority::Emergency);
        may && taker.serves(message.lane.way, class) && fits(entry, now, &taker)
    })
}

/// The message of a lane that suits the SIM best, the oldest of equals.
fn best(
    queue: &Queue,
    now: Now,
    taker: &Taker<'_>,
    class: Priority,
    of_class: impl Fn(&Entry) -> bool,
) -> Option<MessageId> {
    let mut chosen: Option<(MessageId, (Suits, bool))> = None;
    let entries = queue.entries.values().filter(|entry| fits(entry, now.monotonic, taker));
    let entries = entries.filter(|entry| of_class(entry) && !is_better_elsewhere(entry, now.monotonic, taker, class));
    for entry in entries {
        let suits = Suits::of(&entry.message, taker.sim, now.monotonic.since(entry.since));
        let both = (suits, taker.leaning.is_best(entry.zone));
        if chosen.is_none_or(|(_, best)| both > best) {
            chosen = Some((entry.message.id, both));
        }
        if suits == Suits::Well {
            break;
        }
    }
    chosen.map(|(id, _)| id)
}

#[cfg(test)]
mod tests;
