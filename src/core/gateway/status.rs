//! Whether patients can be reached now, as one sentence (promise 8). A pure function of a few facts; nothing is kept.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use super::snapshot::{ModemState, Snapshot};
use crate::base::UtcTime;

/// Green needs proof this fresh: a part the SMSC took, or a passed heartbeat.
pub const PROOF: Duration = Duration::from_secs(60 * 60);

/// A text that waits longer than this for a SIM is late.
pub const LATE: Duration = Duration::from_secs(5 * 60);

/// What the sentence is judged from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Modems of the configuration.
    pub modems: usize,
    /// Those that can send now.
    pub ready: usize,
    /// Those of them whose texts are dropped silently, as it seems.
    pub suspects: usize,
    /// Pools of which no SIM can send but one that is kept for emergencies.
    pub idle_pools: usize,
    /// SIMs of those that may send whose credit is low.
    pub low_credits: usize,
    /// Since when the oldest waiting text is due.
    pub oldest_due_at: Option<UtcTime>,
    /// Last proof that a text left the house.
    pub proven_at: Option<UtcTime>,
    /// Shutdown began.
    pub stopping: bool,
    /// How the storage is.
    pub storage: Storage,
}

/// How the storage is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// It can be read and written.
    #[default]
    Works,
    /// Less than a fifth is free: so many percent.
    Low(u8),
    /// Less than a tenth is free: so many percent.
    Scarce(u8),
    /// What is left is kept for what comes in.
    Full,
    /// It cannot be read, or not be written.
    Fails,
}

impl Facts {
    /// What the bank adds to them.
    #[must_use]
    pub fn of_bank(bank: &Snapshot) -> Self {
        let sending = || {
            let modems = bank.modems.iter();
            modems.filter(|m| m.state == ModemState::Ready && !m.receive_only)
        };
        Self {
            modems: bank.modems.len(),
            ready: sending().count(),
            suspects: sending().filter(|m| m.dropped).count(),
            idle_pools: bank.pools.iter().filter(|pool| !pool.serves()).count(),
            low_credits: 0,
            oldest_due_at: None,
            proven_at: bank.modems.iter().filter_map(|m| m.last_sent_at).max(),
            stopping: bank.draining,
            storage: Storage::Works,
        }
    }
}

/// The traffic light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Patients can be reached, and this was proven within [`PROOF`].
    Ok,
    /// They can be reached late, by few modems only, or perhaps: nothing was proven lately.
    Slow,
    /// They cannot be reached now.
    Down,
}

impl State {
    /// The word the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Slow => "slow",
            Self::Down => "down",
        }
    }
}

/// One sentence for people, with at most one time in it, which a page may show in the reader's own zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Up to the time.
    pub before: String,
    /// The time.
    pub at: Option<UtcTime>,
    /// After the time.
    pub after: &'static str,
}

impl fmt::Display for Sentence {
    /// With the time as `hh:mm UTC`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.before)?;
        if let Some(at) = self.at {
            let minutes = at.as_millis().div_euclid(60_000).rem_euclid(24 * 60);
            write!(f, "{:02}:{:02} UTC", minutes / 60, minutes % 60)?;
        }
        f.write_str(self.after)
    }
}

/// Judges the facts. The first thing that is wrong, gravest first, gives the sentence.
#[must_use]
pub fn judge(facts: &Facts, now: UtcTime) -> (State, Sentence) {
    if let Some(stopped) = stopped_by_storage(facts.storage) {
        return stopped;
    }
    if facts.stopping {
        return say(State::Down, "The gateway is stopping. Waiting texts are kept.".into());
    }
    if !now.is_credible() {
        return say(
            State::Down,
            "The gateway's clock is not set: planned texts wait until it is.".into(),
        );
    }
    if facts.modems == 0 {
        return say(State::Down, "Patients cannot be texted: no modem is set up.".into());
    }
    if facts.ready == 0 {
        let which = match facts.modems {
            1 => "the only modem cannot send".into(),
            n => format!("none of the {n} modems can send"),
        };
        return say(State::Down, format!("Patients cannot be texted now: {which}."));
    }
    if let Some(idle) = idle_pools(facts) {
        return idle;
    }
    let waited = facts.oldest_due_at.map_or(Duration::ZERO, |at| now.since(at));
    if waited > LATE {
        let minutes = waited.as_secs() / 60;
        return say(
            State::Slow,
            format!("Texts go out late: the oldest has waited {minutes} minutes."),
        );
    }
    if let Some(suspected) = suspected(facts) {
        return suspected;
    }
    match facts.proven_at {
        None => say(
            State::Slow,
            "Ready, but not proven yet: no text has gone out so far.".into(),
        ),
        Some(at) if now.since(at) > PROOF => (
            State::Slow,
            Sentence {
                before: "Probably reachable, but not proven since ".into(),
                at: Some(at),
                after: ".",
            },
        ),
        Some(_) if facts.ready * 2 < facts.modems => say(
            State::Slow,
            format!(
                "Patients can be texted, but only {} of {} modems can send.",
                facts.ready, facts.modems
            ),
        ),
        Some(_) => match facts.storage {
            Storage::Low(percent) => say(
                State::Ok,
                format!("Patients can be texted now, but the gateway's disk fills up: {percent} % is free."),
            ),
            Storage::Scarce(percent) => say(
                State::Slow,
                format!("Patients can be texted now, but soon the gateway's disk is full: {percent} % is free."),
            ),
            Storage::Works | Storage::Full | Storage::Fails => {
                say(State::Ok, format!("Patients can be texted now{}.", low_credits(facts)))
            }
        },
    }
}

