//! The active window: the bounded set of due messages the gateway holds, in the order in which they should go. A free SIM
//! asks it for the next part (pull); between two parts the choice is made anew, so an emergency overtakes there.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use crate::base::{Instant, MessageId, SimId, UtcTime};
use crate::queue::state::Priority;
use crate::queue::verbs::{DueMessage, DuePart};

/// How long a message with parts already out waits for the SIM that sent them before another may send the rest.
const SIM_PATIENCE: Duration = Duration::from_secs(600);
/// After this long in the window a message is not passed over any more for one that suits the SIM better.
const PREFERENCE_PATIENCE: Duration = Duration::from_secs(30);

/// Order of sending: lane, then age, then id.
type Key = (Priority, UtcTime, MessageId);

#[derive(Debug)]
struct Entry {
    message: DueMessage,
    since: Instant,
    /// A part of it is being submitted, or its last result is being settled.
    taken: bool,
}

/// How well a message suits a SIM, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suits {
    /// Its recipient knows another SIM.
    KnowsAnother,
    /// Its recipient knows none.
    KnowsNone,
    /// Its recipient knows this SIM, or it has waited long enough for one.
    KnowsThis,
    /// A part of it went through this SIM.
    BegunHere,
}

impl Suits {
    fn of(message: &DueMessage, sim: SimId, waited: Duration) -> Self {
        if message.sim == Some(sim) {
            return Self::BegunHere;
        }
        match message.prefer {
            Some(known) if known == sim => Self::KnowsThis,
            Some(_) | None if waited >= PREFERENCE_PATIENCE => Self::KnowsThis,
            Some(_) => Self::KnowsAnother,
            None => Self::KnowsNone,
        }
    }
}

/// Due messages in sending order. Its owner bounds it: it never takes more than it asked the store for.
#[derive(Debug, Default)]
pub struct Window {
    entries: BTreeMap<Key, Entry>,
    keys: BTreeMap<MessageId, Key>,
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
    /// Messages held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The message with this id.
    #[must_use]
    pub fn message(&self, id: MessageId) -> Option<&DueMessage> {
        self.entries.get(self.keys.get(&id)?).map(|entry| &entry.message)
    }

    /// Adds a message the store gave out. One without parts, or known already, is ignored.
    pub fn insert(&mut self, now: Instant, mut message: DueMessage) {
        let key = (message.priority, message.due_at, message.id);
        if message.parts.is_empty() || self.keys.contains_key(&message.id) {
            return;
        }
        // It would wait for the very SIM that it should not take.
        if message.sim == message.avoid {
            message.sim = None;
        }
        self.keys.insert(message.id, key);
        self.entries.insert(
            key,
            Entry {
                message,
                since: now,
                taken: false,
            },
        );
    }

    /// Picks the next part for `sim`: the most urgent lane first; within it a message already begun on this SIM, then one
    /// whose recipient knows this SIM, then one whose recipient knows none, then the oldest. `others` says whether other SIMs are ready, and so whether a message may wait for one it prefers.
    /// The message stays in the window, marked as taken, until [`Window::done`], [`Window::put_back`] or
    /// [`Window::forget`].
    pub fn pick(
        &mut self,
        now: Instant,
        sim: SimId,
        others: bool,
        allowed: impl Fn(Priority) -> bool,
    ) -> Option<Picked> {
        let fits = |entry: &Entry| {
            let waits_for_its_sim = match entry.message.sim {
                Some(own) => own != sim && now.since(entry.since) < SIM_PATIENCE,
                None => false,
            };
            let better_elsewhere = others && entry.message.avoid == Some(sim);
            !entry.taken && !waits_for_its_sim && !better_elsewhere
        };
        let mut chosen: Option<(Key, Suits)> = None;
        for (key, entry) in self.entries.iter().filter(|(_, entry)| fits(entry)) {
            let suits = Suits::of(&entry.message, sim, now.since(entry.since));
            match chosen {
                None if allowed(key.0) => chosen = Some((*key, suits)),
                // Lanes come in order of urgency: once one is allowed, a later lane is never better.
                Some((first, _)) if first.0 != key.0 => break,
                Some((_, best)) if suits > best => chosen = Some((*key, suits)),
                None | Some(_) => {}
            }
            if chosen.is_some_and(|(_, best)| best == Suits::BegunHere) {
                break;
            }
        }
        let entry = self.entries.get_mut(&chosen?.0)?;
        if entry.message.parts.is_empty() {
            return None;
        }
        entry.taken = true;
        entry.message.sim = Some(sim);
        Some(Picked {
            message: entry.message.id,
            part: entry.message.parts.remove(0),
        })
    }

    /// The part picked last was accepted: the message may go on with its next part, or leaves when it was the last.
    pub fn done(&mut self, id: MessageId) {
        let Some(entry) = self.keys.get(&id).and_then(|key| self.entries.get_mut(key)) else {
            return;
        };
        entry.taken = false;
        if entry.message.parts.is_empty() {
            self.forget(id);
        }
    }

