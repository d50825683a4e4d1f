//! PINs: what became of one, and whether the next may be given.

use alloc::string::String;

use super::{Modem, Phase};
use crate::at::Outcome;
use crate::base::Now;
use crate::modem::settings::Pin;
use crate::modem::sim::WRITING;
use crate::modem::task::Verdict;
use crate::modem::verbs::{Event, PinAnswer, PinEnd, PinTry};

impl Modem {
    /// Keeps what a step with the SIM has brought, and tells it.
    pub(super) fn sim_step_done(&mut self, now: Now, verdict: Verdict) {
        let Phase::Steps(cursor) = &mut self.phase else { return };
        let Some(task) = cursor.sim_task() else { return };
        task.remember(&mut self.pin);
        let ended = task.take_ended();
        let gives = (verdict == Verdict::Await).then(|| task.awaited().cloned()).flatten();
        if gives.is_some() {
            cursor.wait(now.monotonic + WRITING);
        }
        self.tell_pin(ended, gives);
    }

    /// Tells what became of a PIN, and which is about to be given.
    pub(super) fn tell_pin(&mut self, ended: Option<(PinTry, PinEnd)>, gives: Option<PinTry>) {
        if let Some((of, end)) = ended {
            self.tell(Event::PinEnded(of, end));
        }
        if let Some(of) = gives {
            self.tell(Event::GivesPin(of));
        }
    }

    /// Whether a PIN may be given.
    pub(super) fn pin_answered(&mut self, now: Now, of: PinTry, answer: PinAnswer) {
        if self.errand_pin_answered(now, &of, answer) {
            return;
        }
        if let Phase::Steps(cursor) = &mut self.phase
            && let Some(task) = cursor.sim_task()
            && task.awaited() == Some(&of)
        {
            let verdict = task.permitted(answer);
            task.remember(&mut self.pin);
            cursor.wait(now.monotonic);
            self.step_judged(now, verdict, Outcome::Settled);
        } else if answer == PinAnswer::Give {
            self.tell(Event::PinEnded(of, PinEnd::NotGiven));
        }
    }

    /// The SIM is open and has told its number: what is left to say of PINs.
    pub(super) fn settle_pins(&mut self) {
        let iccid = self.identity.iccid.clone();
        let told = |of: &Option<String>| of.is_none() || iccid.is_none() || *of == iccid;
        if let Some(open) = self.pin.open.take().filter(|open| told(&open.iccid)) {
            self.tell(Event::PinEnded(open, PinEnd::Taken));
        }
        if let Some(set) = self.pin.set_by_puk.take() {
            let of = |pin: Pin| PinTry {
                iccid: iccid.clone(),
                pin,
                tries_left: 0,
                by_person: true,
            };
            let configured = self.settings.pin.clone();
            let other = configured.clone().filter(|pin| *pin != set);
            // A configured PIN that is another than the new one is wrong now.
            self.pin.refused_by = other.is_some().then(|| iccid.clone());
            self.tell(Event::PinEnded(of(set), PinEnd::Taken));
            if let Some(other) = other {
                self.tell(Event::PinEnded(of(other), PinEnd::Refused));
            }
        }
    }
}
