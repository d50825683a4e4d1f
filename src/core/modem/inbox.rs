//! What the modem keeps for us and how far each piece of it is: to be read, handed on, to be deleted. Sends nothing itself.

use alloc::string::String;
use core::time::Duration;

use super::profile::{Profile, Timing};
use super::storage::Memories;
use super::verbs::Tpdu;
use crate::at::{Memory, parse};
use crate::base::Instant;

/// Entries under way at once; what does not fit is found by a later listing.
const SLOTS: usize = 64;
/// Routed messages kept before it is known which SIM they came to.
const EARLY: usize = 8;
/// Acknowledgements owed at most; the modem routes the next message only after the last was acknowledged.
pub(super) const ACKS: u8 = 8;
/// Readings of an entry whose PDU is torn, or of one that is not there yet.
pub(super) const READINGS: u8 = 3;
/// Deletions tried in a row.
pub(super) const DELETIONS: u8 = 3;
/// Deletions remembered.
const DELETED: usize = 16;
/// Pause before an entry is tried again.
pub(super) const LATER: Duration = Duration::from_secs(60);
/// Pause before an entry that cannot be deleted is tried again.
pub(super) const MUCH_LATER: Duration = Duration::from_secs(3600);
/// Pause before an entry that seemed empty is read again.
pub(super) const SOON: Duration = Duration::from_millis(500);
/// An entry handed on and never answered for is handed on again after this.
const UNANSWERED: Duration = Duration::from_secs(600);
/// Chores between two submits, with few and with many entries under way.
const CREDIT: (u8, u8) = (2, 8);
const MANY: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    ToRead,
    HandedOn,
    ToDelete,
}

/// An entry under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) memory: Memory,
    pub(super) index: u16,
    pub(super) stage: Stage,
    /// Not touched before.
    pub(super) due: Instant,
    pub(super) tries: u8,
    /// It was announced again meanwhile.
    pub(super) again: bool,
    /// It was announced as a delivery report.
    pub(super) report: bool,
    /// Outside the chosen storage: what stands there is what is to be deleted, as its last reading showed.
    pub(super) confirmed: bool,
    /// What was read there.
    pub(super) mark: u64,
}

/// An entry that was deleted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deleted {
    memory: Memory,
    index: u16,
    mark: u64,
    /// How often.
    times: u8,
}

/// How a modem hands on what arrives, as bring-up found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reception {
    /// Where messages are kept; none where the modem does not say.
    pub storage: Option<Memory>,
    /// Parameters of `AT+CNMI`; none where nothing is announced and storages are listed every few seconds.
    pub notification: Option<String>,
    /// Routed messages are acknowledged with `AT+CNMA`.
    pub acknowledges: bool,
}

/// The storages and what is under way in them.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) chosen: Option<Memory>,
    pub(super) readable: Memories,
    /// Selected for reading, listing and deleting.
    pub(super) selected: Option<Memory>,
    /// Naming one use alone was refused.
    pub(super) all_uses: bool,
    /// Parameters of `AT+CNMI`; none: what arrives is found by listing.
    pub(super) notified: Option<String>,
    pub(super) reports_stored: bool,
    pub(super) slots: heapless::Vec<Slot, SLOTS>,
    pub(super) to_list: Memories,
    pub(super) list_at: Instant,
    pub(super) list_every: Duration,
    pub(super) poll_every: Duration,
    /// The listing goes before submits.
    pub(super) list_urgent: bool,
    /// The storage was selected for the listing that comes next.
    pub(super) list_selected: bool,
    /// Slots used and in all, as the selection told.
    pub(super) told: Option<(u16, u16)>,
    /// Entries the listing or reading under way has shown.
    pub(super) shown: u16,
    /// Where the next reading one by one begins.
    pub(super) sweep_from: u16,
    /// Routed messages are to be acknowledged.
    pub(super) acknowledge: bool,
    /// The modem once said that it expects no acknowledgement (340): asked for again, some stacks stall.
    pub(super) never_acknowledge: bool,
    /// Somebody calls: to be rejected by the n-th command.
    pub(super) ringing: Option<usize>,
    /// Something was deleted here: to be compared with what the modem says.
    pub(super) to_verify: Option<Memory>,
    /// Selection and deletion on one line were refused: the modem takes one command a line.
    pub(super) one_a_line: bool,
    /// The modem does not tell how much a storage holds.
    pub(super) cannot_verify: bool,
    /// Listed before for holding more than is known; not again before this.
    pub(super) surplus_until: Instant,
    /// What was deleted lately, to know what comes back.
    pub(super) deleted: heapless::Deque<Deleted, DELETED>,
    /// Every storage is listed the first time after a start.
    pub(super) list_all: bool,
    pub(super) acks: u8,
    pub(super) credit: u8,
    pub(super) early: heapless::Deque<Tpdu, EARLY>,
}