    /// The part picked last did not go out: it is the message's next part again.
    pub fn put_back(&mut self, id: MessageId, part: DuePart) {
        let Some(entry) = self.keys.get(&id).and_then(|key| self.entries.get_mut(key)) else {
            return;
        };
        if part.sequence == 1 {
            entry.message.sim = None;
        }
        entry.message.parts.insert(0, part);
        entry.taken = false;
    }

    /// Nobody waits any longer for this SIM.
    pub fn leave(&mut self, sim: SimId) {
        for entry in self.entries.values_mut().filter(|entry| !entry.taken) {
            entry.message.sim.take_if(|own| *own == sim);
        }
    }

    /// Takes a message out for good.
    pub fn forget(&mut self, id: MessageId) {
        if let Some(key) = self.keys.remove(&id) {
            self.entries.remove(&key);
        }
    }

    /// Takes the `count` least urgent messages that nobody works on out of the window, to make room for more urgent ones.
    pub fn shed(&mut self, count: usize) -> Vec<MessageId> {
        let idle = self.entries.values().rev().filter(|entry| !entry.taken);
        let shed: Vec<MessageId> = idle.take(count).map(|entry| entry.message.id).collect();
        for id in &shed {
            self.forget(*id);
        }
        shed
    }

    /// The least urgent lane in which a message waits for a SIM.
    #[must_use]
    pub fn least_urgent(&self) -> Option<Priority> {
        let mut least_first = self.entries.iter().rev();
        least_first.find(|(_, entry)| !entry.taken).map(|(key, _)| key.0)
    }

