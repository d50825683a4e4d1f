//! Which step of recovery comes next: what is wrong and how the last step ended go in, the next step comes out. It has no timer and
//! touches nothing; how a step is taken is `recover`'s part.

use alloc::vec::Vec;
use core::time::Duration;

use crate::base::{Instant, Now, StepPast, UtcTime};

/// A step of recovery, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Bring commands and answers into step.
    Resync,
    /// The whole bring-up again.
    SetUp,
    /// Close the port and open it again.
    Reopen,
    /// Radio off and on.
    Radio,
    /// The modem's own restart.
    Restart,
    /// Reset of the USB device.
    Usb,
    /// Power off and on.
    Power,
}

impl Level {
    /// What is being done, for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resync => "bringing commands and answers into step",
            Self::SetUp => "setting the modem up again",
            Self::Reopen => "opening the port again",
            Self::Radio => "switching the radio off and on",
            Self::Restart => "restarting the modem",
            Self::Usb => "resetting the USB device",
            Self::Power => "switching its power off and on",
        }
    }

    /// Most of them in one UTC day.
    const fn a_day(self) -> u8 {
        match self {
            Self::Resync | Self::SetUp | Self::Reopen | Self::Radio => u8::MAX,
            Self::Restart => 3,
            Self::Usb | Self::Power => 4,
        }
    }

    /// What is learned of it must outlive a restart: it disturbs, and what is kept of milder ones would be written too often.
    const fn is_kept(self) -> bool {
        matches!(self, Self::Radio | Self::Restart | Self::Usb | Self::Power)
    }

    const ALL: [Self; 7] = [
        Self::Resync,
        Self::SetUp,
        Self::Reopen,
        Self::Radio,
        Self::Restart,
        Self::Usb,
        Self::Power,
    ];

    /// Disturbs the radio or more: at most two in an hour.
    const fn is_scarce(self) -> bool {
        matches!(self, Self::Radio)
    }
}

/// What is wrong, gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// It does not answer.
    Silent,
    /// It answers, but refuses what it cannot work without.
    Refusing,
    /// It restarts by itself again and again.
    Looping,
    /// The SIM cannot be used.
    Sim,
    /// No network.
    Network,
    /// It sends nothing, although it is registered.
    Mute,
    /// It sends, but hears nothing.
    Deaf,
}

impl Fault {
    /// What may be tried, in this order.
    const fn chain(self) -> &'static [Level] {
        use Level::{Power, Radio, Reopen, Restart, Resync, SetUp, Usb};
        match self {
            Self::Silent => &[Resync, Resync, Reopen, Reopen, Restart, Usb, Power],
            Self::Refusing => &[SetUp, SetUp, Reopen, Radio, Restart, Usb, Power],
            // Most often its power; without means from outside, the port opened anew is the one look after each rest.
            Self::Looping => &[Usb, Power, Reopen, Reopen],
            Self::Sim => &[Radio],
            Self::Network => &[Radio, Radio, Restart],
            Self::Mute => &[Radio, Restart],
            Self::Deaf => &[SetUp, Radio, Restart],
        }
    }

    /// The modem is of no use while it lasts, so that it ends in quarantine when nothing helps.
    const fn is_grave(self) -> bool {
        match self {
            Self::Silent | Self::Refusing | Self::Looping => true,
            Self::Sim | Self::Network | Self::Mute | Self::Deaf => false,
        }
    }
}

/// What can be done to this modem from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Means {
    /// Its USB device can be reset.
    pub usb_reset: bool,
    /// Its power can be switched.
    pub power_cycle: bool,
}

/// Trouble that others have too: its cause lies outside the modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// With others on its hub: no reset of its USB device or its power.
    Hub,
    /// With others of its operator: no reset at all.
    Operator,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Take this step after that pause.
    Take(Level, Duration),
    /// Leave it alone so long, then ask again.
    Rest(Duration),
    /// Nothing may be done now; go on as it is, and ask again after this.
    Stay(Duration),
}

/// Pauses before steps, by how many failed before. Together so short that a modem is back, or in quarantine, within ten minutes
/// of its last word, also when that was a text's prompt, which is waited on for three of them.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(30),
    Duration::from_secs(45),
];