impl Inbox {
    pub(super) fn new(profile: &Profile) -> Self {
        Self {
            chosen: None,
            readable: Memories::new(),
            selected: None,
            all_uses: false,
            notified: None,
            reports_stored: false,
            slots: heapless::Vec::new(),
            to_list: Memories::new(),
            list_at: Instant::ZERO,
            list_every: profile.timing.list_every,
            poll_every: profile.timing.poll_every,
            list_urgent: false,
            list_selected: false,
            told: None,
            shown: 0,
            sweep_from: 0,
            acknowledge: false,
            never_acknowledge: false,
            ringing: None,
            to_verify: None,
            one_a_line: false,
            cannot_verify: false,
            surplus_until: Instant::ZERO,
            deleted: heapless::Deque::new(),
            list_all: true,
            acks: 0,
            credit: 0,
            early: heapless::Deque::new(),
        }
    }

    /// How often to list.
    pub(super) fn paced_by(&mut self, timing: &Timing) {
        self.list_every = timing.list_every;
        self.poll_every = timing.poll_every;
    }

    /// Storages as bring-up chose them; without a choice the modem has one, unnamed.
    pub(super) fn chosen(&mut self, chosen: Option<Memory>, readable: Memories) {
        self.chosen = chosen;
        self.readable = readable;
        self.selected = chosen;
        self.all_uses = false;
        self.one_a_line = false;
    }

    pub(super) fn notified(&mut self, notified: Option<String>, reports_stored: bool) {
        self.notified = notified;
        self.reports_stored = reports_stored;
    }

    pub(super) fn reception(&self) -> Reception {
        Reception {
            storage: self.chosen,
            notification: self.notified.clone(),
            acknowledges: self.acknowledge,
        }
    }

    /// The modem has restarted: indexes known before may mean something else.
    pub(super) fn forget_entries(&mut self, now: Instant) {
        self.slots.clear();
        self.to_list.clear();
        self.selected = None;
        self.acks = 0;
        self.credit = 0;
        self.list_at = now;
        self.list_all = true;
        self.ringing = None;
        self.to_verify = None;
        self.cannot_verify = false;
    }

    /// Somebody calls.
    pub(super) fn ring(&mut self) {
        self.ringing = self.ringing.or(Some(0));
    }

    /// One storage is listed next, whatever else is planned.
    pub(super) fn list_also(&mut self, memory: Memory) {
        if !self.to_list.contains(&memory) {
            // As many places as names.
            let _ = self.to_list.push(memory);
        }
    }

    /// An entry was deleted, so the modem says.
    pub(super) fn note_deleted(&mut self, memory: Memory, index: u16, mark: u64) {
        self.to_verify = (!self.cannot_verify).then_some(memory);
        if self.deleted.iter().any(|gone| gone.is(memory, index, mark)) {
            return;
        }
        if self.deleted.is_full() {
            self.deleted.pop_front();
        }
        let times = 1;
        // There is room now.
        let _ = self.deleted.push_back(Deleted {
            memory,
            index,
            mark,
            times,
        });
    }

    /// How often what stands there now has been deleted in vain.
    pub(super) fn deleted_in_vain(&mut self, memory: Memory, index: u16, mark: u64) -> Option<u8> {
        let gone = self.deleted.iter_mut().find(|gone| gone.is(memory, index, mark))?;
        gone.times = gone.times.saturating_add(1);
        Some(gone.times - 1)
    }

