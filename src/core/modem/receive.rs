//! What arrives: announced, listed or routed; read, handed on, and deleted only when it is said to be on disk.

use core::fmt::Write as _;
use core::time::Duration;

use super::machine::{Job, Modem};
use super::profile::Profile;
use super::storage::Memories;
use super::verbs::{Event, Place, Tpdu};
use crate::at::request::Text;
use crate::at::urc::Routed;
use crate::at::{FinalResult, Memory, Outcome, Pdu, Request, parse};
use crate::base::{Instant, Now};

/// Entries under way at once; what does not fit is found by a later listing.
const SLOTS: usize = 64;
/// Routed messages kept before it is known which SIM they came to.
const EARLY: usize = 8;
/// Acknowledgements owed at most; the modem routes the next message only after the last was acknowledged.
const ACKS: u8 = 8;
/// Readings of an entry whose PDU is torn, or of one that is not there yet.
const READINGS: u8 = 3;
/// Deletions tried in a row.
const DELETIONS: u8 = 3;
/// Pause before an entry is tried again.
const LATER: Duration = Duration::from_secs(60);
/// Pause before an entry that seemed empty is read again.
const SOON: Duration = Duration::from_millis(500);
/// An entry handed on and never answered for is handed on again after this.
const UNANSWERED: Duration = Duration::from_secs(600);
/// Chores between two submits, with few and with many entries under way.
const CREDIT: (u8, u8) = (2, 8);
const MANY: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    ToRead,
    HandedOn,
    ToDelete,
}

/// An entry under way.
#[derive(Clone, Copy, Debug)]
struct Slot {
    memory: Memory,
    index: u16,
    stage: Stage,
    /// Not touched before.
    due: Instant,
    tries: u8,
    /// It was announced again meanwhile.
    again: bool,
}

/// The storages and what is under way in them.
#[derive(Debug)]
pub(super) struct Store {
    chosen: Option<Memory>,
    readable: Memories,
    /// Selected for reading, listing and deleting.
    selected: Option<Memory>,
    /// Naming one use alone was refused.
    all_uses: bool,
    notified: bool,
    reports_stored: bool,
    slots: heapless::Vec<Slot, SLOTS>,
    to_list: Memories,
    list_at: Instant,
    list_every: Duration,
    poll_every: Duration,
    /// The listing goes before submits.
    list_urgent: bool,
    /// The storage was selected for the listing that comes next.
    list_selected: bool,
    /// Slots used and in all, as the selection told.
    told: Option<(u16, u16)>,
    /// Entries the listing or reading under way has shown.
    shown: u16,
    /// Where the next reading one by one begins.
    sweep_from: u16,
    /// Routed messages are to be acknowledged.
    pub(super) acknowledge: bool,
    acks: u8,
    credit: u8,
    early: heapless::Deque<Tpdu, EARLY>,
}

impl Store {
    pub(super) fn new(profile: &Profile) -> Self {
        Self {
            chosen: None,
            readable: Memories::new(),
            selected: None,
            all_uses: false,
            notified: false,
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
            acks: 0,
            credit: 0,
            early: heapless::Deque::new(),
        }
    }

    /// Storages as bring-up chose them; without a choice the modem has one, unnamed.
    pub(super) fn chosen(&mut self, chosen: Option<Memory>, readable: Memories) {
        self.chosen = chosen;
        self.readable = readable;
        self.selected = chosen;
        self.all_uses = false;
    }

    pub(super) fn notified(&mut self, notified: bool, reports_stored: bool) {
        self.notified = notified;
        self.reports_stored = reports_stored;
    }

    /// The modem has restarted: indexes known before may mean something else.
    pub(super) fn forget_entries(&mut self, now: Instant) {
        self.slots.clear();
        self.to_list.clear();
        self.selected = None;
        self.acks = 0;
        self.credit = 0;
        self.list_at = now;
    }

    /// The next listing is due at once, and goes before submits.
    pub(super) fn list_now(&mut self, now: Instant) {
        self.list_at = now;
        self.list_urgent = true;
    }

