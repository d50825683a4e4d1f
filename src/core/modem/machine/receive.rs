//! What arrives: announced, listed or routed; read, handed on, and deleted only when it is said to be on disk.

use core::fmt::Write as _;

use super::{Job, Modem};
use crate::at::request::Text;
use crate::at::urc::Routed;
use crate::at::{FinalResult, Memory, Outcome, Pdu, Request};
use crate::base::Now;
use crate::modem::inbox::{self, ACKS, DELETIONS, LATER, MUCH_LATER, READINGS, SOON, Slot, Stage};
use crate::modem::verbs::{Event, Place};

impl Modem {
    /// `+CMTI`, `+CDSI`.
    pub(super) fn announced(&mut self, now: Now, memory: Option<Memory>, index: u16, report: bool) {
        let Some(memory) = memory else {
            self.inbox.list_now(now.monotonic);
            return;
        };
        let added = self.inbox.add(memory, index, Stage::ToRead, now.monotonic);
        if let Some(slot) = self.inbox.slot(memory, index).filter(|_| added) {
            slot.report = report;
        } else if let Some(slot) = self.inbox.slot(memory, index) {
            // While it is being deleted its place may be taken again; else it is the same entry.
            slot.again |= slot.stage == Stage::ToDelete;
        } else {
            self.inbox.list_at = self.inbox.list_at.min(now.monotonic + LATER);
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
        } else if self.inbox.early.push_back(pdu.tpdu).is_err() {
            // More than a handful before bring-up ends: only service 1 would repeat them, unacknowledged.
        }
    }

    /// Hands on what was routed before the SIM was known.
    pub(super) fn tell_early(&mut self) {
        while let Some(tpdu) = self.inbox.early.pop_front() {
            self.tell(Event::Received {
                tpdu,
                place: Place::Routed,
            });
        }
    }

    fn owe_acknowledgement(&mut self) {
        if self.inbox.acknowledge {
            self.inbox.acks = (self.inbox.acks + 1).min(ACKS);
        }
    }

