//! Submits against the well-behaved modem; the oddities are in `dialogue`.

use std::string::{String, ToString};
use std::vec::Vec;

use core::time::Duration;

use super::fake::Fake;
use super::rig::{Rig, submit};
use crate::modem::{Command, Profile, Settings, State};

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

/// Sends one text at no time; how long the modem then rests.
fn rests_after_a_text(rig: &mut Rig) -> Duration {
    rig.command(submit(&[0x11]));
    rig.command(Command::Commit);
    let now = rig.now.monotonic;
    rig.modem
        .airs_until(now)
        .map_or(Duration::ZERO, |until| until.since(now))
}

#[test]
fn after_some_texts_in_a_row_it_rests_where_its_profile_says_so() {
    let air = Duration::from_secs(5);
    let mut profile = Profile::smallest();
    (profile.timing.air, profile.timing.air_every) = (air, 3);
    let mut rig = Rig::of(profile, Settings::default(), Fake::new());
    rig.command(Command::PortOpened);
    let rests = |rig: &mut Rig, texts: u8| (0..texts).map(|_| rests_after_a_text(rig)).collect::<Vec<_>>();
    let none = Duration::ZERO;
    assert_eq!(rests(&mut rig, 3), [none, none, air]);
    rig.wait(air);
    assert_eq!(rig.modem.airs_until(rig.now.monotonic), None);
    // A pause of the same length that came by itself counts as well.
    assert_eq!(rests(&mut rig, 2), [none, none]);
    rig.wait(air);
    assert_eq!(rests(&mut rig, 3), [none, none, air]);
    let mut rig = Rig::ready();
    assert!(rests(&mut rig, 40).iter().all(Duration::is_zero));
}