/// Pools of which nobody can send.
fn idle_pools(facts: &Facts) -> Option<(State, Sentence)> {
    let which = match facts.idle_pools {
        0 => return None,
        1 => "one pool has no SIM that can send: its texts wait".into(),
        n => format!("{n} pools have no SIM that can send: their texts wait"),
    };
    Some(say(State::Slow, format!("Patients can be texted, but {which}.")))
}

/// SIMs that will soon send nothing.
fn low_credits(facts: &Facts) -> String {
    match facts.low_credits {
        0 => String::new(),
        1 => ", but the credit of one SIM is low".into(),
        n => format!(", but the credit of {n} SIMs is low"),
    }
}

/// SIMs whose texts are accepted, and of which too few are told of.
fn suspected(facts: &Facts) -> Option<(State, Sentence)> {
    let which = match (facts.suspects, facts.ready) {
        (0, _) => return None,
        (suspects, ready) if suspects >= ready => "The network takes all texts".into(),
        (1, _) => String::from("The network takes the texts of one SIM"),
        (n, _) => format!("The network takes the texts of {n} SIMs"),
    };
    Some(say(
        State::Slow,
        format!("{which} and may be dropping them: not half as many are reported delivered as usual."),
    ))
}

/// What a disk that is full or fails stops.
fn stopped_by_storage(storage: Storage) -> Option<(State, Sentence)> {
    match storage {
        Storage::Fails => Some(say(
            State::Down,
            "Patients cannot be texted: the gateway's disk does not work.".into(),
        )),
        Storage::Full => Some(say(
            State::Down,
            "No new text is taken: the gateway's disk is full. Waiting texts go out, replies come in.".into(),
        )),
        Storage::Works | Storage::Low(_) | Storage::Scarce(_) => None,
    }
}

