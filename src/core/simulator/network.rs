//! The network: it takes or refuses what modems submit, reports on it, and brings what is sent to the SIMs.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::bank::{Bank, Seat, Timer};
use super::command::Failure;
use super::handset::{self, CALLER};
use super::identity::Identity;
use super::journal::{Accepted, Air};
use super::model::Reports;
use super::options::{Fault, ReportsWhileClosed};
use super::pdu;
use super::storage::{Kept, Memory, Status};
use super::transit::{Broken, Ending, Part, Spoilt, Submitting, Waiting};
use crate::base::Now;
use crate::sms::address::Address;

/// Messages and reports the network keeps for one SIM; the oldest give way.
const WAITING: usize = 1_000;

impl Seat {
    /// Whether the network reaches the modem, and it takes what comes.
    fn can_be_brought_to(&self, now: Now) -> bool {
        self.modem.serves(now) && now.monotonic >= self.silent_until && !self.modem.ailments.is_deaf()
    }
}

/// What came of bringing something to a SIM.
enum Brought {
    Yes,
    NotNow,
    Never,
}

impl Bank {
    /// A modem sends a part.
    pub(super) fn submit(&mut self, now: Now, modem: usize, tpdu: Vec<u8>, command: &'static str) {
        let Some(seat) = self.seats.get_mut(modem) else { return };
        let refusal = if pdu::read_submit(&tpdu).is_none() {
            Some(304)
        } else if !seat.modem.serves(now) {
            Some(331)
        } else {
            None
        };
        if let Some(code) = refusal {
            let answer = seat.modem.reply("", Err(Failure::Cms(code)));
            return self.answer(now, modem, answer);
        }
        seat.modem.last_reference = seat.modem.last_reference.wrapping_add(1);
        seat.busy = true;
        let tp_mr = seat.modem.last_reference;
        let epoch = seat.epoch;
        let Identity { iccid, number, .. } = &seat.modem.identity;
        let part = Part {
            tpdu,
            tp_mr,
            iccid: iccid.clone(),
            from: number.clone(),
        };
        let ending = self.draw_ending(now, modem);
        let submitting = Submitting {
            part,
            command,
            ending,
            epoch,
        };
        if self.options.latency.is_zero() {
            self.settle(now, modem, submitting);
        } else {
            self.schedule(now.monotonic + self.options.latency, modem, Timer::Settle(submitting));
        }
    }

    fn draw_ending(&mut self, now: Now, modem: usize) -> Ending {
        if self.draw(now, modem, Fault::CallComes) {
            self.call(now, modem, CALLER);
        }
        for fault in [
            Fault::SilentDrop,
            Fault::NoCredit,
            Fault::Barred,
            Fault::NoBearer,
            Fault::OddProfile,
            Fault::Deaf,
            Fault::DeafUntilToggled,
        ] {
            if self.draw(now, modem, fault) {
                self.fall_ill(now, modem, fault);
            }
        }
        self.ending_of_illness(modem)
            .unwrap_or_else(|| self.draw_ending_of_healthy(now, modem))
    }

    fn ending_of_illness(&mut self, modem: usize) -> Option<Ending> {
        let seat = self.seats.get(modem)?;
        let ailments = seat.modem.ailments;
        if ailments.has(Fault::NoCredit) {
            Some(Ending::Swallowed)
        } else if ailments.has(Fault::Barred) {
            Some(Ending::Refused(seat.barred_with))
        } else if ailments.has(Fault::NoBearer) || ailments.has(Fault::OddProfile) {
            Some(Ending::Failed(500))
        } else if ailments.has(Fault::SilentDrop) {
            Some(Ending::Dropped)
        } else {
            None
        }
    }