    /// A submit ended; what arrived gets its turn, unless the next part follows.
    pub(super) fn submit_ended(&mut self, more: bool) {
        let (few, many) = CREDIT;
        self.credit = match (more, self.slots.len() > MANY) {
            (true, _) => 0,
            (false, false) => few,
            (false, true) => many,
        };
    }

    /// Something here goes before the submit that waits.
    pub(super) fn goes_first(&self, now: Instant) -> bool {
        let listing = !self.to_list.is_empty() || self.list_at <= now;
        self.acks > 0
            || (self.credit > 0 && self.slots.iter().any(|slot| slot.is_due(now, false)))
            || (listing && (self.list_urgent || self.list_at + self.list_every <= now))
    }

    /// When [`Modem::start_chore`] has something to do.
    pub(super) fn next_at(&self, stopping: bool) -> Option<Instant> {
        if self.acks > 0 {
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

    fn slot(&mut self, memory: Memory, index: u16) -> Option<&mut Slot> {
        self.slots
            .iter_mut()
            .find(|slot| slot.memory == memory && slot.index == index)
    }

    fn drop_slot(&mut self, memory: Memory, index: u16) {
        self.slots.retain(|slot| slot.memory != memory || slot.index != index);
    }

    /// A new entry; false when there is no room or it is known already.
    fn add(&mut self, memory: Memory, index: u16, stage: Stage, due: Instant) -> bool {
        let known = self.slot(memory, index).is_some();
        let slot = Slot {
            memory,
            index,
            stage,
            due,
            tries: 0,
            again: false,
        };
        !known && self.slots.push(slot).is_ok()
    }

    /// Which storages a listing visits: the chosen one, and those where messages end up in spite of the choice.
    fn begin_listing(&mut self, now: Instant) {
        self.list_at = now
            + if self.notified {
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
        let reports = self.reports_stored.then_some(Memory::SR);
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

    fn listed(&mut self) {
        if !self.to_list.is_empty() {
            self.to_list.remove(0);
        }
        self.list_selected = false;
        self.list_urgent &= !self.to_list.is_empty();
    }

    /// The storage has entries that its listing did not show: they are read one by one, some at a time.
    fn sweep(&mut self, now: Instant, memory: Memory) {
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

impl Slot {
    fn is_wanted(&self, stopping: bool) -> bool {
        match self.stage {
            Stage::ToRead => !stopping,
            Stage::HandedOn => false,
            Stage::ToDelete => true,
        }
    }

    fn is_due(&self, now: Instant, stopping: bool) -> bool {
        self.is_wanted(stopping) && self.due <= now
    }
}

impl Modem {
    /// `+CMTI`, `+CDSI`.
    pub(super) fn announced(&mut self, now: Now, memory: Option<Memory>, index: u16) {
        let Some(memory) = memory else {
            self.store.list_now(now.monotonic);
            return;
        };
        if let Some(slot) = self.store.slot(memory, index) {
            // While it is being deleted its place may be taken again; else it is the same entry.
            slot.again |= slot.stage == Stage::ToDelete;
        } else if !self.store.add(memory, index, Stage::ToRead, now.monotonic) {
            self.store.list_at = self.store.list_at.min(now.monotonic + LATER);
        }
    }

    /// `+CMT`, `+CDS`.
    pub(super) fn routed(&mut self, kind: Routed, pdu: Pdu) {
        match kind {
            Routed::Broadcast => return,
            Routed::Deliver | Routed::StatusReport => {}
        }
        if pdu.tpdu.is_empty() {
            // Nothing to keep, but without an answer the modem routes nothing more.
            self.owe_acknowledgement();
        } else if self.identified {
            self.tell(Event::Received {
                tpdu: pdu.tpdu,
                place: Place::Routed,
            });
        } else if self.store.early.push_back(pdu.tpdu).is_err() {
            // More than a handful before bring-up ends: only service 1 would repeat them, unacknowledged.
        }
    }

    /// Hands on what was routed before the SIM was known.
    pub(super) fn tell_early(&mut self) {
        while let Some(tpdu) = self.store.early.pop_front() {
            self.tell(Event::Received {
                tpdu,
                place: Place::Routed,
            });
        }
    }

    fn owe_acknowledgement(&mut self) {
        if self.store.acknowledge {
            self.store.acks = (self.store.acks + 1).min(ACKS);
        }
    }

    /// It is on disk.
    pub(super) fn stored(&mut self, now: Now, place: Place) {
        match place {
            Place::Routed => self.owe_acknowledgement(),
            Place::Stored { memory, index } => {
                if let Some(slot) = self
                    .store
                    .slot(memory, index)
                    .filter(|slot| slot.stage == Stage::HandedOn)
                {
                    slot.stage = Stage::ToDelete;
                    slot.due = now.monotonic;
                    slot.tries = 0;
                }
            }
        }
    }

    /// It could not be stored.
    pub(super) fn keep(&mut self, now: Now, place: Place) {
        match place {
            // Not acknowledged, the network sends it again; in service 0 nobody does.
            Place::Routed => {}
            Place::Stored { memory, index } => {
                if let Some(slot) = self
                    .store
                    .slot(memory, index)
                    .filter(|slot| slot.stage == Stage::HandedOn)
                {
                    slot.stage = Stage::ToRead;
                    slot.due = now.monotonic + LATER;
                    slot.tries = 0;
                }
            }
        }
    }

    /// Reads, deletes, lists or acknowledges what is due. False when nothing is.
    pub(super) fn start_chore(&mut self, now: Now) -> bool {
        if self.waiting.is_some() {
            self.store.credit = self.store.credit.saturating_sub(1);
        }
        if self.store.acks > 0 {
            self.run_plain(now, Job::Acknowledge, "AT+CNMA");
            return true;
        }
        let stopping = self.stopping;
        // The oldest first: no storage and no kind of work waits for ever.
        let slot = self
            .store
            .slots
            .iter()
            .find(|slot| slot.is_due(now.monotonic, stopping))
            .copied();
        if let Some(Slot {
            memory, index, stage, ..
        }) = slot
        {
            if self.select(now, memory) {
                return true;
            }
            match stage {
                Stage::ToDelete => {
                    let mut text = Text::new();
                    // 13 characters at most.
                    let _ = write!(text, "AT+CMGD={index}");
                    self.run_plain(now, Job::Delete(memory, index), &text);
                }
                Stage::ToRead | Stage::HandedOn => {
                    self.store.shown = 0;
                    let request = Request::read(index, self.profile.timing.command);
                    self.run(now, Job::Read(memory, index), request);
                }
            }
            return true;
        }
        !stopping && self.start_listing(now)
    }

    fn start_listing(&mut self, now: Now) -> bool {
        if self.store.to_list.is_empty() {
            if now.monotonic < self.store.list_at {
                return false;
            }
            self.store.begin_listing(now.monotonic);
        }
        let Some(memory) = self.store.to_list.first().copied() else {
            return false;
        };
        if !self.store.list_selected {
            // Selected again even when it is: the answer tells how much is in it.
            self.store.selected = None;
            self.store.told = None;
            self.store.list_selected = true;
        }
        if self.select(now, memory) {
            return true;
        }
        self.store.shown = 0;
        let request = Request::list(self.profile.timing.listing);
        self.run(now, Job::List(memory), request);
        true
    }

    /// Selects a storage unless it is; false when there is nothing to send.
    fn select(&mut self, now: Now, memory: Memory) -> bool {
        let store = &self.store;
        let Some(chosen) = store.chosen else { return false };
        if store.selected == Some(memory) {
            return false;
        }
        let all = store.all_uses;
        let mut text = Text::new();
        // 24 characters at most.
        let _ = if all {
            write!(text, "AT+CPMS=\"{memory}\",\"{chosen}\",\"{chosen}\"")
        } else {
            write!(text, "AT+CPMS=\"{memory}\"")
        };
        self.run_plain(now, Job::Select { memory, all }, &text);
        true
    }

    /// An entry with its PDU.
    pub(super) fn entry(&mut self, now: Now, index: Option<u16>, pdu: Pdu) {
        let (memory, index) = match (&self.job, index) {
            (Some(Job::Read(memory, index)), None) => (*memory, *index),
            (Some(Job::List(memory)), Some(index)) => (*memory, index),
            _ => return,
        };
        self.store.shown = self.store.shown.saturating_add(1);
        let reading = matches!(self.job, Some(Job::Read(..)));
        if !reading && !self.store.add(memory, index, Stage::ToRead, now.monotonic) {
            // Known and under way, or no room: the next listing shows it again.
            return;
        }
        let Some(slot) = self.store.slot(memory, index) else {
            return;
        };
        slot.tries += u8::from(reading);
        if pdu.tpdu.is_empty() || (!pdu.whole && slot.tries < READINGS) {
            // Torn on the line; what lies in the storage is whole.
            return;
        }
        slot.stage = Stage::HandedOn;
        slot.due = now.monotonic;
        self.tell(Event::Received {
            tpdu: pdu.tpdu,
            place: Place::Stored { memory, index },
        });
    }

    /// A chore's command ended.
    pub(super) fn chore_done(&mut self, now: Now, job: &Job, outcome: Outcome) {
        let accepted = match outcome {
            Outcome::Final(FinalResult::Ok) | Outcome::Settled => true,
            Outcome::Final(FinalResult::Error | FinalResult::Cms(_) | FinalResult::Cme(_)) => false,
            Outcome::Silent | Outcome::Escaped => {
                self.resync(now);
                return;
            }
        };
        match job {
            Job::Select { memory, all } => self.selected(*memory, *all, accepted),
            Job::Read(memory, index) => self.read(now, *memory, *index, accepted),
            Job::Delete(memory, index) => {
                let gone = accepted || outcome == Outcome::Final(FinalResult::Cms(321));
                self.deleted(now, *memory, *index, gone);
            }
            Job::List(memory) => {
                let used = self.store.told.is_some_and(|(used, _)| used > 0);
                if self.store.shown == 0 && (used || !accepted) {
                    self.store.sweep(now.monotonic, *memory);
                }
                self.store.listed();
            }
            Job::Acknowledge => {
                self.store.acks = self.store.acks.saturating_sub(1);
                // 340: no acknowledgement expected. Asked for again, some stacks stall.
                if !accepted {
                    self.store.acknowledge = false;
                    self.store.acks = 0;
                }
            }
            Job::Step | Job::Submit(_) | Job::Leaving | Job::Poll(_) => {}
        }
    }

    fn selected(&mut self, memory: Memory, all: bool, accepted: bool) {
        let store = &mut self.store;
        if accepted {
            store.selected = Some(memory);
        } else if all {
            // Named, but not there: nothing in it can be reached.
            store.slots.retain(|slot| slot.memory != memory);
            store.readable.retain(|readable| *readable != memory);
            if store.to_list.first() == Some(&memory) {
                store.listed();
            }
            store.all_uses = false;
        } else {
            store.all_uses = true;
        }
    }

    fn read(&mut self, now: Now, memory: Memory, index: u16, accepted: bool) {
        let shown = self.store.shown > 0 && accepted;
        let waiting = |slot: &&mut Slot| slot.stage == Stage::ToRead;
        let Some(slot) = self.store.slot(memory, index).filter(waiting) else {
            return;
        };
        // Torn; or empty or refused: announced too early, under a wrong name, or gone.
        slot.tries += u8::from(!shown);
        slot.due = now.monotonic + SOON;
        if slot.tries >= READINGS {
            self.store.drop_slot(memory, index);
        }
    }

    fn deleted(&mut self, now: Now, memory: Memory, index: u16, gone: bool) {
        let Some(slot) = self.store.slot(memory, index) else {
            return;
        };
        if gone && slot.again {
            // Taken by the next message already.
            *slot = Slot {
                stage: Stage::ToRead,
                due: now.monotonic,
                tries: 0,
                again: false,
                ..*slot
            };
        } else if gone {
            self.store.drop_slot(memory, index);
        } else {
            // It stays known meanwhile, so that no listing hands it on again.
            slot.tries += 1;
            slot.due = now.monotonic + if slot.tries < DELETIONS { SOON } else { LATER };
        }
    }
}
