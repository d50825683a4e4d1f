//! A bank of virtual modems with its network: SIMs, a service centre, handsets that answer by script, and every mishap
//! of the field, from one seed. It is what technicians try the gateway on, what integrators develop against, and what
//! the tests judge by. It shares the codec with the gateway, but no AT parser: what `at` and `modem` expect of a modem
//! is written here a second time, from the standards.
//!
//! A pure machine like those it plays against: [`Bank::handle_input`], [`Bank::handle_closed`] and
//! [`Bank::handle_timeout`] in; [`Bank::poll_transmit`], [`Bank::poll_event`], [`Bank::poll_timeout`] and the journal out.

mod ailments;
mod bank;
mod card;
mod command;
mod faults;
mod handset;
mod hosting;
mod identity;
mod journal;
mod line;
mod model;
mod models;
mod modem;
mod network;
mod options;
mod pdu;
mod special;
mod storage;
mod transit;

pub use bank::{Bank, BankEvent, NotInjected};
pub use identity::Identity;
pub use journal::{Accepted, Air, AirEvent};
pub use model::Model;
pub use options::{Fault, Faults, Options, ReportsWhileClosed, Rule, UnknownFault, Ussd};
pub use special::Special;

#[cfg(test)]
mod tests;