    fn draw_ending_of_healthy(&mut self, now: Now, modem: usize) -> Ending {
        for (fault, broken) in [
            (Fault::Restart, Broken::Restart),
            (Fault::PortVanishes, Broken::PortGone),
            (Fault::Hang, Broken::Hang),
            (Fault::RegistrationLost, Broken::NetworkGone),
            (Fault::PortFlaps, Broken::PortFlaps),
            (Fault::SimDropsOut, Broken::CardGone),
            (Fault::Denied, Broken::Ill(Fault::Denied)),
            (Fault::UrcsOnly, Broken::Ill(Fault::UrcsOnly)),
            (Fault::DeadUntilUsbReset, Broken::Ill(Fault::DeadUntilUsbReset)),
            (Fault::DeadUntilPowerCycle, Broken::Ill(Fault::DeadUntilPowerCycle)),
            (Fault::DeadForEver, Broken::Ill(Fault::DeadForEver)),
        ] {
            if self.draw(now, modem, fault) {
                return Ending::Broken(broken, self.random.bool());
            }
        }
        if self.draw_rarely(now, modem, Fault::HubFails) {
            return Ending::Broken(Broken::HubGone, self.random.bool());
        }
        for (fault, spoilt) in [
            (Fault::ResultLost, Spoilt::Lost),
            (Fault::ErrorAfterAcceptance, Spoilt::Error),
            (Fault::LateAnswer, Spoilt::Late),
            (Fault::WrongReference, Spoilt::WrongReference),
        ] {
            if self.draw(now, modem, fault) {
                return Ending::Spoilt(spoilt);
            }
        }
        if self.draw(now, modem, Fault::NetworkRefusal) {
            return Ending::Refused(self.pick(&[21, 38, 41, 42, 47, 69, 96, 192]));
        }
        Ending::Accepted
    }

    /// The network has decided.
    pub(super) fn settle(&mut self, now: Now, modem: usize, submitting: Submitting) {
        let Submitting {
            part,
            command,
            ending,
            epoch,
        } = submitting;
        if self.seats.get(modem).is_none_or(|seat| seat.epoch != epoch) {
            return self.settle_unheard(now, modem, part, ending);
        }
        let tp_mr = part.tp_mr;
        match ending {
            Ending::Accepted => {
                self.accept(now, modem, part);
                self.report_result(now, modem, command, tp_mr, Duration::ZERO);
            }
            Ending::Refused(cause) => {
                let recipient = pdu::read_submit(&part.tpdu)
                    .map(|s| s.to.to_text().to_string())
                    .unwrap_or_default();
                self.note(now, modem, Air::Refused { cause, recipient });
                self.fail_later(now, modem, cause, Duration::ZERO);
            }
            Ending::Spoilt(how) => {
                self.accept(now, modem, part);
                self.spoil(now, modem, command, tp_mr, how);
            }
            Ending::Failed(code) => {
                let delay = self.some_millis(1_000, 8_000);
                self.fail_later(now, modem, code, delay);
            }
            Ending::Dropped => {
                if let Some(submit) = pdu::read_submit(&part.tpdu) {
                    let recipient = submit.to.to_text().to_string();
                    let place = submit.concat.map_or(1, |(_, _, place)| place);
                    let dropped = Air::Dropped {
                        recipient,
                        place,
                        tp_mr,
                    };
                    self.note(now, modem, dropped);
                }
                self.report_result(now, modem, command, tp_mr, Duration::ZERO);
            }
            Ending::Swallowed => self.release(now, modem),
            Ending::Broken(how, accepted) => {
                if accepted {
                    self.accept(now, modem, part);
                }
                self.break_down(now, modem, how);
            }
        }
    }

    /// The network has decided, and the dialogue is over in which it could be told.
    fn settle_unheard(&mut self, now: Now, modem: usize, part: Part, ending: Ending) {
        match ending {
            Ending::Accepted | Ending::Spoilt(_) | Ending::Broken(_, true) => self.accept(now, modem, part),
            Ending::Refused(_) | Ending::Failed(_) | Ending::Dropped | Ending::Swallowed | Ending::Broken(_, false) => {
            }
        }
    }

    fn spoil(&mut self, now: Now, modem: usize, command: &'static str, tp_mr: u8, how: Spoilt) {
        match how {
            Spoilt::Error => {
                let delay = self.some_millis(2_000, 45_000);
                self.fail_later(now, modem, 500, delay);
            }
            Spoilt::Late => {
                let delay = self.some_millis(30_000, 150_000);
                self.report_result(now, modem, command, tp_mr, delay);
            }
            Spoilt::WrongReference => {
                let wrong = tp_mr.wrapping_add(self.random.u8(1..));
                self.report_result(now, modem, command, wrong, Duration::ZERO);
            }
            // Nothing is ever said.
            Spoilt::Lost => self.release(now, modem),
        }
    }

