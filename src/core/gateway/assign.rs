//! Who sends what: free SIMs and the window are brought together, and what no SIM may send now is waited for or given back.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use super::bank::{Gateway, Idle};
use super::ledger::Purpose;
use super::slot::{BeginState, Job, Merit};
use super::{SlotIndex, monotonic, translate};
use crate::base::{Instant, Now, SimId};
use crate::dispatch::prefer::{Rank, least};
use crate::dispatch::taker::{Leaning, Rival, Taker};
use crate::dispatch::window::PRIORITIES;
use crate::modem::{self, Submit};
use crate::queue::lane::Way;
use crate::queue::state::Priority;
use crate::queue::verbs::{Begin, DueMessage, Request};

/// Messages held of all lanes together: some 5 MiB. When it is reached, lanes of which nothing is held come first.
const WINDOW_MOST: usize = 8_192;

/// What no SIM may send is looked at again after this: a SIM may have come, or a plan may have changed.
const LOOK_AGAIN: Duration = Duration::from_secs(3_600);

/// Who found nothing to do looks again after this, though nothing changed but the time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the rules of the site make of the SIMs that are there; empty when they are off.
#[derive(Debug, Default)]
struct Field {
    least: Vec<Rank>,
    rivals: Vec<Rival>,
}

impl Gateway {
    /// Gives free SIMs work: the best first, each the most urgent part it may send. What the recipients of a SIM that
    /// is free as well know it by is left to that SIM; what it leaves is then taken by the others. What another free one
    /// serves better by the rules of the site is left to that one, until no such one takes anything more.
    pub(super) fn assign(&mut self, now: Now) {
        self.refill();
        if self.draining || self.store_retry_at.is_some() || !self.window.offers() {
            return;
        }
        let free = self.free_sims(now);
        let is_idle = |idle: &Idle| {
            let same = idle.revision == self.window.revision() && idle.free == free;
            same && now.monotonic.since(idle.at) < LOOK_EVERY
        };
        if free.is_empty() || self.idle.as_ref().is_some_and(is_idle) {
            return;
        }
        let merit = |(slot, sim): &(SlotIndex, SimId)| Some((self.slots.get(*slot)?.merit(now), *slot, *sim));
        let mut best: Vec<(Merit, SlotIndex, SimId)> = free.iter().filter_map(merit).collect();
        best.sort_unstable();
        let mut sims: Vec<SimId> = best.iter().map(|(_, _, sim)| *sim).collect();
        let mut field = self.field(now, &best);
        let any_rivals = !field.rivals.is_empty();
        best.retain(|(_, slot, sim)| {
            let assigned = self.assign_to(now, *slot, *sim, &sims, &field);
            if assigned {
                sims.retain(|other| other != sim);
                field.rivals.retain(|rival| rival.taker.sim != *sim);
            }
            !assigned
        });
        // Bounded: each round but the last gives a free SIM work.
        loop {
            let before = best.len();
            best.retain(|(_, slot, sim)| {
                let assigned = self.assign_to(now, *slot, *sim, &[], &field);
                field.rivals.retain(|rival| !assigned || rival.taker.sim != *sim);
                !assigned
            });
            if !any_rivals || best.len() == before {
                break;
            }
        }
        for (_, slot, sim) in best {
            self.wake_when_paced(now, slot, sim);
        }
        self.set_aside(now);
        self.idle = Some(Idle {
            free: self.free_sims(now),
            revision: self.window.revision(),
            at: now.monotonic,
        });
    }

    /// The free SIMs and all that serve, as the rules of the site see them. One that is not well is nobody's rival.
    fn field(&self, now: Now, free: &[(Merit, SlotIndex, SimId)]) -> Field {
        if self.preference.is_off() {
            return Field::default();
        }
        let serving = || self.slots.iter().filter(|place| place.serves());
        let others = serving().count() > 1;
        let rival = |(_, slot, sim): &(Merit, SlotIndex, SimId)| {
            let place = self.slots.get(*slot)?;
            let taker = place.taker(now, *sim, others);
            Some(Rival {
                ranks: place.ranks.clone(),
                ways: place.ways.clone(),
                allowed: PRIORITIES
                    .into_iter()
                    .filter(|priority| place.may_send(now, *priority))
                    .collect(),
                taker: Taker {
                    ways: &[],
                    leaning: Leaning::default(),
                    free: &[],
                    ..taker
                },
            })
        };
        let well = free.iter().filter(|(merit, _, _)| !merit.ill);
        Field {
            least: least(serving().map(|place| &place.ranks)),
            rivals: well.filter_map(rival).collect(),
        }
    }

    /// Those that may begin something now, in the order of their slots.
    fn free_sims(&self, now: Now) -> Vec<(SlotIndex, SimId)> {
        let slots = self.slots.iter().enumerate();
        slots
            .filter_map(|(slot, place)| Some((slot, place.free_sim(now.monotonic)?)))
            .collect()
    }

