//! What people and hosts do to the modems of a bank: pull them out, cut their power, change the SIM, call; and provoking a
//! mishap instead of waiting for it.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::ailments::Remedy;
use super::bank::{Bank, NotInjected, Timer};
use super::card::Card;
use super::handset::CALLER;
use super::model::UssdForm;
use super::options::Fault;
use super::pdu;
use super::special::Special;
use crate::base::Now;

/// Most faults of one modem that wait for their opportunity.
const PROVOKED: usize = 64;
/// How often a phone rings before the caller gives up, and how far apart.
const RINGS: u8 = 6;
const RING_APART: Duration = Duration::from_secs(5);
/// Until the network answers a USSD request.
const USSD: Duration = Duration::from_millis(1_500);

/// Something that happens to one modem.
type Act = fn(&mut Bank, Now, usize);

/// Faults that need no opportunity.
const AT_ONCE: [(Fault, Act); 9] = [
    (Fault::Restart, Bank::restart),
    (Fault::PortVanishes, Bank::vanish),
    (Fault::PortFlaps, |bank, now, modem| bank.flap(now, modem, 6)),
    (Fault::HubFails, Bank::fail_hub),
    (Fault::Hang, Bank::hang),
    (Fault::RegistrationLost, Bank::lose_network),
    (Fault::SimDropsOut, Bank::drop_card),
    (Fault::Denied, |bank, _, modem| bank.deny(modem)),
    (Fault::CallComes, |bank, now, modem| bank.call(now, modem, CALLER)),
];

impl Bank {
    /// Makes a fault happen to one modem: those of the whole modem at once, the others at their next opportunity. At most
    /// 64 wait; more are ignored.
    pub fn provoke(&mut self, now: Now, modem: usize, fault: Fault) {
        if let Some((_, act)) = AT_ONCE.iter().find(|(of, _)| *of == fault) {
            act(self, now, modem);
        } else if fault.lasts() && fault != Fault::PoisonCommand {
            self.fall_ill(now, modem, fault);
        } else {
            self.wait_for_opportunity(modem, fault);
        }
    }

    fn wait_for_opportunity(&mut self, modem: usize, fault: Fault) {
        if let Some(seat) = self.seats.get_mut(modem)
            && seat.provoked.len() < PROVOKED
        {
            seat.provoked.push(fault);
        }
    }

