//! Submits against the well-behaved modem; the oddities are in `dialogue`.

use std::string::{String, ToString};
use std::vec::Vec;

use core::time::Duration;

use super::rig::{Rig, submit};
use crate::modem::{Command, State};

#[test]
fn a_committed_submit_goes_out_whole() {
    let mut rig = Rig::ready();
    rig.command(submit(&[0x11, 0xAB]));
    assert!(rig.fake.sent.is_empty());
    rig.command(Command::Commit);
    assert_eq!(rig.fake.sent, ["0011AB".to_string()]);
    assert_eq!(rig.told(), ["Submitted(Accepted { tp_mr: Some(1), ack: None })"]);
    assert_eq!(rig.asked(), ["AT+CMGS=2"]);
}

#[test]
fn nothing_leaves_without_a_commit() {
    let mut rig = Rig::ready();
    rig.command(submit(&[0x11]));
    rig.wait(Duration::from_secs(40));
    assert_eq!(rig.told(), ["Submitted(NotSent(NoPrompt))"]);
    assert!(rig.fake.sent.is_empty());
    rig.command(Command::Commit);
    assert!(rig.fake.sent.is_empty());
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn a_modem_that_is_not_up_sends_nothing() {
    let mut rig = Rig::ready();
    rig.command(Command::PortLost);
    rig.told();
    rig.command(submit(&[0x11]));
    rig.command(Command::Commit);
    assert_eq!(rig.told(), ["Submitted(NotSent(NoPrompt))"]);
}

#[test]
fn one_at_a_time() {
    let mut rig = Rig::ready();
    rig.command(submit(&[0x11]));
    rig.command(submit(&[0x12]));
    assert_eq!(rig.told(), ["Submitted(NotSent(NoPrompt))"]);
    rig.command(Command::Commit);
    assert_eq!(rig.fake.sent, ["0011".to_string()]);
}

#[test]
fn stopping_withdraws_what_is_not_out_and_begins_nothing() {
    let mut rig = Rig::ready();
    rig.command(submit(&[0x11]));
    rig.command(Command::Stop);
    assert_eq!(rig.told(), ["Submitted(NotSent(Withdrawn))", "NotReady(Stopping)"]);
    rig.asked();
    rig.wait(Duration::from_secs(4000));
    assert_eq!(rig.asked(), Vec::<String>::new());
    rig.command(submit(&[0x11]));
    assert_eq!(rig.told(), ["Submitted(NotSent(NoPrompt))"]);
}
