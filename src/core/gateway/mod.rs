//! The running whole: dispatch over the active window and the modems of the bank.

pub mod snapshot;
pub mod status;
