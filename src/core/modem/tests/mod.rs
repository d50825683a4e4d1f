//! The machine against a well-behaved modem, and against dialogues written by hand.

mod bring_up;
mod climb;
mod dialogue;
mod fake;
mod obey;
mod properties;
mod receive;
mod recover;
mod rig;
mod submit;
mod traps;