    /// Gives back what no SIM has room for in its circle of people, where it keeps what another could go with out of the window.
    fn set_aside(&mut self, now: Now) {
        let serving = || self.slots.iter().filter(|place| place.serves());
        let circles = serving().filter_map(|place| place.pace.circle(now.utc, Priority::Bulk));
        let next = circles.map(|circle| circle.until.begin()).min();
        let Some(next) = next.filter(|_| !self.taking) else {
            return;
        };
        let (slots, window) = (&self.slots, &mut self.window);
        let may = |message: &DueMessage| slots.iter().any(|place| place.serves() && place.takes(now, message));
        let aside = window.set_aside(self.depth, may);
        let any = !aside.is_empty();
        for message in aside {
            let until = next.min(now.utc + LOOK_AGAIN);
            self.ledger.ask(Purpose::Release, Request::Defer { message, until });
        }
        if any {
            self.refill();
        }
    }

    /// Whether this free SIM got work; what is better for one of `free`, or of the field, is left to that.
    fn assign_to(&mut self, now: Now, slot: SlotIndex, sim: SimId, free: &[SimId], field: &Field) -> bool {
        let others = self.slots.iter().filter(|slot| slot.serves()).count() > 1;
        let Some(place) = self.slots.get_mut(slot) else {
            return false;
        };
        let Some((modem, _)) = place.who else { return false };
        let taker = Taker {
            free,
            leaning: Leaning {
                ranks: &place.ranks,
                least: &field.least,
                rivals: &field.rivals,
            },
            ..place.taker(now, sim, others)
        };
        let allowed = |priority: Priority| place.may_send(now, priority);
        let Some(picked) = self.window.pick(now, &taker, allowed) else {
            return false;
        };
        let message = self.window.message(picked.message);
        let report = message.is_some_and(|message| message.delivery_report);
        let priority = message.map(|message| message.lane.priority);
        let stranger = message.is_some_and(|message| place.is_stranger(now, message));
        let Some(tpdu) = message.and_then(|message| translate::submit(message, &picked.part, now.utc)) else {
            // Not a part our codec made, so never to be sent; it stays visible as waiting.
            self.window.forget(picked.message);
            return false;
        };
        // Counted before it is asked for: what it does to the budgets goes to disk with it.
        place.pace.spend(now.utc);
        let begin = Begin {
            marks: place.pace.marks(now.utc, stranger),
            message: picked.message,
            part: picked.part.id,
            modem,
            sim,
            expected_tp_mr: place.expected_tp_mr(),
            circle: priority.and_then(|priority| place.pace.circle(now.utc, priority)),
        };
        place.job = Some(Job {
            message: picked.message,
            part: picked.part,
            begin: BeginState::Asked,
            result: None,
            since: now.monotonic,
            report,
            counted: true,
        });
        place.modem.handle_command(now, modem::Command::Submit(Submit { tpdu }));
        self.ledger.ask(Purpose::Begin(slot), Request::Begin(begin));
        self.changed = true;
        true
    }

    /// Wakes this free SIM when its pace lets something go that waits for it.
    fn wake_when_paced(&mut self, now: Now, slot: SlotIndex, sim: SimId) {
        let Some(place) = self.slots.get(slot) else { return };
        let held_back = |priority| place.paced_until(now, priority) > now.utc;
        let taker = place.taker(now, sim, false);
        let open = taker.known.is_none() && !taker.rests;
        if open && !held_back(Priority::Emergency) && !held_back(Priority::Normal) {
            return;
        }
        let taker = Taker { rests: false, ..taker };
        let wanted = self.window.wanted(now, &taker);
        let until = wanted
            .map(|priority| place.begins_at(now, priority))
            .filter(|until| *until > now.utc);
        // People are counted anew in a new month.
        let month = taker.known.and_then(|_| place.pace.circle(now.utc, Priority::Bulk));
        let until = until.chain(month.map(|circle| circle.until.begin()));
        let at = until.min().map(|until| monotonic(now, until));
        self.wake_for_pace(at);
    }

    pub(super) fn wake_for_pace(&mut self, at: Option<Instant>) {
        if let Some(at) = at {
            self.pace_at = Some(self.pace_at.map_or(at, |before| before.min(at)));
        }
    }

    /// Asks the store for more when something arrived, or a lane runs low, and somebody could send it.
    pub(super) fn refill(&mut self) {
        let room = WINDOW_MOST.saturating_sub(self.window.len());
        let wanted = self.more_due || self.window.is_low(self.depth);
        if !wanted || room == 0 || self.taking || self.draining || self.store_retry_at.is_some() {
            return;
        }
        let ways: BTreeSet<Way> = self
            .slots
            .iter()
            .filter(|slot| slot.serves())
            .flat_map(|slot| slot.ways.iter().copied())
            .collect();
        if ways.is_empty() {
            return;
        }
        self.taking = true;
        self.more_due = false;
        let request = Request::TakeDue {
            ways: ways.into_iter().collect(),
            depth: self.depth,
            room,
            counted: self
                .slots
                .iter()
                .any(|place| place.pace.plan().recipients_per_month > 0),
        };
        self.ledger.ask(Purpose::TakeDue, request);
    }
}