/// Rests in quarantine, by how many went before.
const RESTS: [Duration; 4] = [
    Duration::from_secs(15 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(4 * 60 * 60),
    Duration::from_secs(24 * 60 * 60),
];

/// When nothing may be done about a fault that is not grave.
const STAY: Duration = Duration::from_secs(15 * 60);

/// Scarce steps within this time: at most two.
const SCARCE: Duration = Duration::from_secs(60 * 60);

/// Trials after which it counts whether a step helps at all.
const TRIALS: u16 = 5;

/// Trouble that comes within this time after the last is the same trouble.
const SAME: Duration = Duration::from_secs(120);

/// Well for so long, what went before is forgotten.
const LONG: Duration = Duration::from_secs(60 * 60);

/// What is known of one level.
#[derive(Clone, Debug, Default)]
struct Book {
    /// In this trouble.
    done: u8,
    /// Lately; halved every day, so that what was learned can be unlearned.
    tried: u16,
    helped: u16,
    today: u8,
    /// It made matters worse the last time.
    worse: bool,
    recent: heapless::Deque<Instant, 2>,
}

impl Book {
    /// Helped fewer than one time in five.
    fn is_useless(&self) -> bool {
        self.tried >= TRIALS && self.helped * 5 < self.tried
    }

    fn begin(&mut self, now: Instant) {
        self.done = self.done.saturating_add(1);
        self.tried = self.tried.saturating_add(1);
        self.today = self.today.saturating_add(1);
        if self.recent.is_full() {
            self.recent.pop_front();
        }
        let _ = self.recent.push_back(now);
    }

    fn is_spent(&self, level: Level, now: Instant) -> bool {
        let lately = self.recent.iter().filter(|at| now.since(**at) < SCARCE).count();
        self.today >= level.a_day() || (level.is_scarce() && lately >= self.recent.capacity())
    }
}

#[derive(Clone, Debug, Default)]
struct Books {
    resync: Book,
    set_up: Book,
    reopen: Book,
    radio: Book,
    restart: Book,
    usb: Book,
    power: Book,
}

impl Books {
    const fn of(&self, level: Level) -> &Book {
        match level {
            Level::Resync => &self.resync,
            Level::SetUp => &self.set_up,
            Level::Reopen => &self.reopen,
            Level::Radio => &self.radio,
            Level::Restart => &self.restart,
            Level::Usb => &self.usb,
            Level::Power => &self.power,
        }
    }

    const fn of_mut(&mut self, level: Level) -> &mut Book {
        match level {
            Level::Resync => &mut self.resync,
            Level::SetUp => &mut self.set_up,
            Level::Reopen => &mut self.reopen,
            Level::Radio => &mut self.radio,
            Level::Restart => &mut self.restart,
            Level::Usb => &mut self.usb,
            Level::Power => &mut self.power,
        }
    }

    fn each(&mut self) -> [&mut Book; 7] {
        [
            &mut self.resync,
            &mut self.set_up,
            &mut self.reopen,
            &mut self.radio,
            &mut self.restart,
            &mut self.usb,
            &mut self.power,
        ]
    }
}

/// The ladder of one modem.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    books: Books,
    /// UTC day of the counts.
    day: i64,
    /// The step taken last, until it is known whether it helped, and what was wrong before it.
    under_way: Option<(Level, Fault)>,
    /// Steps paused for in this trouble.
    pauses: usize,
    /// Rests since the modem last did its work.
    rests: usize,
    /// When the last trouble ended, if it is certain.
    well_since: Option<Instant>,
    /// Counts the changes of what [`Ladder::past`] tells.
    changes: u32,
}

impl Ladder {
    /// The step whose effect is awaited.
    #[must_use]
    pub fn under_way(&self) -> Option<Level> {
        self.under_way.map(|(level, _)| level)
    }