fn say(state: State, before: String) -> (State, Sentence) {
    let sentence = Sentence {
        before,
        at: None,
        after: "",
    };
    (state, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::snapshot::{ModemSnapshot, PoolSnapshot};
    use std::string::ToString;
    use std::vec;

    /// 2026-06-15T09:15:22Z.
    const NOW: UtcTime = UtcTime::from_millis(1_781_514_922_000);

    fn good() -> Facts {
        Facts {
            modems: 4,
            ready: 4,
            suspects: 0,
            idle_pools: 0,
            low_credits: 0,
            oldest_due_at: Some(NOW.before(LATE)),
            proven_at: Some(NOW.before(PROOF)),
            stopping: false,
            storage: Storage::Works,
        }
    }

    fn but(change: fn(&mut Facts)) -> Facts {
        let mut facts = good();
        change(&mut facts);
        facts
    }

    #[test]
    fn a_clock_that_was_never_set_is_said_before_all_but_the_disk() {
        let (state, sentence) = judge(&good(), UtcTime::from_millis(1));
        assert_eq!(state, State::Down);
        assert!(sentence.to_string().contains("clock is not set"));
    }

    #[test]
    fn green_needs_a_modem_a_short_queue_and_a_fresh_proof() {
        const MINUTE: Duration = Duration::from_secs(60);
        let late = |facts: &mut Facts| {
            facts.oldest_due_at = Some(NOW.before(LATE + MINUTE));
            facts.proven_at = None;
        };
        for (facts, state, sentence) in [
            (good(), State::Ok, "Patients can be texted now."),
            (but(|f| f.ready = 2), State::Ok, "Patients can be texted now."),
            (
                but(|f| f.ready = 1),
                State::Slow,
                "Patients can be texted, but only 1 of 4 modems can send.",
            ),
            (
                but(|f| f.proven_at = Some(NOW.before(PROOF + MINUTE))),
                State::Slow,
                "Probably reachable, but not proven since 08:14 UTC.",
            ),
            (
                but(|f| f.proven_at = None),
                State::Slow,
                "Ready, but not proven yet: no text has gone out so far.",
            ),
            (
                but(late),
                State::Slow,
                "Texts go out late: the oldest has waited 6 minutes.",
            ),
            (
                but(|f| f.idle_pools = 1),
                State::Slow,
                "Patients can be texted, but one pool has no SIM that can send: its texts wait.",
            ),
            (
                but(|f| (f.ready, f.idle_pools) = (1, 2)),
                State::Slow,
                "Patients can be texted, but 2 pools have no SIM that can send: their texts wait.",
            ),
            (
                but(|f| f.ready = 0),
                State::Down,
                "Patients cannot be texted now: none of the 4 modems can send.",
            ),
            (
                but(|f| (f.modems, f.ready) = (1, 0)),
                State::Down,
                "Patients cannot be texted now: the only modem cannot send.",
            ),
            (
                but(|f| (f.modems, f.ready) = (0, 0)),
                State::Down,
                "Patients cannot be texted: no modem is set up.",
            ),
            (
                but(|f| f.stopping = true),
                State::Down,
                "The gateway is stopping. Waiting texts are kept.",
            ),
        ] {
            let (found, said) = judge(&facts, NOW);
            assert_eq!((found, said.to_string().as_str()), (state, sentence));
        }
    }

    #[test]
    fn low_credit_is_told_of_after_all_else() {
        for (facts, sentence) in [
            (
                but(|f| f.low_credits = 1),
                "Patients can be texted now, but the credit of one SIM is low.",
            ),
            (
                but(|f| f.low_credits = 2),
                "Patients can be texted now, but the credit of 2 SIMs is low.",
            ),
            (
                but(|f| (f.low_credits, f.storage) = (1, Storage::Low(19))),
                "Patients can be texted now, but the gateway's disk fills up: 19 % is free.",
            ),
        ] {
            let (found, said) = judge(&facts, NOW);
            assert_eq!((found, said.to_string().as_str()), (State::Ok, sentence));
        }
    }

    #[test]
    fn texts_that_may_be_dropped_are_told_of() {
        for (facts, state, sentence) in [
            (
                but(|f| f.suspects = 1),
                State::Slow,
                "The network takes the texts of one SIM and may be dropping them: not half as many are reported delivered as usual.",
            ),
            (
                but(|f| f.suspects = 4),
                State::Slow,
                "The network takes all texts and may be dropping them: not half as many are reported delivered as usual.",
            ),
        ] {
            let (found, said) = judge(&facts, NOW);
            assert_eq!((found, said.to_string().as_str()), (state, sentence));
        }
    }

    #[test]
    fn a_disk_that_fills_up_is_told_of_and_a_full_one_goes_first() {
        for (facts, state, sentence) in [
            (
                but(|f| f.storage = Storage::Low(19)),
                State::Ok,
                "Patients can be texted now, but the gateway's disk fills up: 19 % is free.",
            ),
            (
                but(|f| f.storage = Storage::Scarce(9)),
                State::Slow,
                "Patients can be texted now, but soon the gateway's disk is full: 9 % is free.",
            ),
            (
                but(|f| (f.storage, f.ready) = (Storage::Full, 0)),
                State::Down,
                "No new text is taken: the gateway's disk is full. Waiting texts go out, replies come in.",
            ),
            (
                but(|f| (f.storage, f.stopping) = (Storage::Fails, true)),
                State::Down,
                "Patients cannot be texted: the gateway's disk does not work.",
            ),
        ] {
            let (found, said) = judge(&facts, NOW);
            assert_eq!((found, said.to_string().as_str()), (state, sentence));
        }
    }

    #[test]
    fn the_bank_gives_its_share_of_the_facts() {
        let modem = |state, sent: Option<i64>| ModemSnapshot {
            state,
            last_sent_at: sent.map(UtcTime::from_millis),
            ..ModemSnapshot::default()
        };
        let bank = Snapshot {
            modems: vec![
                modem(ModemState::Ready, Some(5)),
                modem(ModemState::Degraded, Some(9)),
                modem(ModemState::Absent, None),
            ],
            pools: vec![
                PoolSnapshot {
                    modems: vec![0, 1],
                    ready: vec![0],
                    ..PoolSnapshot::default()
                },
                PoolSnapshot {
                    modems: vec![0],
                    ready: vec![0],
                    reserves: vec![0],
                    ..PoolSnapshot::default()
                },
                PoolSnapshot::default(),
            ],
            window: 0,
            draining: true,
        };
        let facts = Facts::of_bank(&bank);
        assert_eq!((facts.modems, facts.ready, facts.stopping), (3, 1, true));
        assert_eq!(facts.idle_pools, 2, "one has nobody, one a reserve alone");
        assert_eq!(facts.proven_at, Some(UtcTime::from_millis(9)));
    }
}