    /// The most urgent lane in which a message waits for a SIM.
    #[must_use]
    pub fn most_urgent(&self) -> Option<Priority> {
        self.entries
            .iter()
            .find(|(_, entry)| !entry.taken)
            .map(|(key, _)| key.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{PartId, PhoneNumber, Ulid};
    use crate::sms::EncodedPart;
    use std::vec;

    const SIM_A: SimId = SimId(Ulid::from_bits(1));
    const SIM_B: SimId = SimId(Ulid::from_bits(2));

    fn message(id: u128, priority: Priority, due: i64, parts: u8) -> DueMessage {
        let content = EncodedPart {
            dcs: 0,
            udhi: false,
            udl: 0,
            user_data: heapless::Vec::new(),
        };
        DueMessage {
            id: MessageId(Ulid::from_bits(id)),
            priority,
            due_at: UtcTime::from_millis(due),
            valid_until: UtcTime::from_millis(i64::MAX),
            recipient: PhoneNumber::from_e164("+353871234567").unwrap(),
            sim: None,
            avoid: None,
            prefer: None,
            delivery_report: true,
            parts: (1..=parts)
                .map(|sequence| DuePart {
                    id: PartId(Ulid::from_bits(id * 100 + u128::from(sequence))),
                    sequence,
                    attempts: 0,
                    content: content.clone(),
                })
                .collect(),
        }
    }

    fn window(messages: Vec<DueMessage>) -> Window {
        let mut window = Window::default();
        for message in messages {
            window.insert(Instant::ZERO, message);
        }
        window
    }

    fn next(window: &mut Window, sim: SimId) -> Option<(u128, u8)> {
        let picked = window.pick(Instant::ZERO, sim, true, |_| true)?;
        Some((picked.message.0.bits(), picked.part.sequence))
    }

    #[test]
    fn lanes_first_then_age() {
        let mut w = window(vec![
            message(1, Priority::Normal, 10, 1),
            message(2, Priority::Normal, 5, 1),
            message(3, Priority::Emergency, 99, 1),
            message(4, Priority::Bulk, 0, 1),
        ]);
        let order: Vec<_> = std::iter::from_fn(|| next(&mut w, SIM_A)).map(|(id, _)| id).collect();
        assert_eq!(order, [3, 2, 1, 4]);
    }

    #[test]
    fn an_emergency_goes_between_two_parts_and_the_rest_follows_on_its_sim() {
        let mut w = window(vec![
            message(1, Priority::Normal, 1, 3),
            message(2, Priority::Normal, 0, 1),
        ]);
        w.forget(MessageId(Ulid::from_bits(2)));
        assert_eq!(next(&mut w, SIM_A), Some((1, 1)));
        w.insert(Instant::ZERO, message(3, Priority::Emergency, 9, 1));
        w.insert(Instant::ZERO, message(4, Priority::Normal, 0, 1));
        w.done(MessageId(Ulid::from_bits(1)));
        assert_eq!(next(&mut w, SIM_A), Some((3, 1)), "emergency first");
        assert_eq!(
            next(&mut w, SIM_B),
            Some((4, 1)),
            "another SIM leaves the begun message alone"
        );
        assert_eq!(next(&mut w, SIM_A), Some((1, 2)), "the begun message before older ones");
    }

    #[test]
    fn a_taken_message_is_not_picked_twice_and_leaves_after_its_last_part() {
        let mut w = window(vec![message(1, Priority::Normal, 1, 2)]);
        assert_eq!(next(&mut w, SIM_A), Some((1, 1)));
        assert_eq!(next(&mut w, SIM_A), None);
        w.done(MessageId(Ulid::from_bits(1)));
        assert_eq!(next(&mut w, SIM_A), Some((1, 2)));
        w.done(MessageId(Ulid::from_bits(1)));
        assert!(w.is_empty());
    }

    #[test]
    fn a_part_put_back_is_next_again_and_free_when_it_was_the_first() {
        let mut w = window(vec![message(1, Priority::Normal, 1, 2)]);
        let picked = w.pick(Instant::ZERO, SIM_A, true, |_| true).unwrap();
        w.put_back(picked.message, picked.part);
        assert_eq!(next(&mut w, SIM_B), Some((1, 1)));
    }

    #[test]
    fn a_begun_message_waits_for_its_sim_but_not_for_ever() {
        let mut begun = message(1, Priority::Normal, 1, 2);
        begun.sim = Some(SIM_A);
        let mut w = window(vec![begun]);
        assert!(
            w.pick(Instant::ZERO + SIM_PATIENCE / 2, SIM_B, true, |_| true)
                .is_none()
        );
        assert!(w.pick(Instant::ZERO + SIM_PATIENCE, SIM_B, true, |_| true).is_some());
    }

    #[test]
    fn nobody_waits_for_a_sim_that_is_left() {
        let mut begun = message(1, Priority::Normal, 1, 2);
        begun.sim = Some(SIM_A);
        let mut w = window(vec![begun]);
        assert_eq!(next(&mut w, SIM_B), None);
        w.leave(SIM_A);
        assert_eq!(next(&mut w, SIM_B), Some((1, 1)));
    }

    #[test]
    fn a_sim_that_refused_is_avoided_while_there_is_another() {
        let mut refused = message(1, Priority::Normal, 1, 1);
        refused.avoid = Some(SIM_A);
        let mut w = window(vec![refused]);
        assert!(w.pick(Instant::ZERO, SIM_A, true, |_| true).is_none());
        assert!(w.pick(Instant::ZERO, SIM_A, false, |_| true).is_some());
    }

    #[test]
    fn a_message_refused_by_its_own_sim_goes_by_another_at_once() {
        let mut refused = message(1, Priority::Normal, 1, 1);
        refused.sim = Some(SIM_A);
        refused.avoid = Some(SIM_A);
        let mut w = window(vec![refused]);
        assert!(w.pick(Instant::ZERO, SIM_A, true, |_| true).is_none());
        assert!(w.pick(Instant::ZERO, SIM_B, true, |_| true).is_some());
    }

    #[test]
    fn a_lane_the_budget_closes_is_passed_over() {
        let mut w = window(vec![
            message(1, Priority::Emergency, 1, 1),
            message(2, Priority::Normal, 1, 1),
        ]);
        let only_emergency = |lane: Priority| lane == Priority::Emergency;
        assert!(w.pick(Instant::ZERO, SIM_A, true, only_emergency).is_some());
        assert!(w.pick(Instant::ZERO, SIM_A, true, only_emergency).is_none());
    }

    #[test]
    fn shedding_takes_the_least_urgent_that_nobody_works_on() {
        let mut w = window(vec![
            message(1, Priority::Normal, 1, 1),
            message(2, Priority::Bulk, 1, 1),
            message(3, Priority::Bulk, 2, 1),
        ]);
        let shed: Vec<_> = w.shed(1).iter().map(|id| id.0.bits()).collect();
        assert_eq!(shed, [3]);
        assert_eq!(w.len(), 2);
        assert_eq!(w.most_urgent(), Some(Priority::Normal));
        assert_eq!(w.least_urgent(), Some(Priority::Bulk));
    }

    #[test]
    fn a_recipient_keeps_the_sim_it_knows_as_long_as_nothing_waits_for_that() {
        let knowing = |id, sim| DueMessage {
            prefer: sim,
            ..message(id, Priority::Normal, i64::try_from(id).unwrap(), 1)
        };
        let bank = || window(vec![knowing(1, Some(SIM_B)), knowing(2, None), knowing(3, Some(SIM_A))]);
        let order = |sim| {
            let mut w = bank();
            std::iter::from_fn(|| next(&mut w, sim))
                .map(|(id, _)| id)
                .collect::<Vec<_>>()
        };
        assert_eq!(order(SIM_A), [3, 2, 1], "a free SIM never waits for a better match");
        assert_eq!(order(SIM_B), [1, 2, 3]);
        let mut w = bank();
        let late = Instant::ZERO + PREFERENCE_PATIENCE;
        let picked = w.pick(late, SIM_A, true, |_| true).unwrap();
        assert_eq!(picked.message.0.bits(), 1, "nobody is passed over for ever");
    }

    #[test]
    fn urgency_goes_before_preference() {
        let mut mine = message(1, Priority::Normal, 0, 1);
        mine.prefer = Some(SIM_A);
        let mut w = window(vec![mine, message(2, Priority::High, 9, 1)]);
        assert_eq!(next(&mut w, SIM_A), Some((2, 1)));
    }
}