    /// What was wrong before the step whose effect is awaited.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.under_way.map(|(_, fault)| fault)
    }

    /// Whether this step may be taken now.
    #[must_use]
    pub fn allows(&self, now: Now, level: Level, means: Means, shared: Option<Shared>) -> bool {
        self.is_allowed(now.monotonic, level, means, shared)
    }

    /// Resets begun on the UTC day of `at`.
    #[must_use]
    pub fn resets_on(&self, at: UtcTime) -> u32 {
        if day(at) != self.day {
            return 0;
        }
        [Level::Restart, Level::Usb, Level::Power]
            .iter()
            .map(|level| u32::from(self.books.of(*level).today))
            .sum()
    }

    /// What must outlive a restart.
    #[must_use]
    pub fn past(&self) -> Vec<StepPast> {
        let kept = (0..).zip(Level::ALL).filter(|(_, level)| level.is_kept());
        kept.map(|(place, level)| (place, self.books.of(level)))
            .filter(|(_, book)| book.tried > 0 || book.worse)
            .map(|(place, book)| StepPast {
                level: place,
                day: self.day,
                today: book.today,
                tried: book.tried,
                helped: book.helped,
                worse: book.worse,
            })
            .collect()
    }

    /// Grows with each change of what [`Ladder::past`] tells, the turn of the day apart.
    #[must_use]
    pub fn changes(&self) -> u32 {
        self.changes
    }

    /// Takes in what is known from before; of what both know, the graver holds.
    pub fn recall(&mut self, past: &[StepPast]) {
        let latest = past.iter().map(|step| step.day).max().unwrap_or_default();
        if latest > self.day {
            self.begin_day(latest);
        }
        for step in past {
            let Some(level) = Level::ALL.get(usize::from(step.level)).filter(|level| level.is_kept()) else {
                continue;
            };
            let is_today = step.day == self.day;
            let book = self.books.of_mut(*level);
            if is_today {
                book.today = book.today.max(step.today);
                book.worse |= step.worse;
            }
            if step.tried > book.tried {
                book.tried = step.tried;
                book.helped = step.helped;
            }
        }
    }

    fn changed(&mut self, level: Level) {
        if level.is_kept() {
            self.changes = self.changes.wrapping_add(1);
        }
    }

    /// Times this step was taken in the present trouble.
    #[must_use]
    pub fn times(&self, level: Level) -> u8 {
        self.books.of(level).done
    }

    /// What to do about a fault. A step whose effect was awaited did not help.
    pub fn next(&mut self, now: Now, fault: Fault, means: Means, shared: Option<Shared>) -> Move {
        self.turn_day(now.utc);
        let well = self.well_since.take().map(|at| now.monotonic.since(at));
        if well.is_some_and(|well| well >= SAME) {
            self.forget_trouble();
        }
        if well.is_some_and(|well| well >= LONG) {
            self.rests = 0;
        }
        self.failed(fault);
        let wanted = |level: Level| fault.chain().iter().filter(|l| **l == level).count();
        let next = fault.chain().iter().find(|level| {
            usize::from(self.books.of(**level).done) < wanted(**level)
                && self.is_allowed(now.monotonic, **level, means, shared)
        });
        match next {
            Some(level) => Move::Take(*level, self.pause(*level)),
            None if fault.is_grave() => Move::Rest(self.rest()),
            None => Move::Stay(STAY),
        }
    }

    /// The step begins.
    pub fn begin(&mut self, now: Now, level: Level, fault: Fault) {
        self.turn_day(now.utc);
        self.books.of_mut(level).begin(now.monotonic);
        self.changed(level);
        self.under_way = Some((level, fault));
    }

    /// The modem is back; the step under way, if any, has done it.
    pub fn helped(&mut self, now: Now) {
        if let Some((level, _)) = self.under_way.take() {
            let book = self.books.of_mut(level);
            book.helped = book.helped.saturating_add(1);
            book.worse = false;
            self.changed(level);
        }
        self.well_since.get_or_insert(now.monotonic);
    }

    /// The modem does its work: the trouble is over for certain.
    pub fn over(&mut self, now: Now) {
        self.helped(now);
        self.forget_trouble();
        self.rests = 0;
    }

    /// The step under way made the modem's port vanish for good.
    pub fn lost_it(&mut self) {
        if let Some((level, _)) = self.under_way.take() {
            self.books.of_mut(level).worse = true;
            self.changed(level);
        }
    }

    fn failed(&mut self, fault: Fault) {
        let Some((level, before)) = self.under_way.take() else {
            return;
        };
        let book = self.books.of_mut(level);
        // It was there to say what was wrong, and now it is silent.
        let worse = before != Fault::Silent && fault == Fault::Silent;
        let learned = book.worse != worse;
        book.worse = worse;
        if level == Level::Resync {
            book.done = u8::MAX;
        }
        if learned {
            self.changed(level);
        }
    }

    fn is_allowed(&self, now: Instant, level: Level, means: Means, shared: Option<Shared>) -> bool {
        let possible = match level {
            Level::Resync | Level::SetUp | Level::Reopen | Level::Radio | Level::Restart => true,
            Level::Usb => means.usb_reset,
            Level::Power => means.power_cycle,
        };
        let own = match shared {
            None => true,
            Some(Shared::Hub) => level < Level::Usb,
            Some(Shared::Operator) => level < Level::Radio,
        };
        let book = self.books.of(level);
        // What costs nothing may be tried however seldom it helps.
        let pays = level < Level::Radio || !book.is_useless();
        possible && own && pays && !book.worse && !book.is_spent(level, now)
    }

    fn pause(&mut self, level: Level) -> Duration {
        let first_reopening = level == Level::Reopen && self.books.reopen.done == 0;
        if level == Level::Resync || first_reopening {
            return Duration::ZERO;
        }
        let pause = PAUSES.get(self.pauses).or(PAUSES.last()).copied().unwrap_or_default();
        self.pauses += 1;
        pause
    }

    /// After it the ladder is climbed again from the restart on, with one look before.
    fn rest(&mut self) -> Duration {
        let rest = RESTS.get(self.rests).or(RESTS.last()).copied().unwrap_or_default();
        self.rests += 1;
        self.pauses = 0;
        for book in self.books.each() {
            book.done = u8::MAX;
        }
        self.books.reopen.done = 1;
        for level in [Level::Restart, Level::Usb, Level::Power] {
            self.books.of_mut(level).done = 0;
        }
        rest
    }

    fn forget_trouble(&mut self) {
        self.pauses = 0;
        for book in self.books.each() {
            book.done = 0;
        }
    }

    fn turn_day(&mut self, at: UtcTime) {
        let today = day(at);
        if today != self.day {
            self.begin_day(today);
        }
    }

    fn begin_day(&mut self, today: i64) {
        self.day = today;
        for book in self.books.each() {
            book.today = 0;
            book.worse = false;
            book.tried /= 2;
            book.helped /= 2;
        }
    }
}

/// Days since 1970.
const fn day(at: UtcTime) -> i64 {
    at.as_millis().div_euclid(24 * 60 * 60 * 1_000)
}

#[cfg(test)]
#[path = "tests/ladder.rs"]
mod tests;