    fn break_down(&mut self, now: Now, modem: usize, how: Broken) {
        match how {
            Broken::Restart => self.restart(now, modem),
            Broken::PortGone => self.vanish(now, modem),
            Broken::Hang => self.hang(now, modem),
            Broken::PortFlaps => self.flap(now, modem, 4),
            Broken::HubGone => self.fail_hub(now, modem),
            Broken::Ill(fault) if fault != Fault::Denied => {
                self.release(now, modem);
                self.fall_ill(now, modem, fault);
            }
            // The radio is gone in the middle of it; the modem's own timer (TR1M) ends the wait.
            Broken::NetworkGone | Broken::CardGone | Broken::Ill(_) => {
                if how == Broken::CardGone {
                    self.drop_card(now, modem);
                } else if how == Broken::NetworkGone {
                    self.lose_network(now, modem);
                } else {
                    self.deny(modem);
                }
                let delay = self.some_millis(25_000, 45_000);
                self.fail_later(now, modem, 332, delay);
            }
        }
    }

    fn report_result(&mut self, now: Now, modem: usize, command: &str, tp_mr: u8, delay: Duration) {
        let Some(seat) = self.seats.get_mut(modem) else { return };
        let answer = seat.modem.acceptance(command, tp_mr);
        self.conclude(now, modem, &answer, delay);
    }

    fn fail_later(&mut self, now: Now, modem: usize, code: u16, delay: Duration) {
        let Some(seat) = self.seats.get_mut(modem) else { return };
        let answer = seat.modem.reply("", Err(Failure::Cms(code)));
        self.conclude(now, modem, &answer, delay);
    }

    /// The final answer to a submission.
    fn conclude(&mut self, now: Now, modem: usize, answer: &[u8], delay: Duration) {
        if delay.is_zero() {
            if let Some(seat) = self.seats.get_mut(modem) {
                seat.busy = false;
            }
            // May make it busy again: a slow or torn answer.
            self.answer(now, modem, answer.to_vec());
            if self.seats.get(modem).is_some_and(|seat| !seat.busy) {
                self.release(now, modem);
            }
        } else {
            self.speak(now, modem, answer, delay, 1);
        }
    }

    /// The service centre takes a part.
    fn accept(&mut self, now: Now, modem: usize, part: Part) {
        let Some(submission) = pdu::read_submit(&part.tpdu) else {
            return;
        };
        let tp_mr = part.tp_mr;
        // The network finds a SIM wherever it is by now.
        let of_it = |seat: &Seat| seat.modem.identity.iccid == part.iccid;
        let home = self.seats.iter().position(of_it).unwrap_or(modem);
        self.submissions += 1;
        let number = self.submissions;
        let recipient = submission.to.to_text().to_string();
        let accepted = Accepted {
            submission: number,
            iccid: part.iccid,
            from: part.from,
            recipient: recipient.clone(),
            tp_mr,
            concat: submission.concat,
            text: submission.text.clone(),
            report_requested: submission.report,
            tpdu: part.tpdu,
        };
        self.note(now, modem, Air::Accepted(accepted));
        if let Some(text) = &submission.text
            && let Some(whole) = self.handsets.receive(modem, &recipient, submission.concat, text)
        {
            self.read(now, home, recipient, &whole);
        }
        if submission.report {
            self.plan_reports(now, home, number, tp_mr, &submission.to);
        }
    }

    /// A text is whole where it goes: it comes in at a SIM of this bank, or a person reads it and may answer.
    fn read(&mut self, now: Now, modem: usize, recipient: String, text: &str) {
        let home = self
            .seats
            .iter()
            .position(|seat| seat.modem.identity.number == recipient);
        if let Some(home) = home
            && let Some(sender) = self.seats.get(modem)
        {
            let from = sender.modem.identity.number.clone();
            let text = text.into();
            return self.schedule(
                now.monotonic + self.options.report_delay,
                home,
                Timer::Reply { from, text },
            );
        }
        if let Some((text, after)) = handset::answer(&self.options.script, text) {
            let from = recipient;
            self.schedule(now.monotonic + after, modem, Timer::Reply { from, text });
        }
    }

