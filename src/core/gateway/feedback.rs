//! What the bank learns of its modems beyond what each says of itself: how well each SIM does its work, and which troubles are shared.

use alloc::string::String;
use alloc::vec::Vec;

use super::bank::{Gateway, SWEEP_EVERY};
use super::groups::{Finding, Member};
use super::slot::Slot;
use super::{Event, SlotIndex, monotonic, translate};
use crate::base::{Instant, Now, SimId};
use crate::dispatch::score::Suspicion;
use crate::modem::{self, Fault, Level, Means, SubmitResult, Why};
use crate::queue::verbs::Reply;

impl Gateway {
    /// What the store did by time, and learned by it.
    pub(super) fn swept(&mut self, now: Now, reply: Reply) {
        let Reply::Swept {
            deaf,
            dropped,
            put_off,
            next,
            due,
        } = reply
        else {
            return;
        };
        for sim in deaf {
            self.missed_itself(now, sim);
        }
        if let Some(dropped) = dropped {
            self.texts_dropped(dropped);
        }
        for message in put_off {
            self.window.forget(message);
        }
        let soon = now.monotonic + SWEEP_EVERY;
        self.sweep_at = Some(next.map_or(soon, |at| monotonic(now, at).min(soon)));
        self.more_due |= due;
        self.refill();
    }

    /// A modem can send, or cannot and why.
    pub(super) fn readiness_changed(&mut self, now: Now, slot: SlotIndex, why: Option<Why>) {
        let Some(place) = self.slots.get_mut(slot) else { return };
        place.ready = why.is_none();
        self.idle = None;
        let member = &mut place.member;
        let at = now.monotonic;
        match why {
            None => {
                member.fails_since = None;
                member.lost_network = None;
                // What only this one may send was not asked for while it was away.
                self.more_due = true;
            }
            Some(Why::NotRegistered | Why::Denied) => {
                member.fails_since = None;
                member.lost_network.get_or_insert(at);
            }
            Some(Why::NotAnswering) => {
                place.score.fell_silent();
                member.fails_since.get_or_insert(at);
            }
            Some(Why::NoPort) => {
                member.fails_since.get_or_insert(at);
            }
            // By order, or on the way from one of those above to another.
            Some(_) => {}
        }
        self.look_at_groups(now);
    }

    /// Where a modem is plugged.
    pub(super) fn placed(&mut self, now: Now, slot: SlotIndex, hub: Option<String>, means: Option<Means>) {
        if let Some(place) = self.slots.get_mut(slot) {
            place.member.hub = hub;
        }
        if let Some(means) = means {
            self.tell_modem(now, slot, modem::Command::Placed(means));
        }
    }

    /// Trouble that several share: told to those who share it, once.
    pub(super) fn look_at_groups(&mut self, now: Now) {
        let members: Vec<&Member> = self.slots.iter().map(|place| &place.member).collect();
        for finding in self.groups.look(now.monotonic, &members) {
            self.events.push_back(match finding {
                Finding::HubFails(hub) => Event::HubFails(hub),
                Finding::CycleHub(hub, slots) => Event::CycleHub(hub, slots),
            });
        }
        let shared = self.groups.shared(now.monotonic, &members);
        for (place, shared) in self.slots.iter_mut().zip(shared) {
            if place.shared != shared {
                place.shared = shared;
                place.modem.handle_command(now, modem::Command::Shared(shared));
                self.changed = true;
            }
        }
    }

    /// A step of recovery begins.
    pub(super) fn recovering(&mut self, slot: SlotIndex, level: Level) {
        let sim = self.slots.get(slot).and_then(|place| place.who).map(|who| who.1);
        if let Some(sim) = sim
            && level >= Level::Restart
        {
            // It may stay away for long: what was to go through this SIM may take another.
            self.window.leave(sim);
        }
    }

    /// Keeps the books of a result; until when the SIM must rest after it.
    pub(super) fn judge_result(
        &mut self,
        now: Now,
        slot: SlotIndex,
        result: &SubmitResult,
        report: bool,
    ) -> Option<Instant> {
        let place = self.slots.get_mut(slot)?;
        let dbm = place.modem.health().signal_dbm;
        place.count_result(now, result);
        place.score.ended(now.monotonic, translate::ended(result, report), dbm);
        suspect(now, place);
        place.score.rests_until(now.monotonic)
    }

    /// A text that this SIM sent to itself has not come in.
    pub(super) fn missed_itself(&mut self, now: Now, sim: SimId) {
        if let Some(place) = self.with_sim(sim) {
            place.score.missed_itself();
            suspect(now, place);
            self.changed = true;
        }
    }

    /// What these SIMs send is dropped silently, what the others send is not.
    fn texts_dropped(&mut self, sims: Vec<SimId>) {
        for place in &mut self.slots {
            let dropped = place.who.is_some_and(|who| sims.contains(&who.1));
            self.changed |= place.dropped != dropped;
            place.dropped = dropped;
        }
        self.dropped = sims;
    }

    /// The place of a SIM that is in the bank now.
    pub(super) fn with_sim(&mut self, sim: SimId) -> Option<&mut Slot> {
        let holds = |slot: &&mut Slot| slot.who.is_some_and(|who| who.1 == sim);
        self.slots.iter_mut().find(holds)
    }

    /// Something came in.
    pub(super) fn heard(&mut self, now: Now, slot: SlotIndex) {
        if let Some(place) = self.slots.get_mut(slot)
            && place.score.heard(now.monotonic)
        {
            place.modem.handle_command(now, modem::Command::Suspect(None));
        }
    }
}

/// Has a SIM that sends in vain, or hears nothing, helped.
fn suspect(now: Now, place: &mut Slot) {
    let dbm = place.modem.health().signal_dbm;
    if let Some(suspicion) = place.score.suspicion(now.monotonic, dbm) {
        let fault = match suspicion {
            Suspicion::Mute => Fault::Mute,
            Suspicion::Deaf => Fault::Deaf,
        };
        place.modem.handle_command(now, modem::Command::Suspect(Some(fault)));
    }
}
