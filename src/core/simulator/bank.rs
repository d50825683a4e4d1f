//! The bank: its doors, its clock, and what a driver's bytes lead to.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::command::Failure;
use super::handset::Handsets;
use super::identity::Identity;
use super::journal::{Air, AirEvent};
use super::line::Heard;
use super::model::Model;
use super::modem::{Data, Effect, Modem, Outcome};
use super::options::{Fault, Faults, Options};
use super::transit::{Submitting, Waiting};
use crate::base::limits::MODEMS;
use crate::base::{Instant, Now};

/// Bytes that wait while a modem is busy; more are lost, as in a real UART.
const UNHEARD: usize = 4_096;
/// Bytes of unsolicited lines that wait while a prompt stands open; more are lost.
const UNSAID: usize = 4_096;
/// Journal entries kept until they are taken; the oldest give way, and are counted.
const JOURNAL: usize = 1_000_000;

/// What happens to a port besides bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BankEvent {
    /// The modem's port is gone; drivers see a hang-up.
    PortGone(usize),
    /// It is there again.
    PortBack(usize),
}

/// Why a message was not put on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotInjected {
    /// The bank has no such modem.
    #[error("the bank has no modem of this number")]
    NoSuchModem,
    /// The sender is no number and no name of at most 11 characters, or the text is empty or longer than 20 parts.
    #[error("sender or text cannot be put into a message")]
    NotAMessage,
}

/// What is to happen later.
#[derive(Clone, Debug)]
pub(super) enum Timer {
    /// Bytes for the driver; after the last of them the modem listens again.
    Say { epoch: u32, bytes: Vec<u8>, last: bool },
    /// The network answers a submission; until then the modem is busy, so nothing can have come between.
    Settle(Submitting),
    /// Unsolicited lines.
    Tell(Vec<u8>),
    /// A delivery report is ready.
    Report(Waiting),
    /// A handset answers.
    Reply { from: String, text: String },
    /// The port is back.
    PortBack,
    /// The network is back.
    NetworkBack,
    /// Something that hindered deliveries may be over.
    Flush,
    /// The model's noise is due.
    Noise,
    /// The call rings once more, so many times after it.
    Ring { from: String, left: u8 },
    /// The port goes again, so many times after it.
    Flap { left: u8 },
    /// Another program is heard, so many times after it.
    Foreign { left: u8 },
    /// The SIM has contact again.
    CardBack,
    /// A lasting fault is over after all.
    Over(Fault),
}

/// A modem at its place: what surrounds it.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) modem: Modem,
    /// The port exists.
    pub(super) port: bool,
    /// A driver has said something since the port was opened.
    pub(super) driver: bool,
    /// A command or submission is under way; bytes wait.
    pub(super) busy: bool,
    /// What is said for an older epoch is not said: the modem restarted, hung or vanished meanwhile.
    pub(super) epoch: u32,
    /// Deaf and mute until then.
    pub(super) silent_until: Instant,
    /// The storage takes nothing until then.
    pub(super) full_until: Instant,
    /// That the storage is full was told.
    pub(super) full_told: bool,
    /// Somebody took it out of its socket.
    pub(super) unplugged: bool,
    /// Its noise is planned.
    pub(super) hums: bool,
    /// Somebody calls.
    pub(super) rings: bool,
    /// When the last command came.
    pub(super) last_line: Instant,
    /// Faults that happen at their next opportunity, whatever their rate.
    pub(super) provoked: Vec<Fault>,
    /// The cause the network refuses it with, with [`Fault::Barred`].
    pub(super) barred_with: u16,
    /// The network has messages and reports for it.
    pub(super) waiting: VecDeque<Waiting>,
    unheard: VecDeque<u8>,
    unsaid: Vec<u8>,
}

impl Seat {
    /// Takes what waits until something is whole; the rest goes on waiting. Gathers the echo.
    fn hear_on(&mut self, echo: &mut Vec<u8>) -> Option<Heard> {
        while let Some(byte) = self.unheard.pop_front() {
            // V.250 echoes the line as it came; control characters that end data are not part of it.
            if self.modem.settings.echo && byte != 0x1A && byte != 0x1B {
                echo.push(byte);
            }
            let heard = self.modem.hear(byte);
            if heard.is_some() {
                return heard;
            }
        }
        None
    }
}