    /// The modem tells how much the storage holds after deleting: more than is known of is listed, lost announcements too.
    pub(super) fn verified(&mut self, now: Instant, memory: Memory, told: bool) {
        self.to_verify = None;
        let Some((used, _)) = self.told.filter(|_| told) else {
            self.cannot_verify = true;
            return;
        };
        let known = self.slots.iter().filter(|slot| slot.memory == memory).count();
        if usize::from(used) > known && self.surplus_until <= now {
            self.surplus_until = now + LATER;
            self.list_also(memory);
        }
    }

    /// The next listing is due at once, and goes before submits.
    pub(super) fn list_now(&mut self, now: Instant) {
        self.list_at = now;
        self.list_urgent = true;
    }

    /// A submit ended; what arrived gets its turn: nobody's answer waits behind a broadcast.
    pub(super) fn submit_ended(&mut self) {
        let (few, many) = CREDIT;
        self.credit = if self.slots.len() > MANY { many } else { few };
    }

    /// Something here goes before the submit that waits.
    pub(super) fn goes_first(&self, now: Instant) -> bool {
        let listing = !self.to_list.is_empty() || self.list_at <= now;
        self.acks > 0
            || self.ringing.is_some()
            || (self.credit > 0 && self.slots.iter().any(|slot| slot.is_due(now, false)))
            || (listing && (self.list_urgent || self.list_at + self.list_every <= now))
    }

    /// When [`Modem::start_chore`] has something to do.
    pub(super) fn next_at(&self, stopping: bool) -> Option<Instant> {
        let verify = self.to_verify.is_some() && !stopping;
        if self.acks > 0 || verify || (self.ringing.is_some() && !stopping) {
            return Some(Instant::ZERO);
        }
        let slots = self
            .slots
            .iter()
            .filter(|slot| slot.is_wanted(stopping))
            .map(|slot| slot.due);
        let listing = match (stopping, self.to_list.is_empty()) {
            (true, _) => None,
            (false, true) => Some(self.list_at),
            (false, false) => Some(Instant::ZERO),
        };
        slots.chain(listing).min()
    }

    /// Used and total slots, from a selection's answer.
    pub(super) fn slots_told(&mut self, line: &str) {
        if let Some((_, rest)) = parse::split_prefix(line) {
            self.told = parse::slots(rest);
        }
    }

    pub(super) fn slot(&mut self, memory: Memory, index: u16) -> Option<&mut Slot> {
        self.slots
            .iter_mut()
            .find(|slot| slot.memory == memory && slot.index == index)
    }

    pub(super) fn drop_slot(&mut self, memory: Memory, index: u16) {
        self.slots.retain(|slot| slot.memory != memory || slot.index != index);
    }

    /// A new entry; false when there is no room or it is known already.
    pub(super) fn add(&mut self, memory: Memory, index: u16, stage: Stage, due: Instant) -> bool {
        let known = self.slot(memory, index).is_some();
        let slot = Slot {
            memory,
            index,
            stage,
            due,
            tries: 0,
            again: false,
            report: false,
            confirmed: false,
            mark: 0,
        };
        !known && self.slots.push(slot).is_ok()
    }

    /// Not in the chosen storage.
    pub(super) fn is_elsewhere(&self, memory: Memory) -> bool {
        self.chosen.is_some_and(|chosen| chosen != memory)
    }

    /// A listing shows this at a place that is known: not what was read there, if the marks differ.
    pub(super) fn seen_at(&mut self, memory: Memory, index: u16, mark: u64) {
        let Some(slot) = self.slot(memory, index).filter(|slot| slot.mark != mark) else {
            return;
        };
        match slot.stage {
            Stage::ToRead => {}
            // The store still has to answer for what stood there.
            Stage::HandedOn => slot.again = true,
            Stage::ToDelete => slot.read_anew(),
        }
    }

