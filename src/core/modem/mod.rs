//! (room)
//! One modem: brought up from a profile, registered, sending one TPDU at a time, reading what arrives, brought back when it
//! stops answering. A machine between octets and facts: [`Modem`]. What it is asked and tells: [`verbs`].

mod allow;
mod bring_up;
mod choose;
mod climb;
mod forbidden;
mod health;
pub mod history;
mod inbox;
pub mod ladder;
pub mod machine;
mod network;
mod obey;
pub mod order;
pub mod probe;
pub mod profile;
mod receive;
mod recover;
mod sim;
pub mod state;
mod storage;
mod submit;
mod task;
mod trace;
mod ussd;
pub mod verbs;

pub use choose::Profiles;
pub use forbidden::Plmn;
pub use inbox::Reception;
pub use ladder::{Fault, Ladder, Level, Means, Shared};
pub use machine::{Modem, Pin, Settings, WakeReason};
pub use order::{AtLine, Code, Order, OrderResult, UssdText};
pub use profile::{Profile, ProfileError, Wiring};
pub use state::{Access, Health, Registration, State};
pub use verbs::{
    AckPdu, Answer, Command, Event, Identity, PinAnswer, PinEnd, PinTry, Place, PortAction, Silence, Submit,
    SubmitResult, Tpdu, Why,
};

#[cfg(test)]
mod tests;