    /// It is on disk.
    pub(super) fn stored(&mut self, now: Now, place: Place) {
        match place {
            Place::Routed => self.owe_acknowledgement(),
            Place::Stored { memory, index } => {
                if let Some(slot) = self
                    .inbox
                    .slot(memory, index)
                    .filter(|slot| slot.stage == Stage::HandedOn)
                {
                    // Something else stands there by now: that is read first.
                    slot.stage = if core::mem::take(&mut slot.again) {
                        Stage::ToRead
                    } else {
                        Stage::ToDelete
                    };
                    slot.due = now.monotonic;
                    slot.tries = 0;
                    slot.confirmed = false;
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
                    .inbox
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
            self.inbox.credit = self.inbox.credit.saturating_sub(1);
        }
        if self.inbox.acks > 0 {
            self.run_plain(now, Job::Acknowledge, "AT+CNMA");
            return true;
        }
        let stopping = self.stopping;
        if !stopping && self.start_hang_up(now) {
            return true;
        }
        // The oldest first: no storage and no kind of work waits for ever.
        let slot = self
            .inbox
            .slots
            .iter()
            .find(|slot| slot.is_due(now.monotonic, stopping))
            .copied();
        if let Some(slot) = slot {
            self.start_entry(now, slot);
            return true;
        }
        !stopping && (self.start_verify(now) || self.start_listing(now))
    }

    /// Reads or deletes an entry, or selects its storage for that.
    fn start_entry(&mut self, now: Now, slot: Slot) {
        let Slot { memory, index, .. } = slot;
        if self.select(now, memory) {
            return;
        }
        // A modem that restarts without a word is back in its own choice of a storage, where an unread text may have this index.
        let elsewhere = self.inbox.is_elsewhere(memory);
        if slot.stage == Stage::ToDelete && (slot.confirmed || !elsewhere) {
            let mut text = Text::new();
            // 37 characters at most.
            let _ = match elsewhere && !self.inbox.one_a_line {
                true => write!(text, "{};+CMGD={index}", self.selection(memory)),
                false => write!(text, "AT+CMGD={index}"),
            };
            self.run_plain(now, Job::Delete(memory, index), &text);
        } else {
            self.inbox.shown = 0;
            let request = Request::read(index, self.profile.timing.command);
            self.run(now, Job::Read(memory, index), request);
        }
    }

    /// Rejects the call that rings; never while a command is outstanding.
    fn start_hang_up(&mut self, now: Now) -> bool {
        let Some(at) = self.inbox.ringing else { return false };
        let Some(command) = self.profile.hang_up.get(at).cloned() else {
            self.inbox.ringing = None;
            return false;
        };
        self.run_plain(now, Job::HangUp(at), &command);
        true
    }

    /// Asks how much a storage holds after something was deleted there.
    fn start_verify(&mut self, now: Now) -> bool {
        let Some(memory) = self.inbox.to_verify else {
            return false;
        };
        if self.inbox.selected != Some(memory) {
            self.inbox.to_verify = None;
            return false;
        }
        self.inbox.told = None;
        self.run_plain(now, Job::Verify(memory), "AT+CPMS?");
        true
    }

    fn start_listing(&mut self, now: Now) -> bool {
        if self.inbox.to_list.is_empty() {
            if now.monotonic < self.inbox.list_at {
                return false;
            }
            self.inbox.begin_listing(now.monotonic);
        }
        let Some(memory) = self.inbox.to_list.first().copied() else {
            return false;
        };
        if !self.inbox.list_selected {
            // Selected again even when it is: the answer tells how much is in it.
            self.inbox.selected = None;
            self.inbox.told = None;
            self.inbox.list_selected = true;
        }
        if self.select(now, memory) {
            return true;
        }
        self.inbox.shown = 0;
        let request = Request::list(self.profile.timing.listing);
        self.run(now, Job::List(memory), request);
        true
    }

    /// Selects a storage unless it is; false when there is nothing to send.
    fn select(&mut self, now: Now, memory: Memory) -> bool {
        if self.inbox.chosen.is_none() || self.inbox.selected == Some(memory) {
            return false;
        }
        let (all, text) = (self.inbox.all_uses, self.selection(memory));
        self.run_plain(now, Job::Select { memory, all }, &text);
        true
    }

    fn selection(&self, memory: Memory) -> Text {
        let mut text = Text::new();
        // 24 characters at most.
        let _ = match self.inbox.chosen.filter(|_| self.inbox.all_uses) {
            Some(chosen) => write!(text, "AT+CPMS=\"{memory}\",\"{chosen}\",\"{chosen}\""),
            None => write!(text, "AT+CPMS=\"{memory}\""),
        };
        text
    }

    /// An entry with its PDU.
    pub(super) fn entry(&mut self, now: Now, index: Option<u16>, pdu: Pdu) {
        let (memory, index) = match (&self.job, index) {
            (Some(Job::Read(memory, index)), None) => (*memory, *index),
            (Some(Job::List(memory)), Some(index)) => (*memory, index),
            _ => return,
        };
        self.inbox.shown = self.inbox.shown.saturating_add(1);
        let reading = matches!(self.job, Some(Job::Read(..)));
        let mark = inbox::mark(&pdu.tpdu);
        if !reading && !self.inbox.add(memory, index, Stage::ToRead, now.monotonic) {
            // Known and under way, or no room: the next listing shows it again. Unless something else stands there by now.
            if pdu.whole {
                self.inbox.seen_at(memory, index, mark);
            }
            return;
        }
        if reading
            && self
                .inbox
                .confirm(now.monotonic, memory, index, pdu.whole.then_some(mark))
        {
            return;
        }
        let vain = self.inbox.deleted_in_vain(memory, index, mark);
        let Some(slot) = self.inbox.slot(memory, index) else {
            return;
        };
        slot.tries += u8::from(reading);
        if pdu.tpdu.is_empty() || (!pdu.whole && slot.tries < READINGS) {
            // Torn on the line; what lies in the storage is whole.
            return;
        }
        slot.mark = mark;
        slot.due = now.monotonic;
        if let Some(times) = vain {
            // It is on disk already; the modem only said that it had deleted it.
            slot.stage = Stage::ToDelete;
            slot.due = now.monotonic + if times < DELETIONS { SOON } else { MUCH_LATER };
            return;
        }
        slot.stage = Stage::HandedOn;
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
                if let Job::Delete(memory, index) = job {
                    self.deletion_in_doubt(now, *memory, *index);
                }
                self.resync(now);
                return;
            }
        };
        match job {
            Job::Select { memory, all } => self.selected(*memory, *all, accepted),
            Job::Read(memory, index) => self.read(now, *memory, *index, accepted),
            Job::Delete(memory, index) => {
                // No code: the line was not understood, or its second half.
                self.inbox.one_a_line |=
                    self.inbox.is_elsewhere(*memory) && outcome == Outcome::Final(FinalResult::Error);
                let gone = accepted || outcome == Outcome::Final(FinalResult::Cms(321));
                self.deleted(now, *memory, *index, gone);
            }
            Job::List(memory) => {
                let used = self.inbox.told.is_some_and(|(used, _)| used > 0);
                if self.inbox.shown == 0 && (used || !accepted) {
                    self.inbox.sweep(now.monotonic, *memory);
                }
                self.inbox.listed();
            }
            Job::HangUp(at) => {
                let next = (!accepted).then_some(at + 1);
                self.inbox.ringing = next.filter(|next| *next < self.profile.hang_up.len());
            }
            Job::Verify(memory) => self.inbox.verified(now.monotonic, *memory, accepted),
            Job::Acknowledge => {
                self.inbox.acks = self.inbox.acks.saturating_sub(1);
                // 340: no acknowledgement expected. Asked for again, some stacks stall.
                self.inbox.never_acknowledge |= outcome == Outcome::Final(FinalResult::Cms(340));
                if !accepted {
                    self.inbox.acknowledge = false;
                    self.inbox.acks = 0;
                }
            }
            Job::Step | Job::Submit(_) | Job::Leaving | Job::Poll(_) | Job::Errand(_) => {}
        }
    }

