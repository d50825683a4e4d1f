//! Between a modem that is about to give its card a PIN and the store that must know of it before.

use super::bank::Gateway;
use super::ledger::Purpose;
use super::{SlotIndex, translate};
use crate::base::{Body, Now};
use crate::modem::{self, PinAnswer, PinEnd, PinTry};
use crate::queue::verbs::{self, Request};

impl Gateway {
    /// A modem is about to give a PIN: it waits until the try is on disk.
    pub(super) fn gives_pin(&mut self, slot: SlotIndex, of: PinTry) {
        // Asked again by a modem that waited long: the answer under way will do.
        if self.ledger.trying_pin(slot, &of) {
            return;
        }
        let wanted = verbs::PinTry {
            holder: self.holder(slot, &of),
            label: self.label(slot),
            pin: Body::new(of.pin.reveal()),
            tries_left: of.tries_left,
            by_person: of.by_person,
        };
        self.ledger.ask(Purpose::TryPin(slot, of), Request::TryPin(wanted));
    }

    /// What became of a PIN.
    pub(super) fn pin_ended(&mut self, slot: SlotIndex, of: &PinTry, end: PinEnd) {
        let ended = verbs::PinEnded {
            holder: self.holder(slot, of),
            pin: Body::new(of.pin.reveal()),
            end: translate::pin_end(end),
        };
        self.ledger.ask(Purpose::EndPin, Request::EndPin(ended));
    }

    pub(super) fn answer_pin(&mut self, now: Now, slot: SlotIndex, of: PinTry, answer: PinAnswer) {
        self.tell_modem(now, slot, modem::Command::PinAnswer(of, answer));
    }

    /// By whom a PIN is known: its card, or the place of one that does not tell its number while it is locked.
    fn holder(&self, slot: SlotIndex, of: &PinTry) -> alloc::string::String {
        of.iccid.clone().unwrap_or_else(|| self.label(slot))
    }
}