    /// A person put in another modem, or repaired this one: nothing is the matter with it any more, and it starts anew.
    pub fn cure(&mut self, now: Now, modem: usize) {
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.modem.ailments = super::ailments::Ailments::default();
            seat.provoked.clear();
        }
        self.power_cycle(now, modem);
    }

    /// The host resets the USB device: its port goes and is back within 5 s. The modem behind it keeps its power.
    pub fn usb_reset(&mut self, now: Now, modem: usize) {
        self.interrupt(modem);
        self.take_port(modem);
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.modem.ailments.heal(Remedy::UsbReset);
        }
        let back = now.monotonic + self.some_millis(1_500, 5_000);
        self.schedule(back, modem, Timer::PortBack);
    }

    /// The host takes the power from the modem for some seconds. One that is dead for ever does not come back.
    pub fn power_cycle(&mut self, now: Now, modem: usize) {
        let Some(seat) = self.seats.get_mut(modem) else { return };
        seat.modem.ailments.heal(Remedy::PowerCycle);
        let gone = seat.modem.ailments.has(Fault::DeadForEver);
        self.take_port(modem);
        self.restart(now, modem);
        if let Some(seat) = self.seats.get(modem).filter(|_| !gone) {
            self.schedule(seat.silent_until, modem, Timer::PortBack);
        }
    }

    /// A person pulls the modem out.
    pub fn unplug(&mut self, modem: usize) {
        self.interrupt(modem);
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.unplugged = true;
        }
        self.take_port(modem);
    }

    /// A person plugs it in again; it starts.
    pub fn plug(&mut self, now: Now, modem: usize) {
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.unplugged = false;
        }
        self.power_cycle(now, modem);
    }

    /// A person puts a card with a PIN into the modem; so many of three tries are left. It is asked for from the next start on,
    /// and this starts it. The PUK is `12345678`.
    pub fn lock_sim(&mut self, now: Now, modem: usize, pin: &str, tries: u8) {
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.modem.card = Card::locked(pin, "12345678", tries);
        }
        self.power_cycle(now, modem);
    }

    /// Tries that are left of PIN and PUK.
    #[must_use]
    pub fn tries_left(&self, modem: usize) -> Option<(u8, u8)> {
        let card = &self.seats.get(modem)?.modem.card;
        Some((card.pin_left, card.puk_left))
    }

    /// A person takes the card out (`false`) or puts it back (`true`).
    pub fn set_sim_present(&mut self, now: Now, modem: usize, present: bool) {
        if present {
            return self.card_back(now, modem);
        }
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.modem.card.present = false;
        }
        self.tell(modem, "+CPIN: NOT READY");
        self.tell_registration(modem);
    }

    /// Puts the cards of two modems into each other's place: identities of SIMs, their counters and PINs.
    pub fn swap_sims(&mut self, now: Now, one: usize, other: usize) {
        if one == other || one.max(other) >= self.seats.len() {
            return;
        }
        let (low, high) = self.seats.split_at_mut(one.max(other));
        if let (Some(a), Some(b)) = (low.get_mut(one.min(other)), high.first_mut()) {
            // What the network has for a SIM goes with it.
            core::mem::swap(&mut a.waiting, &mut b.waiting);
            let (a, b) = (&mut a.modem, &mut b.modem);
            core::mem::swap(&mut a.card, &mut b.card);
            // One that sat loose sits firmly now.
            (a.card.present, b.card.present) = (true, true);
            core::mem::swap(&mut a.identity, &mut b.identity);
            core::mem::swap(&mut a.identity.imei, &mut b.identity.imei);
            core::mem::swap(&mut a.last_reference, &mut b.last_reference);
        }
        self.redirect(one, other);
        self.power_cycle(now, one);
        self.power_cycle(now, other);
    }

    /// Puts something that is no plain text on the air to the SIM in `modem`. Tells the number that the journal knows it by.
    ///
    /// # Errors
    /// [`NotInjected`].
    pub fn inject_special(&mut self, now: Now, modem: usize, from: &str, what: &Special) -> Result<u64, NotInjected> {
        if modem >= self.seats.len() {
            return Err(NotInjected::NoSuchModem);
        }
        let tpdu = pdu::special(from, what, now.utc).ok_or(NotInjected::NotAMessage)?;
        let text = what.text();
        Ok(self.send_parts(now, modem, from, text, Vec::from([tpdu])))
    }

    /// Somebody calls the SIM in `modem`: `RING` every five seconds, until the driver ends the call or the caller gives up.
    pub fn call(&mut self, now: Now, modem: usize, from: &str) {
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.rings = true;
        }
        self.ring_once(now, modem, from.into(), RINGS);
    }

    /// Whether somebody is calling now.
    #[must_use]
    pub fn is_ringing(&self, modem: usize) -> bool {
        self.seats.get(modem).is_some_and(|seat| seat.rings)
    }

    pub(super) fn ring_once(&mut self, now: Now, modem: usize, from: String, left: u8) {
        let Some(seat) = self.seats.get_mut(modem).filter(|seat| seat.rings) else {
            return;
        };
        if left == 0 || !seat.modem.serves(now) {
            seat.rings = false;
            return self.tell(modem, "NO CARRIER");
        }
        let named = seat.modem.settings.caller_told == 1;
        self.tell(modem, "RING");
        if named {
            self.tell(modem, &alloc::format!("+CLIP: \"{from}\",145,\"\",,\"\",0"));
        }
        let next = Timer::Ring { from, left: left - 1 };
        self.schedule(now.monotonic + RING_APART, modem, next);
    }

    /// The network answers a USSD request, in the form of the model.
    pub(super) fn ussd(&mut self, now: Now, modem: usize, code: &str) {
        if self.draw(now, modem, Fault::UssdSilent) {
            return;
        }
        let Some(seat) = self.seats.get(modem) else { return };
        let answer = self
            .options
            .ussd
            .iter()
            .find(|ussd| ussd.code == code)
            .map(|ussd| ussd.answer.as_str());
        let line = match (answer, seat.modem.model.manners.ussd) {
            _ if !seat.modem.serves(now) => "+CUSD: 4".into(),
            (None, _) => "+CUSD: 2".into(),
            (Some(text), UssdForm::Text) => alloc::format!("+CUSD: 0,\"{text}\",15"),
            (Some(text), UssdForm::Packed) => alloc::format!("+CUSD: 0,\"{}\",15", pdu::packed(text)),
            (Some(text), UssdForm::Ucs2) => alloc::format!("+CUSD: 0,\"{}\",72", pdu::ucs2(text)),
        };
        let lines = alloc::format!("\r\n{line}\r\n").into_bytes();
        self.schedule(now.monotonic + USSD, modem, Timer::Tell(lines));
    }
}