    fn selected(&mut self, memory: Memory, all: bool, accepted: bool) {
        let inbox = &mut self.inbox;
        if accepted {
            inbox.selected = Some(memory);
        } else if all {
            // Named, but not there: nothing in it can be reached.
            inbox.slots.retain(|slot| slot.memory != memory);
            inbox.readable.retain(|readable| *readable != memory);
            if inbox.to_list.first() == Some(&memory) {
                inbox.listed();
            }
            inbox.all_uses = false;
        } else {
            inbox.all_uses = true;
        }
    }

    fn read(&mut self, now: Now, memory: Memory, index: u16, accepted: bool) {
        let shown = self.inbox.shown > 0 && accepted;
        self.inbox.unconfirmed(now.monotonic, memory, index, shown);
        let waiting = |slot: &&mut Slot| slot.stage == Stage::ToRead;
        let reports_apart = memory != Memory::SR && self.inbox.readable.contains(&Memory::SR);
        let Some(slot) = self.inbox.slot(memory, index).filter(waiting) else {
            return;
        };
        // Torn; or empty or refused: announced too early, under a wrong name, or gone.
        slot.tries += u8::from(!shown);
        slot.due = now.monotonic + SOON;
        if slot.report && !shown && reports_apart {
            // Announced where it is not: some firmware keeps reports apart.
            self.inbox.reports_stored = true;
            self.inbox.drop_slot(memory, index);
            self.inbox.list_also(Memory::SR);
        } else if slot.tries >= READINGS {
            self.inbox.drop_slot(memory, index);
        }
    }

    fn deleted(&mut self, now: Now, memory: Memory, index: u16, gone: bool) {
        let Some(slot) = self.inbox.slot(memory, index) else {
            return;
        };
        let mark = slot.mark;
        if gone && slot.again {
            // Taken by the next message already.
            *slot = Slot {
                stage: Stage::ToRead,
                due: now.monotonic,
                tries: 0,
                again: false,
                mark: 0,
                ..*slot
            };
        } else if gone {
            self.inbox.drop_slot(memory, index);
            self.inbox.note_deleted(memory, index, mark);
        } else if slot.again {
            self.deletion_in_doubt(now, memory, index);
        } else {
            // It stays known meanwhile, so that no listing hands it on again.
            slot.tries += 1;
            slot.due = now.monotonic + if slot.tries < DELETIONS { SOON } else { LATER };
            slot.confirmed = false;
        }
    }

    /// Nobody knows whether it is deleted. In its place may already lie the next message, which nobody has read: it is read
    /// before anything there is deleted again.
    pub(super) fn deletion_in_doubt(&mut self, now: Now, memory: Memory, index: u16) {
        let Some(slot) = self.inbox.slot(memory, index) else {
            return;
        };
        let mark = slot.mark;
        *slot = Slot {
            stage: Stage::ToRead,
            due: now.monotonic,
            tries: 0,
            again: false,
            ..*slot
        };
        self.inbox.note_deleted(memory, index, mark);
    }
}
