//! Where on the [`ladder`](super::ladder) a modem is, and what it waits for there.

use core::time::Duration;

use super::ladder::{Fault, Ladder, Level, Shared};
use super::why::Why;
use crate::base::{Instant, Past};

/// A port that was only opened again finds its modem as it was; one that restarts when its port is opened has some time for it.
const REOPENED: Duration = Duration::from_secs(10);

/// The same after a reset of the USB side, over which some modems restart.
const USB_RESET: Duration = Duration::from_secs(25);

/// A step that is paused for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) level: Level,
    pub(super) fault: Fault,
    pub(super) why: Why,
    pub(super) at: Instant,
}

/// Where on the ladder the modem is.
#[derive(Debug, Default)]
pub(super) struct Climb {
    pub(super) ladder: Ladder,
    /// Others have the same trouble.
    pub(super) shared: Option<Shared>,
    /// Until then it may be silent, or its port away, by our own doing.
    pub(super) planned: Option<Instant>,
    pub(super) pending: Option<Pending>,
    /// When the radio is suspected, while there is no network.
    pub(super) network_at: Option<Instant>,
    pub(super) sim_looks: u8,
    /// When it is set up again, since not all of it was taken, and how often it was.
    pub(super) set_up_at: Option<Instant>,
    pub(super) set_ups: usize,
}

impl Climb {
    /// With what is known from before.
    pub(super) fn recalling(past: &Past) -> Self {
        let mut climb = Self::default();
        climb.ladder.recall(&past.steps);
        climb
    }

    pub(super) fn is_planned(&self, now: Instant) -> bool {
        self.planned.is_some_and(|until| now < until)
    }

    /// The step under way or paused for.
    pub(super) fn level(&self) -> Option<Level> {
        self.pending
            .map(|pending| pending.level)
            .or_else(|| self.ladder.under_way())
    }

    /// Bring-up came as far as the SIM: what was to be done about the modem's silence is not needed.
    pub(super) fn answers(&mut self) {
        self.pending.take_if(|pending| pending.fault == Fault::Silent);
    }

    /// The port is open again. A modem that was not restarted need not start.
    pub(super) fn port_is_back(&mut self, now: Instant) {
        let patience = match self.ladder.under_way() {
            Some(Level::Reopen) => REOPENED,
            Some(Level::Usb) => USB_RESET,
            Some(Level::Resync | Level::SetUp | Level::Radio | Level::Restart | Level::Power) | None => return,
        };
        self.planned = self.planned.map(|until| until.min(now + patience));
    }

    /// When the next step is due.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.pending.map(|pending| pending.at)
    }
}
