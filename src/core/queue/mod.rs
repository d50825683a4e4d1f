//! The life of a message, as pure functions over plain values: which state follows which, what a failure means, when
//! to try again, which part a delivery report speaks of. The store calls them *inside* its writing transaction
//! (facts in, changes out); nothing here keeps anything.
//!
//! Three levels (an attempt is what happened on the wire, a part is one SMS, the message is derived from its parts):
//! [`state`], [`status`], [`transition`]. What the end of an attempt means: [`classify`]; what a report means and whom
//! it is about: [`report`], [`correlate`]; what becomes of unknown outcomes: [`unknown`]; of what an outage made late:
//! [`stale`]; what was received: [`inbound`], [`loopback`]; whether a card may be given a PIN: [`pin`]; what a SIM may
//! send: [`plan`]; whether what it sends arrives: [`arrival`]; where a message waits: [`lane`], [`route`]; in which hours it
//! goes: [`hours`]. What is asked of the store and what it answers: [`verbs`]. Words for failures: [`error`].

pub mod arrival;
pub mod classify;
pub mod correlate;
pub mod credit;
pub mod error;
pub mod hours;
pub mod inbound;
pub mod lane;
pub mod loopback;
pub mod pin;
pub mod plan;
pub mod report;
pub mod route;
pub mod stale;
pub mod state;
pub mod status;
pub mod transition;
pub mod unknown;
pub mod verbs;