    /// Which reports will come, and when.
    fn plan_reports(&mut self, now: Now, modem: usize, submission: u64, tp_mr: u8, to: &Address) {
        let delay = self.options.report_delay;
        let spread = u64::try_from(delay.as_micros() / 2).unwrap_or_default();
        let delay = delay + Duration::from_micros(self.random.u64(0..=spread));
        let national = self
            .draw(now, modem, Fault::ReportNational)
            .then(|| pdu::national(to))
            .flatten();
        let to = national.as_ref().unwrap_or(to);
        let clock = if self.draw(now, modem, Fault::ReportClockOff) {
            now.utc + Duration::from_secs(3_600) * self.random.u32(1..6)
        } else {
            now.utc
        };
        let report = |to: &Address, submission, tp_mr, tp_st, after: Duration| Waiting::Report {
            submission,
            tp_mr,
            tp_st,
            tpdu: pdu::report(tp_mr, to, clock, clock + after, tp_st),
        };
        let undeliverable = self.draw(now, modem, Fault::Undeliverable);
        let tp_st = if undeliverable {
            self.pick(&[0x41, 0x43, 0x45, 0x46, 0x62])
        } else {
            0x00
        };
        let last = report(to, Some(submission), tp_mr, tp_st, delay);
        if self.draw(now, modem, Fault::ReportForeign) {
            let stranger = Address::parse(&format!("+35389{:07}", self.random.u32(0..10_000_000)));
            let other = tp_mr.wrapping_add(self.random.u8(60..200));
            let foreign = stranger.map(|stranger| report(&stranger, None, other, 0x00, delay));
            if let Ok(foreign) = foreign {
                self.schedule(now.monotonic + delay, modem, Timer::Report(foreign));
            }
        }
        if self.draw(now, modem, Fault::ReportLost) {
            return self.note(
                now,
                modem,
                Air::ReportLost {
                    submission: Some(submission),
                },
            );
        }
        if self.draw(now, modem, Fault::ReportInterim) {
            let interim = report(to, Some(submission), tp_mr, 0x20, delay / 2);
            self.schedule(now.monotonic + delay / 2, modem, Timer::Report(interim));
        }
        if self.draw(now, modem, Fault::ReportTwice) {
            let again = now.monotonic + delay + self.some_millis(0, 3_000);
            self.schedule(again, modem, Timer::Report(last.clone()));
        }
        if self.draw(now, modem, Fault::ReportEarly) {
            return self.offer(now, modem, last);
        }
        self.schedule(now.monotonic + delay, modem, Timer::Report(last));
    }

    /// A handset sends a message to the SIM; `None` when it cannot be put into one.
    pub(super) fn send_inbound(&mut self, now: Now, modem: usize, from: &str, text: &str) -> Option<u64> {
        let inbound = self.inbounds + 1;
        let reference = u8::try_from(inbound % 256).unwrap_or_default();
        let parts = pdu::delivers(from, text, reference, now.utc)?;
        Some(self.send_parts(now, modem, from, text, parts))
    }

    /// The same of parts that are made already. Tells the message's number.
    pub(super) fn send_parts(&mut self, now: Now, modem: usize, from: &str, text: &str, parts: Vec<Vec<u8>>) -> u64 {
        self.inbounds += 1;
        let inbound = self.inbounds;
        let count = u8::try_from(parts.len()).unwrap_or(u8::MAX);
        self.note(
            now,
            modem,
            Air::Sent {
                inbound,
                from: from.into(),
                text: text.into(),
                parts: count,
            },
        );
        for tpdu in parts {
            if self.draw(now, modem, Fault::StorageFull) {
                let until = now.monotonic + self.some_millis(30_000, 120_000);
                if let Some(seat) = self.seats.get_mut(modem) {
                    seat.full_until = until;
                }
                self.schedule(until, modem, Timer::Flush);
            }
            self.offer(now, modem, Waiting::Inbound { inbound, tpdu });
        }
        inbound
    }