/// A bank of virtual modems with its network.
#[derive(Debug)]
pub struct Bank {
    pub(super) options: Options,
    pub(super) random: fastrand::Rng,
    pub(super) seats: Vec<Seat>,
    pub(super) handsets: Handsets,
    pub(super) submissions: u64,
    pub(super) inbounds: u64,
    pub(super) events: VecDeque<BankEvent>,
    pub(super) timers: BTreeMap<(Instant, u64), (usize, Timer)>,
    timer_count: u64,
    transmit: VecDeque<(usize, Vec<u8>)>,
    journal: VecDeque<AirEvent>,
    journal_lost: u64,
}

impl Bank {
    /// A bank whose modems are up, registered and empty, in their settings after power-on.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let seat = |index| Seat {
            modem: Modem::new(
                model(&options, index),
                Identity::new(options.seed, index),
                index,
                options.places,
            ),
            port: true,
            driver: false,
            busy: false,
            epoch: 0,
            silent_until: Instant::ZERO,
            full_until: Instant::ZERO,
            full_told: false,
            unplugged: false,
            hums: false,
            rings: false,
            last_line: Instant::ZERO,
            provoked: Vec::new(),
            barred_with: 0,
            waiting: VecDeque::new(),
            unheard: VecDeque::new(),
            unsaid: Vec::new(),
        };
        Self {
            random: fastrand::Rng::with_seed(options.seed),
            seats: (0..options.modems.min(MODEMS)).map(seat).collect(),
            handsets: Handsets::default(),
            submissions: 0,
            inbounds: 0,
            events: VecDeque::new(),
            timers: BTreeMap::new(),
            timer_count: 0,
            transmit: VecDeque::new(),
            journal: VecDeque::new(),
            journal_lost: 0,
            options,
        }
    }

    /// Modems in the bank.
    #[must_use]
    pub fn modems(&self) -> usize {
        self.seats.len()
    }

    /// Who a modem and its SIM are.
    #[must_use]
    pub fn identity(&self, modem: usize) -> Option<&Identity> {
        self.seats.get(modem).map(|seat| &seat.modem.identity)
    }

    /// Bytes from the driver of a modem. The first ones after the port was opened tell that it is open.
    pub fn handle_input(&mut self, now: Now, modem: usize, bytes: &[u8]) {
        let Some(seat) = self.seats.get_mut(modem) else { return };
        if !seat.port {
            return;
        }
        let arrived = !seat.driver;
        seat.driver = true;
        if now.monotonic < seat.silent_until || seat.modem.ailments.is_dead() {
            return;
        }
        let room = UNHEARD.saturating_sub(seat.unheard.len());
        seat.unheard.extend(bytes.iter().take(room));
        self.listen(now, modem);
        if arrived {
            self.hum(now, modem);
            self.flush(now, modem);
        }
    }

    /// The driver closed the port (or died).
    pub fn handle_closed(&mut self, _now: Now, modem: usize) {
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.driver = false;
            seat.unsaid.clear();
        }
        self.transmit.retain(|(to, _)| *to != modem);
    }

    /// Time passed. Waking too early is harmless.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(entry) = self.timers.first_entry()
            && entry.key().0 <= now.monotonic
        {
            let (modem, timer) = entry.remove();
            self.happen(now, modem, timer);
        }
    }

    /// When [`Bank::handle_timeout`] is due; none when nothing will happen by itself.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.keys().next().map(|(at, _)| *at)
    }

    /// The next bytes for the driver of a modem, in order.
    pub fn poll_transmit(&mut self) -> Option<(usize, Vec<u8>)> {
        self.transmit.pop_front()
    }

    /// The next thing that happened to a port.
    pub fn poll_event(&mut self) -> Option<BankEvent> {
        self.events.pop_front()
    }

    /// Puts a message on the air, from `from` (a number or a name) to the SIM in `modem`, in as many parts as it
    /// takes. Tells the number that the journal knows it by.
    ///
    /// # Errors
    /// [`NotInjected`].
    pub fn inject(&mut self, now: Now, modem: usize, from: &str, text: &str) -> Result<u64, NotInjected> {
        if modem >= self.seats.len() {
            return Err(NotInjected::NoSuchModem);
        }
        self.send_inbound(now, modem, from, text)
            .ok_or(NotInjected::NotAMessage)
    }

    /// From now on faults happen this often. What has begun goes on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.options.faults = faults;
    }

    /// What the air saw since it was last taken, oldest first.
    pub fn take_journal(&mut self) -> Vec<AirEvent> {
        self.journal.drain(..).collect()
    }

    /// Entries that were lost because nobody took them (the journal holds a million).
    #[must_use]
    pub fn journal_lost(&self) -> u64 {
        self.journal_lost
    }

    pub(super) fn note(&mut self, at: Now, modem: usize, what: Air) {
        if self.journal.len() >= JOURNAL {
            self.journal.pop_front();
            self.journal_lost += 1;
        }
        self.journal.push_back(AirEvent { at, modem, what });
    }

    pub(super) fn schedule(&mut self, at: Instant, modem: usize, timer: Timer) {
        self.timer_count += 1;
        self.timers.insert((at, self.timer_count), (modem, timer));
    }

    /// From `least` to `most` milliseconds.
    pub(super) fn some_millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.random.u64(least..=most))
    }

    /// Says something now, unless nobody is there to hear it.
    pub(super) fn say(&mut self, modem: usize, bytes: Vec<u8>) {
        let heard = |seat: &Seat| seat.port && seat.driver && !seat.modem.ailments.is_dead();
        if !bytes.is_empty() && self.seats.get(modem).is_some_and(heard) {
            self.transmit.push_back((modem, bytes));
        }
    }

    /// Says an unsolicited line, after an open prompt or a torn answer.
    pub(super) fn tell(&mut self, modem: usize, line: &str) {
        let Some(seat) = self.seats.get_mut(modem) else { return };
        let bytes = [b"\r\n", line.as_bytes(), b"\r\n"].concat();
        if !seat.modem.at_prompt() {
            return self.say(modem, bytes);
        }
        if seat.driver && seat.unsaid.len() + bytes.len() <= UNSAID {
            seat.unsaid.extend_from_slice(&bytes);
        }
    }

    /// The modem is done with what it was busy with.
    pub(super) fn release(&mut self, now: Now, modem: usize) {
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.busy = false;
        }
        self.listen(now, modem);
    }

    /// Hears what waits, until it is busy.
    fn listen(&mut self, now: Now, modem: usize) {
        let mut echo = Vec::new();
        while let Some(seat) = self.seats.get_mut(modem)
            && !seat.busy
            && now.monotonic >= seat.silent_until
            && let Some(heard) = seat.hear_on(&mut echo)
        {
            self.say(modem, core::mem::take(&mut echo));
            match heard {
                Heard::Line(line) => self.line(now, modem, &line),
                Heard::TooLong => {
                    let outcome = self.seats.get_mut(modem).map(|seat| seat.modem.refuse_line());
                    self.answer(now, modem, outcome.unwrap_or_default().answer);
                }
                Heard::Data(octets) => self.data(now, modem, octets),
                Heard::Cancel => {
                    let Some(seat) = self.seats.get_mut(modem) else { return };
                    seat.modem.leave_prompt();
                    let answer = seat.modem.cancelled();
                    self.answer(now, modem, answer);
                }
            }
            self.say_unsaid(modem);
        }
        self.say(modem, echo);
    }

    fn say_unsaid(&mut self, modem: usize) {
        if let Some(seat) = self.seats.get_mut(modem).filter(|seat| !seat.modem.at_prompt()) {
            let bytes = core::mem::take(&mut seat.unsaid);
            self.say(modem, bytes);
        }
    }

    fn line(&mut self, now: Now, modem: usize, line: &str) {
        if line.is_empty() || self.trip(now, modem, line) {
            return;
        }
        let keeps = self.draws_at(now, modem, Fault::DeleteFails, line, "+CMGD=");
        let mute = self.draws_at(now, modem, Fault::RadioAnswerLost, line, "+CFUN=");
        let Some(seat) = self.seats.get_mut(modem) else { return };
        seat.modem.keeps_deleted = keeps;
        let Outcome {
            mut answer,
            effects,
            prompt,
        } = seat.modem.run(line, now);
        if prompt && self.draw(now, modem, Fault::LocalRefusal) {
            let code = self.pick(&[300, 302, 314, 331, 500, 513, 515]);
            let Some(seat) = self.seats.get_mut(modem) else { return };
            seat.modem.leave_prompt();
            answer = seat.modem.reply("", Err(Failure::Cms(code)));
        } else if prompt && self.draw(now, modem, Fault::PromptLost) {
            answer.clear();
        }
        if mute {
            answer.clear();
            let until = now.monotonic + self.some_millis(10_000, 30_000);
            self.silence(modem, until);
        }
        self.answer(now, modem, answer);
        for effect in effects {
            self.effect(now, modem, effect);
        }
    }

    fn effect(&mut self, now: Now, modem: usize, effect: Effect) {
        match effect {
            Effect::Restart => self.restart(now, modem),
            Effect::Deleted { memory, index, inbound } => {
                self.note(
                    now,
                    modem,
                    Air::Deleted {
                        inbound,
                        memory: memory.name(),
                        index,
                    },
                );
                self.flush(now, modem);
            }
            Effect::Submit(tpdu) => self.submit(now, modem, tpdu, "+CMSS"),
            Effect::Listen => self.flush(now, modem),
            Effect::Hang => self.fall_ill(now, modem, Fault::DeadUntilUsbReset),
            Effect::Ussd(code) => self.ussd(now, modem, &code),
            Effect::HangUp => {
                if let Some(seat) = self.seats.get_mut(modem) {
                    seat.rings = false;
                }
            }
        }
    }

    fn data(&mut self, now: Now, modem: usize, mut octets: Vec<u8>) {
        if self.draw(now, modem, Fault::CtrlZLost) {
            // It never was heard: the modem goes on collecting.
            if let Some(seat) = self.seats.get_mut(modem) {
                seat.modem.ear.resume_data(octets);
            }
            return;
        }
        if self.draw(now, modem, Fault::BytesLost) {
            let kept = octets.len().saturating_sub(self.random.usize(1..6));
            octets.truncate(kept);
        }
        let Some(seat) = self.seats.get_mut(modem) else { return };
        match seat.modem.data(&octets) {
            Data::Submit(tpdu) if seat.modem.model.manners.longest.is_some_and(|most| tpdu.len() > most) => {
                self.fall_ill(now, modem, Fault::DeadUntilUsbReset);
            }
            Data::Submit(tpdu) => self.submit(now, modem, tpdu, "+CMGS"),
            Data::Answer(answer) => self.answer(now, modem, answer),
        }
    }

    fn happen(&mut self, now: Now, modem: usize, timer: Timer) {
        let Some(seat) = self.seats.get_mut(modem) else { return };
        match timer {
            Timer::Say { epoch, bytes, last } if epoch == seat.epoch => {
                self.say(modem, bytes);
                if last {
                    self.release(now, modem);
                }
            }
            Timer::Say { .. } => {}
            Timer::Settle(submitting) => self.settle(now, modem, submitting),
            Timer::Tell(lines) => self.say(modem, lines),
            Timer::Report(report) => self.offer(now, modem, report),
            Timer::Reply { from, text } => {
                // The sender is a number that a part went to, so it can be put into a message.
                let _ = self.send_inbound(now, modem, &from, &text);
            }
            Timer::PortBack => self.port_back(now, modem),
            Timer::NetworkBack => self.network_back(now, modem),
            Timer::Flush => self.flush(now, modem),
            Timer::Noise => {
                seat.hums = false;
                if let Some(noise) = seat.modem.model.noise.as_ref().filter(|_| seat.modem.noisy) {
                    self.tell(modem, noise.line);
                }
                self.hum(now, modem);
            }
            Timer::Ring { from, left } => self.ring_once(now, modem, from, left),
            Timer::Flap { left } => self.flap(now, modem, left),
            Timer::Foreign { left } => self.talk_between(now, modem, left),
            Timer::CardBack => self.card_back(now, modem),
            Timer::Over(fault) => seat.modem.ailments.remove(fault),
        }
    }

    /// Plans the model's noise, while somebody can hear it and nobody has forbidden it.
    pub(super) fn hum(&mut self, now: Now, modem: usize) {
        let Some(seat) = self.seats.get_mut(modem) else { return };
        if let Some(noise) = seat.modem.model.noise.as_ref()
            && seat.modem.noisy
            && seat.driver
            && !seat.hums
        {
            seat.hums = true;
            self.schedule(now.monotonic + Duration::from_secs(noise.seconds), modem, Timer::Noise);
        }
    }

    /// Whatever the modem was doing is over; nothing of it will be said any more.
    pub(super) fn interrupt(&mut self, modem: usize) {
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.epoch = seat.epoch.wrapping_add(1);
            seat.busy = false;
            seat.unheard.clear();
            seat.unsaid.clear();
            seat.modem.leave_prompt();
        }
    }
}

/// The model at a place of the bank: those that were named, over and over.
fn model(options: &Options, index: usize) -> &'static Model {
    let count = options.models.len().max(1);
    options.models.get(index % count).copied().unwrap_or(&Model::GENERIC)
}
