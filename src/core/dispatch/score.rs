//! How well a SIM in its modem does its work, by what became of its messages: taken out when it fails, tried again with one message at
//! a time, brought back when that goes well. A plain value; death is decided elsewhere.

use core::time::Duration;

use crate::base::Instant;

/// Best and first.
const FULL: u8 = 100;
/// Below this it is taken out.
const OUT: u8 = 40;
/// At this it is back.
const BACK: u8 = 60;
/// For an acceptance; while it is taken out, an acceptance proves more.
const ACCEPTED: u8 = 5;
const TRIAL: u8 = 20;
/// For a failure, an outcome that is not known, and falling silent.
const FAILED: u8 = 10;
const UNKNOWN: u8 = 15;
const SILENT: u8 = 20;

/// Failures in a row after which it is taken out, also where the signal is poor.
const ROW: u32 = 3;
const ROW_AT_POOR_SIGNAL: u32 = 2;
/// Failures in a row, with a signal that should do, after which it counts as mute.
const MUTE: u32 = 5;

/// Rests; each one after a failed trial is twice as long.
const FIRST_REST: Duration = Duration::from_secs(30);
const LONGEST_REST: Duration = Duration::from_secs(900);

/// Reports owed, and for how long, after which it counts as deaf.
const OWED: u32 = 20;
const OWED_FOR: Duration = Duration::from_secs(30 * 60);
/// From one suspicion to the next.
const SUSPECT_EVERY: Duration = Duration::from_secs(15 * 60);

/// CSQ 9 and 5 (27.007 clause 8.5): fair ends, poor begins.
const WEAK_DBM: i16 = -95;
const POOR_DBM: i16 = -103;

/// How an attempt ended, as far as it tells of the SIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Accepted; whether a report was asked for.
    Accepted {
        /// It was.
        report: bool,
    },
    /// Refused, or not even begun.
    Failed,
    /// Nobody knows.
    Unknown,
    /// Refused for a reason that lies in the message.
    NotItsFault,
}

/// What a SIM that seems well may be suspected of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// Nothing it sends is taken.
    Mute,
    /// It hears nothing.
    Deaf,
}

/// The books of one SIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    points: u8,
    row: u32,
    /// Taken out: no message before this.
    out: Option<Instant>,
    rests: u32,
    owed: u32,
    owed_since: Option<Instant>,
    missed_itself: bool,
    suspected_at: Option<Instant>,
}

impl Default for Score {
    fn default() -> Self {
        Self {
            points: FULL,
            row: 0,
            out: None,
            rests: 0,
            owed: 0,
            owed_since: None,
            missed_itself: false,
            suspected_at: None,
        }
    }
}

impl Score {
    /// 0 to 100, the signal counted in.
    #[must_use]
    pub fn points(&self, dbm: Option<i16>) -> u8 {
        let less = match dbm {
            Some(dbm) if dbm <= POOR_DBM => 20,
            Some(dbm) if dbm <= WEAK_DBM => 10,
            Some(_) | None => 0,
        };
        self.points.saturating_sub(less)
    }

    /// It is taken out, and gets one message at a time when its rest is over.
    #[must_use]
    pub fn is_out(&self) -> bool {
        self.out.is_some()
    }

    /// No message before this.
    #[must_use]
    pub fn rests_until(&self, now: Instant) -> Option<Instant> {
        self.out.filter(|until| now < *until)
    }

    /// Failures in a row.
    #[must_use]
    pub fn row(&self) -> u32 {
        self.row
    }

    /// It sends, but nothing has come in for far too long, or what it sent to itself did not arrive.
    #[must_use]
    pub fn is_deaf(&self, now: Instant) -> bool {
        self.missed_itself || self.owed >= OWED && self.owed_since.is_some_and(|since| now.since(since) >= OWED_FOR)
    }

    /// Nothing it sends is taken, although the signal should do.
    #[must_use]
    pub fn is_mute(&self, dbm: Option<i16>) -> bool {
        self.row >= MUTE && dbm.is_none_or(|dbm| dbm > POOR_DBM)
    }