    /// What was to be deleted was read once more; no mark: torn on the line. True when there is nothing to hand on; else something
    /// else stands there now.
    pub(super) fn confirm(&mut self, now: Instant, memory: Memory, index: u16, mark: Option<u64>) -> bool {
        let deletes = |slot: &&mut Slot| slot.stage == Stage::ToDelete;
        let Some(slot) = self.slot(memory, index).filter(deletes) else {
            return false;
        };
        slot.confirmed = mark == Some(slot.mark);
        if mark.is_none() {
            slot.put_off(now);
        } else if !slot.confirmed {
            slot.read_anew();
        }
        mark.is_none() || slot.confirmed
    }

    /// What was to be deleted was not there to be read.
    pub(super) fn unconfirmed(&mut self, now: Instant, memory: Memory, index: u16, shown: bool) {
        let deletes = |slot: &&mut Slot| slot.stage == Stage::ToDelete && !shown;
        let Some(slot) = self.slot(memory, index).filter(deletes) else {
            return;
        };
        slot.put_off(now);
        if slot.tries >= READINGS {
            self.drop_slot(memory, index);
        }
    }

    /// Which storages a listing visits: the chosen one, and those where messages end up in spite of the choice.
    pub(super) fn begin_listing(&mut self, now: Instant) {
        self.list_at = now
            + if self.notified.is_some() {
                self.list_every
            } else {
                self.poll_every
            };
        self.slots
            .retain(|slot| slot.stage != Stage::HandedOn || slot.due + UNANSWERED > now);
        self.to_list.clear();
        let also = [Memory::SM, Memory::ME]
            .into_iter()
            .filter(|_| self.chosen != Some(Memory::MT));
        let reports = (core::mem::take(&mut self.list_all) || self.reports_stored).then_some(Memory::SR);
        for memory in self.chosen.into_iter().chain(also).chain(reports) {
            if self.readable.contains(&memory) && !self.to_list.contains(&memory) {
                let _ = self.to_list.push(memory);
            }
        }
        if self.to_list.is_empty() {
            // A modem that cannot name its storage still lists it.
            let _ = self.to_list.push(self.chosen.unwrap_or(Memory::SM));
        }
        self.list_selected = false;
    }

    pub(super) fn listed(&mut self) {
        if !self.to_list.is_empty() {
            self.to_list.remove(0);
        }
        self.list_selected = false;
        self.list_urgent &= !self.to_list.is_empty();
    }

    /// The storage has entries that its listing did not show: they are read one by one, some at a time.
    pub(super) fn sweep(&mut self, now: Instant, memory: Memory) {
        let total = self.told.map_or(30, |(_, total)| total.min(255));
        for index in (self.sweep_from..=total).take(SLOTS / 2) {
            if self.add(memory, index, Stage::ToRead, now)
                && let Some(slot) = self.slot(memory, index)
            {
                // Most are empty; once is enough to see that.
                slot.tries = READINGS - 1;
            }
        }
        let next = self
            .sweep_from
            .saturating_add(u16::try_from(SLOTS / 2).unwrap_or(u16::MAX));
        self.sweep_from = if next > total { 0 } else { next };
    }
}

impl Deleted {
    fn is(&self, memory: Memory, index: u16, mark: u64) -> bool {
        self.memory == memory && self.index == index && self.mark == mark
    }
}

/// A number that two TPDUs hardly share (FNV-1a).
pub(super) fn mark(tpdu: &[u8]) -> u64 {
    tpdu.iter().fold(0xCBF2_9CE4_8422_2325, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01B3)
    })
}

impl Slot {
    /// Something else stands there than what was read.
    fn read_anew(&mut self) {
        self.stage = Stage::ToRead;
        self.tries = 0;
        self.again = false;
    }

    /// Once more, a little later.
    fn put_off(&mut self, now: Instant) {
        self.tries = self.tries.saturating_add(1);
        self.due = now + if self.tries < READINGS { SOON } else { LATER };
    }

    pub(super) fn is_wanted(&self, stopping: bool) -> bool {
        match self.stage {
            Stage::ToRead => !stopping,
            Stage::HandedOn => false,
            Stage::ToDelete => true,
        }
    }

    pub(super) fn is_due(&self, now: Instant, stopping: bool) -> bool {
        self.is_wanted(stopping) && self.due <= now
    }
}