    /// Brings something to a SIM, after what waits for it already.
    pub(super) fn offer(&mut self, now: Now, modem: usize, what: Waiting) {
        let Some(seat) = self.seats.get_mut(modem) else { return };
        if seat.waiting.len() >= WAITING
            && let Some(Waiting::Report { submission, .. }) = seat.waiting.pop_front()
        {
            self.note(now, modem, Air::ReportLost { submission });
        }
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.waiting.push_back(what);
        }
        self.flush(now, modem);
    }

    /// The cards of two modems change places: what the network will have for them goes with them.
    pub(super) fn redirect(&mut self, one: usize, other: usize) {
        for (modem, timer) in self.timers.values_mut() {
            if matches!(timer, Timer::Report(_) | Timer::Reply { .. }) {
                *modem = match *modem {
                    at if at == one => other,
                    at if at == other => one,
                    elsewhere => elsewhere,
                };
            }
        }
    }

    /// Brings what waits. What cannot come now does not hold up the rest: messages and reports hinder each other not.
    pub(super) fn flush(&mut self, now: Now, modem: usize) {
        let Some(seat) = self.seats.get_mut(modem) else { return };
        for what in core::mem::take(&mut seat.waiting) {
            let brought = match &what {
                Waiting::Inbound { inbound, tpdu } => self.bring_inbound(now, modem, *inbound, tpdu),
                Waiting::Report {
                    submission,
                    tp_mr,
                    tp_st,
                    tpdu,
                } => {
                    let brought = self.bring_report(now, modem, tpdu);
                    if matches!(brought, Brought::Yes) {
                        let (submission, tp_mr, tp_st) = (*submission, *tp_mr, *tp_st);
                        self.note(
                            now,
                            modem,
                            Air::Reported {
                                submission,
                                tp_mr,
                                tp_st,
                            },
                        );
                    } else if matches!(brought, Brought::Never) {
                        self.note(
                            now,
                            modem,
                            Air::ReportLost {
                                submission: *submission,
                            },
                        );
                    }
                    brought
                }
            };
            if matches!(brought, Brought::NotNow)
                && let Some(seat) = self.seats.get_mut(modem)
            {
                seat.waiting.push_back(what);
            }
        }
    }

    fn bring_inbound(&mut self, now: Now, modem: usize, inbound: u64, tpdu: &[u8]) -> Brought {
        let Some(seat) = self.seats.get_mut(modem) else {
            return Brought::Never;
        };
        if !seat.can_be_brought_to(now) {
            return Brought::NotNow;
        }
        let listens = seat.port && seat.driver;
        let [_, mt, ..] = seat.modem.settings.notifications;
        let kind = pdu::Kind::of(tpdu);
        if kind == pdu::Kind::Type0 && !seat.modem.model.manners.keeps_type_0 {
            // It is acknowledged to the network and shown to nobody (3GPP TS 23.040 clause 9.2.3.9).
            return Brought::Yes;
        }
        if mt == 2 && listens && kind != pdu::Kind::ForSim {
            let (line, length) = pdu::routed_line(&seat.modem.identity.smsc, tpdu);
            self.note(now, modem, Air::Routed { inbound });
            self.tell(modem, &format!("+CMT: ,{length}\r\n{line}"));
            return Brought::Yes;
        }
        let [_, _, preferred] = seat.modem.settings.memories;
        let wrong = self.draw(now, modem, Fault::WrongMemory);
        let memory = if wrong || kind == pdu::Kind::ForSim {
            Memory::Sm
        } else {
            preferred
        };
        let Some((memory, index)) = self.store(now, modem, tpdu, Some(inbound), memory) else {
            self.tell_full(modem);
            return Brought::NotNow;
        };
        self.note(now, modem, Air::Stored { inbound, memory, index });
        if self.draw(now, modem, Fault::NoticesStop) {
            self.fall_ill(now, modem, Fault::NoticesStop);
        }
        let silent = self
            .seats
            .get(modem)
            .is_some_and(|seat| seat.modem.ailments.has(Fault::NoticesStop));
        if mt != 0 && !silent && !self.draw(now, modem, Fault::NoticeLost) {
            let twice = self.draw(now, modem, Fault::NoticeTwice);
            for _ in 0..=u8::from(twice) {
                self.tell(modem, &format!("+CMTI: \"{memory}\",{index}"));
            }
        }
        Brought::Yes
    }

    /// The model's word for a storage without a place, once.
    fn tell_full(&mut self, modem: usize) {
        let Some(seat) = self.seats.get_mut(modem) else { return };
        let line = seat.modem.model.stores.full;
        if !line.is_empty() && !core::mem::replace(&mut seat.full_told, true) {
            self.tell(modem, line);
        }
    }

    fn bring_report(&mut self, now: Now, modem: usize, tpdu: &[u8]) -> Brought {
        let Some(seat) = self.seats.get_mut(modem) else {
            return Brought::Never;
        };
        if !seat.can_be_brought_to(now) {
            return Brought::NotNow;
        }
        let listens = seat.port && seat.driver;
        let [_, _, _, ds, _] = seat.modem.settings.notifications;
        match (ds, listens, self.options.reports_while_closed) {
            (2, _, _) => {
                let [_, _, preferred] = seat.modem.settings.memories;
                let reports = seat.modem.model.stores.reports;
                let memory = if reports == Reports::WithMessages {
                    preferred
                } else {
                    Memory::Sr
                };
                let Some((memory, index)) = self.store(now, modem, tpdu, None, memory) else {
                    return Brought::NotNow;
                };
                let (memory, index) = match reports {
                    Reports::ApartUnderFalseName => ("SM", 0),
                    Reports::WithMessages | Reports::Apart => (memory, index),
                };
                self.tell(modem, &format!("+CDSI: \"{memory}\",{index}"));
                Brought::Yes
            }
            (1, true, _) => {
                let (line, length) = pdu::routed_line(&seat.modem.identity.smsc, tpdu);
                self.tell(modem, &format!("+CDS: {length}\r\n{line}"));
                Brought::Yes
            }
            (_, _, ReportsWhileClosed::Keep) => Brought::NotNow,
            (_, _, ReportsWhileClosed::Lose) => Brought::Never,
        }
    }

    /// Puts it into a storage.
    fn store(
        &mut self,
        now: Now,
        modem: usize,
        tpdu: &[u8],
        inbound: Option<u64>,
        memory: Memory,
    ) -> Option<(&'static str, usize)> {
        let seat = self.seats.get_mut(modem)?;
        if now.monotonic < seat.full_until || seat.modem.storage(memory).is_full() {
            return None;
        }
        let kept = Kept {
            status: Status::Unread,
            tpdu: tpdu.to_vec(),
            inbound,
        };
        let index = seat.modem.storage(memory).put(kept)?;
        seat.full_told = false;
        Some((memory.name(), index))
    }

    /// No network for a while.
    pub(super) fn lose_network(&mut self, now: Now, modem: usize) {
        let back = now.monotonic + self.some_millis(10_000, 60_000);
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.modem.registered = false;
        }
        self.tell_registration(modem);
        self.schedule(back, modem, Timer::NetworkBack);
    }

    pub(super) fn network_back(&mut self, now: Now, modem: usize) {
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.modem.registered = true;
        }
        self.tell_registration(modem);
        self.flush(now, modem);
    }

    pub(super) fn tell_registration(&mut self, modem: usize) {
        let Some(seat) = self.seats.get(modem) else { return };
        let (state, access) = (seat.modem.registration_state(), seat.modem.access());
        let asked = seat.modem.settings.registration;
        let lines: Vec<String> = ["+CREG", "+CGREG", "+CEREG"]
            .into_iter()
            .zip(asked)
            .filter(|(_, mode)| *mode > 0)
            .map(|(name, mode)| match (mode, state) {
                (2, 1) => format!("{name}: 1,\"1A2B\",\"01C3D4E5\",{access}"),
                _ => format!("{name}: {state}"),
            })
            .collect();
        for line in lines {
            self.tell(modem, &line);
        }
    }
}
