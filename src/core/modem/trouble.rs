//! What went wrong with a modem lately, and what a pause for it is followed by.

use core::time::Duration;

use super::ladder::Fault;
use super::why::Why;
use crate::base::Instant;

/// So many restarts by itself within this time are no accident any more.
const LOOP: usize = 5;
pub(super) const LOOP_WITHIN: Duration = Duration::from_secs(600);

/// What follows a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Bring commands and answers into step.
    Resync,
    /// Bring-up.
    BringUp,
    /// Bring-up, to see whether the SIM can be used by now.
    LookAtSim,
    /// The step of the ladder that was paused for, or a look.
    Step,
    /// The radio on again.
    RadioOn,
    /// Out of quarantine: the ladder again.
    Climb(Fault, Why),
}

/// What went wrong lately.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// Answers out of step in a row.
    pub(super) strays: u8,
    pub(super) echoes: u8,
    /// When an echo was believed last.
    pub(super) echoed_at: Option<Instant>,
    /// Said something although it had been given up as silent.
    pub(super) spoke_at: Option<Instant>,
    /// A marker during bring-up was taken for a part of the start before it. If silence follows, it was another one.
    pub(super) second_start: bool,
    /// The modem shows signs of a restart that told nothing.
    pub(super) settings_lost: bool,
    pub(super) restarted_at: Option<Instant>,
    /// Restarts that nobody ordered, the last ones.
    pub(super) restarts: heapless::Deque<Instant, LOOP>,
    /// It has told of a SIM which one it is.
    pub(super) names_sims: bool,
    /// It refused to tell in this bring-up. To say OK and nothing else is no refusal: it will not say more the next time.
    pub(super) refused_name: bool,
    /// It was asked again after it had refused.
    pub(super) asked_again: bool,
}

impl Trouble {
    /// It restarted by itself. True when it does nothing else lately.
    pub(super) fn loops(&mut self, now: Instant) -> bool {
        if self.restarts.is_full() {
            self.restarts.pop_front();
        }
        let _ = self.restarts.push_back(now);
        let first = self.restarts.front().filter(|_| self.restarts.is_full());
        first.is_some_and(|first| now.since(*first) <= LOOP_WITHIN)
    }
}
