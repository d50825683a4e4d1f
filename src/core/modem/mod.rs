//! (room)
//! One modem: brought up from a profile, registered, sending one TPDU at a time, reading what arrives, brought back when it
//! stops answering. A machine between octets and facts: [`Modem`]. What it is asked and tells: [`verbs`].
//!
//! What a modem keeps, and each step that needs nothing but itself, lies here. What it does with all of them is [`machine`]'s part:
//! that names these files, and none of them names it.

mod allow;
mod choose;
mod climb;
mod cursor;
mod errand;
mod forbidden;
pub mod history;
mod inbox;
pub mod ladder;
pub mod machine;
mod network;
pub mod order;
mod poll;
pub mod probe;
pub mod profile;
mod settings;
mod sim;
pub mod state;
mod storage;
mod submission;
mod task;
mod trace;
mod trouble;
mod ussd;
pub mod verbs;
mod why;

pub use choose::Profiles;
pub use forbidden::Plmn;
pub use inbox::Reception;
pub use ladder::{Fault, Ladder, Level, Means, Shared};
pub use machine::{Modem, WakeReason};
pub use order::{AtLine, Code, Order, OrderResult, UssdText};
pub use profile::{Profile, ProfileError, Wiring};
pub use settings::{Pin, Settings};
pub use state::{Access, Health, Registration, State};
pub use verbs::{
    AckPdu, Command, Event, Identity, PinAnswer, PinEnd, PinTry, Place, PortAction, Silence, Submit, SubmitResult, Tpdu,
};
pub use why::{Answer, Why};

#[cfg(test)]
mod tests;