    /// An attempt ended.
    pub fn ended(&mut self, now: Instant, how: Ended, dbm: Option<i16>) {
        match how {
            Ended::Accepted { report } => self.accepted(now, report),
            Ended::Failed => self.failed(now, FAILED, dbm),
            Ended::Unknown => self.failed(now, UNKNOWN, dbm),
            Ended::NotItsFault => {}
        }
    }

    /// Its modem stopped answering.
    pub fn fell_silent(&mut self) {
        self.points = self.points.saturating_sub(SILENT);
    }

    /// A text that it sent to itself, and that was accepted, has not come in.
    pub fn missed_itself(&mut self) {
        self.missed_itself = true;
    }

    /// Something came in. True when it was deaf before.
    pub fn heard(&mut self, now: Instant) -> bool {
        let was_deaf = self.is_deaf(now);
        self.missed_itself = false;
        self.owed = 0;
        self.owed_since = None;
        was_deaf
    }

    /// What it should be helped against now; asked for at most every quarter of an hour.
    pub fn suspicion(&mut self, now: Instant, dbm: Option<i16>) -> Option<Suspicion> {
        let lately = self.suspected_at.is_some_and(|at| now.since(at) < SUSPECT_EVERY);
        let what = if self.is_mute(dbm) {
            Suspicion::Mute
        } else if self.is_deaf(now) {
            Suspicion::Deaf
        } else {
            return None;
        };
        if lately {
            return None;
        }
        self.suspected_at = Some(now);
        Some(what)
    }

    fn accepted(&mut self, now: Instant, report: bool) {
        self.row = 0;
        if report {
            self.owed = self.owed.saturating_add(1);
            self.owed_since.get_or_insert(now);
        }
        let more = if self.is_out() { TRIAL } else { ACCEPTED };
        self.points = self.points.saturating_add(more).min(FULL);
        if self.is_out() {
            // The next trial at once.
            self.out = (self.points < BACK).then_some(now);
        }
        if !self.is_out() {
            self.rests = 0;
        }
    }

