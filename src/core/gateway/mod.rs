//! The running whole: N modems, the active window, and the requests to the store that tie them together. A machine: facts
//! and bytes come in through `handle_*`, bytes and requests go out through `poll_*`, time is always an argument.
//!
//! It pulls: a modem that becomes free takes the next part its SIM may send, at once; the commit that closes the last
//! attempt and opens the next hides behind the modem's prompt. Ctrl-Z waits for both. It knows nothing of SQLite, ports
//! or clocks.

mod assign;
mod bank;
mod feedback;
mod groups;
mod ledger;
mod line;
mod pins;
mod slot;
pub mod snapshot;
pub mod status;
mod translate;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::base::{Instant, Now, SimId};
use crate::dispatch::Pool;
use crate::modem::{Means, Order, OrderResult, PortAction, Profiles};
use crate::queue::plan::Plan;
use crate::queue::verbs::{Reply, Request};

pub use bank::Gateway;

/// Handle of one modem: those of the configuration in its order, then those found later.
pub type SlotIndex = usize;

/// A modem of the configuration, or one that was found.
#[derive(Clone, Debug)]
pub struct SlotSettings {
    /// Label, unique.
    pub label: String,
    /// How to bring up whatever modem is in it.
    pub profiles: Profiles,
    /// PIN, SMSC.
    pub modem: crate::modem::Settings,
    /// Limits of whatever SIM is in it.
    pub plan: Plan,
}

/// What is told to the gateway, bytes of ports apart.
#[derive(Clone, Debug)]
pub enum Command {
    /// The port of this modem is open.
    PortOpened(SlotIndex),
    /// The port of this modem is gone.
    PortLost(SlotIndex),
    /// The store answered the request with this token.
    Reply {
        /// From [`Event::Request`].
        token: u64,
        /// After the commit.
        reply: Reply,
    },
    /// A person orders something of this modem. Ends in exactly one [`Event::Ordered`].
    Order {
        /// Whose.
        slot: SlotIndex,
        /// Comes back with the result.
        token: u64,
        /// What.
        order: Order,
    },
    /// Where this modem is plugged, and what can be done to it there; again whenever that may have changed.
    Placed {
        /// Whose.
        slot: SlotIndex,
        /// Its hub, by a name that its neighbours there share; none when it has none.
        hub: Option<String>,
        /// None leaves what it was set up with.
        means: Option<Means>,
    },
    /// One more modem: it gets the next [`SlotIndex`]. Ignored when there are [`crate::base::limits::MODEMS`] already.
    SlotAdded(Box<SlotSettings>),
    /// Whether this SIM is kept for what comes in, from now on.
    ReceiveOnly {
        /// Which.
        sim: SimId,
        /// Nothing goes out through it.
        receive_only: bool,
    },
    /// The store has another plan for this SIM: it holds from the answer to the [`Request::Introduce`] that follows.
    Replanned(SimId),
    /// These are the pools from now on, that of all among them. What waits goes on by whoever is in its pool now; what is on its way
    /// is not touched.
    Shared(Vec<Pool>),
    /// Something that may be due was stored.
    WorkArrived,
    /// Claim nothing more; [`Event::Drained`] follows when no submit is open.
    Drain,
}

/// What the gateway asks for or tells.
#[derive(Clone, Debug)]
pub enum Event {
    /// Ask the store this; requests handed out together belong into one transaction.
    Request {
        /// Comes back with the reply.
        token: u64,
        /// What.
        request: Request,
    },
    /// Do this to the port of this modem.
    Port(SlotIndex, PortAction),
    /// Several modems of this hub fail together: told once, and none of them is reset by itself.
    HubFails(String),
    /// Switch the power of this hub off and on, once; these modems fail.
    CycleHub(String, Vec<SlotIndex>),
    /// How an order ended.
    Ordered {
        /// Whose.
        slot: SlotIndex,
        /// The order's.
        token: u64,
        /// How.
        result: OrderResult,
    },
    /// This modem can send.
    Ready(SlotIndex),
    /// This modem cannot send any more, and why, for people.
    NotReady(SlotIndex, String),
    /// The snapshot differs from the one before.
    Changed,
    /// After [`Command::Drain`]: no submit is open and every result is on disk.
    Drained,
}

/// Why the gateway wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WakeReason {
    /// A modem's timer.
    Modem(SlotIndex),
    /// A SIM's pace lets the next part go.
    Pace,
    /// A message becomes due.
    Due,
    /// Time-driven work of the store.
    Sweep,
    /// Trouble that several modems share.
    Group,
    /// The store could not write; try again.
    StoreRetry,
}

/// Bytes for a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Whose.
    pub slot: SlotIndex,
    /// To be written as they stand, in order.
    pub octets: Vec<u8>,
}

/// The UTC instant `at` on the monotonic clock, as far as `now` tells.
fn monotonic(now: Now, at: crate::base::UtcTime) -> Instant {
    now.monotonic + at.since(now.utc)
}

#[cfg(test)]
mod tests;