    fn failed(&mut self, now: Instant, less: u8, dbm: Option<i16>) {
        self.row = self.row.saturating_add(1);
        self.points = self.points.saturating_sub(less);
        let poor = dbm.is_some_and(|dbm| dbm <= POOR_DBM);
        let row = if poor { ROW_AT_POOR_SIGNAL } else { ROW };
        if self.is_out() || self.row >= row || self.points < OUT {
            let rest = FIRST_REST * 2u32.saturating_pow(self.rests.min(10));
            self.rests = self.rests.saturating_add(1);
            self.out = Some(now + rest.min(LONGEST_REST));
            self.points = self.points.min(OUT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const GOOD: Option<i16> = Some(-70);
    const ACCEPTANCE: Ended = Ended::Accepted { report: false };

    fn at(secs: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(secs)
    }

    #[test]
    fn three_failures_in_a_row_take_it_out_and_two_at_a_poor_signal() {
        for (dbm, row) in [(GOOD, 3), (None, 3), (Some(-110), 2)] {
            let mut score = Score::default();
            let out: Vec<bool> = (0..row)
                .map(|_| {
                    score.ended(at(0), Ended::Failed, dbm);
                    score.is_out()
                })
                .collect();
            assert_eq!(out.iter().position(|out| *out), Some(row - 1), "{dbm:?}");
        }
    }

    #[test]
    fn what_lies_in_the_message_costs_nothing() {
        let mut score = Score::default();
        for _ in 0..50 {
            score.ended(at(0), Ended::NotItsFault, GOOD);
        }
        assert_eq!(score, Score::default());
    }

    #[test]
    fn a_sim_that_fails_every_other_time_is_taken_out_by_its_points() {
        let mut score = Score::default();
        for turn in 0..40 {
            let how = if turn % 2 == 0 { Ended::Unknown } else { ACCEPTANCE };
            score.ended(at(turn), how, GOOD);
        }
        assert!(score.is_out() || score.points(GOOD) < 60);
    }

    #[test]
    fn rests_double_to_a_quarter_of_an_hour_and_one_trial_follows_each() {
        let mut score = Score::default();
        for _ in 0..2 {
            score.ended(at(0), Ended::Failed, GOOD);
        }
        let mut now = at(0);
        let mut rests = Vec::new();
        for _ in 0..7 {
            score.ended(now, Ended::Failed, GOOD);
            let until = score.rests_until(now).unwrap();
            rests.push(until.since(now).as_secs());
            assert_eq!(score.rests_until(until), None, "a trial may go");
            assert!(score.is_out());
            now = until;
        }
        assert_eq!(rests, [30, 60, 120, 240, 480, 900, 900]);
    }

    #[test]
    fn it_comes_back_at_a_higher_mark_than_it_went() {
        let mut score = Score::default();
        for _ in 0..3 {
            score.ended(at(0), Ended::Failed, GOOD);
        }
        assert_eq!(score.points(GOOD), 40);
        score.ended(at(60), ACCEPTANCE, GOOD);
        assert!(!score.is_out());
        assert_eq!(score.points(GOOD), 60);
        score.ended(at(61), Ended::Failed, GOOD);
        assert!(!score.is_out(), "one failure is none");
        // Deep down it takes more than one.
        for _ in 0..6 {
            score.ended(at(100), Ended::Unknown, GOOD);
        }
        score.ended(at(2_000), ACCEPTANCE, GOOD);
        assert!(score.is_out() && score.rests_until(at(2_000)).is_none());
        for _ in 0..3 {
            score.ended(at(2_001), ACCEPTANCE, GOOD);
        }
        assert!(!score.is_out());
    }

    #[test]
    fn the_signal_counts_but_does_not_take_out() {
        let score = Score::default();
        assert_eq!(
            [None, GOOD, Some(-97), Some(-110)].map(|dbm| score.points(dbm)),
            [100, 100, 90, 80]
        );
    }

    #[test]
    fn deaf_is_who_sends_twenty_and_hears_nothing_for_half_an_hour() {
        let mut score = Score::default();
        for _ in 0..19 {
            score.ended(at(0), Ended::Accepted { report: true }, GOOD);
        }
        assert!(!score.is_deaf(at(3_600)));
        score.ended(at(600), Ended::Accepted { report: true }, GOOD);
        assert!(!score.is_deaf(at(1_799)));
        assert!(score.is_deaf(at(1_800)));
        assert_eq!(score.suspicion(at(1_800), GOOD), Some(Suspicion::Deaf));
        assert_eq!(score.suspicion(at(2_699), GOOD), None);
        assert_eq!(score.suspicion(at(2_700), GOOD), Some(Suspicion::Deaf));
        assert!(score.heard(at(2_701)));
        assert_eq!(score.suspicion(at(9_000), GOOD), None);
        assert!(!score.heard(at(9_001)));
    }

    #[test]
    fn who_does_not_hear_itself_is_deaf_until_something_comes_in() {
        let mut score = Score::default();
        score.missed_itself();
        assert_eq!(score.suspicion(at(0), GOOD), Some(Suspicion::Deaf));
        assert!(score.heard(at(1)));
        assert!(!score.is_deaf(at(100_000)));
    }

    #[test]
    fn who_asks_for_no_reports_is_owed_none() {
        let mut score = Score::default();
        for _ in 0..100 {
            score.ended(at(0), ACCEPTANCE, GOOD);
        }
        assert!(!score.is_deaf(at(100_000)));
    }

    #[test]
    fn mute_is_who_fails_with_a_good_signal() {
        let mut score = Score::default();
        for _ in 0..5 {
            score.ended(at(0), Ended::Unknown, GOOD);
        }
        assert_eq!(score.suspicion(at(0), Some(-110)), None);
        assert_eq!(score.suspicion(at(0), GOOD), Some(Suspicion::Mute));
        score.ended(at(1), ACCEPTANCE, GOOD);
        assert!(!score.is_mute(GOOD));
    }
}
