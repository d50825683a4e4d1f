//! Whatever comes over the line: no panic, no turning in place, bounded memory, and back to work when it ends.

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use core::time::Duration;

use proptest::prelude::*;

use super::fake::Fake;
use super::rig::{Rig, submit};
use crate::at::Memory;
use crate::modem::{Command, Event, Place, PortAction, State, SubmitResult};

/// What a modem may say while a submit waits for its result, and noise: no result, nothing that ends the wait.
fn murmur() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("\r\n+CMTI: \"SM\",3\r\n"),
        Just("\r\n+CMT: ,23\r\n"),
        Just("\r\n+CDS: 4\r\n02915304010203\r\n"),
        Just("\r\n+CREG: 2\r\n"),
        Just("\r\nRING\r\n"),
        Just("\r\n> "),
        Just("0011AB"),
        Just("AT+CMGS=2\r"),
    ];
    let piece = prop_oneof![
        3 => line.prop_map(|line| line.as_bytes().to_vec()),
        1 => proptest::collection::vec(128u8.., 0..40),
        1 => (500usize..1200).prop_map(|times| vec![b'A'; times]),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Octets that look like a modem's, and octets that do not.
fn chatter() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("\r\nOK\r\n"),
        Just("\r\nERROR\r\n"),
        Just("\r\n+CMS ERROR: 500\r\n"),
        Just("\r\n> "),
        Just("\r\n+CMGS: 12\r\n"),
        Just("\r\n+CMTI: \"SM\",3\r\n"),
        Just("\r\n+CDSI: \"SR\",0\r\n"),
        Just("\r\n+CMT: ,23\r\n"),
        Just("\r\n+CDS: 4\r\n02915304010203\r\n"),
        Just("\r\n+CMGR: 0,,4\r\n02915304010203\r\n"),
        Just("\r\n+CMGL: 1,1,,4\r\n02915304010203\r\n"),
        Just("\r\n+CREG: 2\r\n"),
        Just("\r\n+CPIN: NOT READY\r\n"),
        Just("\r\nRDY\r\n"),
        Just("\r\n+CUSD: 0,\"\r\n"),
        Just("0123456789ABCDEF"),
        Just("AT+CMGF=0\r"),
    ];
    let piece = prop_oneof![
        4 => line.prop_map(|line| line.as_bytes().to_vec()),
        2 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => (any::<u8>(), 500usize..1200).prop_map(|(octet, times)| vec![octet; times]),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

#[derive(Clone, Debug)]
enum Move {
    Chatter(Vec<u8>),
    Command(Command),
    Wait(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let place = prop_oneof![
        Just(Place::Routed),
        (0u16..5).prop_map(|index| Place::Stored {
            memory: Memory::SM,
            index
        })
    ];
    let command = prop_oneof![
        4 => Just(submit(&[0x11, 0xAB])),
        4 => Just(Command::Commit),
        1 => Just(Command::Withdraw),
        2 => place.clone().prop_map(Command::Stored),
        1 => place.prop_map(Command::Keep),
        1 => Just(Command::PortLost),
        2 => Just(Command::PortOpened),
    ];
    let one = prop_oneof![
        3 => chatter().prop_map(Move::Chatter),
        3 => command.prop_map(Move::Command),
        2 => (0u64..200_000).prop_map(Move::Wait),
    ];
    proptest::collection::vec(one, 1..30)
}

/// Submits asked for are answered one by one, whatever happens.
fn answers(events: &[Event]) -> usize {
    events
        .iter()
        .filter(|event| matches!(event, Event::Submitted(_)))
        .count()
}

fn play(rig: &mut Rig, moves: Vec<Move>) -> usize {
    let mut submits = 0;
    for one in moves {
        match one {
            Move::Chatter(octets) => rig.input(&octets),
            Move::Command(command) => {
                submits += usize::from(matches!(command, Command::Submit(_)));
                rig.command(command);
            }
            Move::Wait(millis) => rig.wait(Duration::from_millis(millis)),
        }
    }
    submits
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_the_modem_is_back_at_work_when_it_ends(moves in moves(), mute in any::<bool>()) {
        let mut rig = Rig::ready();
        rig.fake.mute = mute;
        let submits = play(&mut rig, moves);
        prop_assert!(rig.events.len() < 20_000);
        // From here on the modem behaves, and the shell opens the port whenever it is asked to.
        rig.fake = Fake::new();
        rig.command(Command::PortOpened);
        for _ in 0..60 {
            rig.wait(Duration::from_secs(30));
            let asked = rig.events.iter().filter(|event| **event == Event::Port(PortAction::Reopen)).count();
            rig.events.retain(|event| *event != Event::Port(PortAction::Reopen));
            if asked > 0 {
                rig.command(Command::PortOpened);
            }
        }
        prop_assert_eq!(rig.modem.state(), State::Ready);
        rig.command(Command::Withdraw);
        prop_assert_eq!(answers(&rig.events), submits);
        rig.events.clear();
        rig.command(submit(&[0x11, 0xAB]));
        rig.command(Command::Commit);
        let accepted = Event::Submitted(SubmitResult::Accepted { tp_mr: Some(1), ack: None });
        prop_assert_eq!(rig.events.first(), Some(&accepted));
    }

    /// However the port cuts the octets of an answer, the same is told and the same is written.
    #[test]
    fn cuts_change_nothing(cuts in proptest::collection::vec(1usize..9, 1..60), before in murmur()) {
        let whole = told_and_written(&before, &[usize::MAX]);
        let cut = told_and_written(&before, &cuts);
        prop_assert_eq!(whole, cut);
    }

    /// Nothing leaves after Ctrl-Z until a result, a reset, or the hard limit.
    #[test]
    fn ctrl_z_is_written_once_and_silence_follows(octets in proptest::collection::vec(any::<u8>(), 0..300), wait in 0u64..179) {
        let mut rig = Rig::ready();
        rig.fake.mute = true;
        rig.command(submit(&[0x11, 0xAB]));
        rig.command(Command::Commit);
        rig.input(b"\r\n> ");
        rig.fake.commands.clear();
        // No line of the vocabulary: only noise.
        let noise: Vec<u8> = octets.into_iter().filter(|octet| !octet.is_ascii_alphanumeric()).collect();
        rig.modem.handle_input(rig.now, &noise);
        rig.wait(Duration::from_secs(wait));
        prop_assert_eq!(rig.modem.poll_transmit(), None);
        prop_assert_eq!(answers(&rig.events), 0);
        rig.wait(Duration::from_secs(180 - wait));
        prop_assert_eq!(answers(&rig.events), 1);
    }
}

/// A submit, with some chatter while it waits for its result, answered in pieces.
fn told_and_written(before: &[u8], cuts: &[usize]) -> (Vec<String>, Vec<Vec<u8>>) {
    let mut rig = Rig::ready();
    let mut written = Vec::new();
    rig.modem.handle_command(rig.now, submit(&[0x11, 0xAB]));
    rig.modem.handle_command(rig.now, Command::Commit);
    let answer = b"\r\n+CDS: 3\r\n029153060501\r\n\r\n+CMGS: 5\r\n\r\nOK\r\n";
    for octets in [b"\r\n> ".as_slice(), before, answer] {
        while let Some(octets) = rig.modem.poll_transmit() {
            written.push(octets.to_vec());
        }
        let mut rest = octets;
        let mut sizes = cuts.iter().cycle();
        while !rest.is_empty() {
            let size = sizes.next().copied().unwrap_or(1).min(rest.len());
            let (part, next) = rest.split_at(size);
            rig.modem.handle_input(rig.now, part);
            rest = next;
        }
    }
    while let Some(octets) = rig.modem.poll_transmit() {
        written.push(octets.to_vec());
    }
    let told = core::iter::from_fn(|| rig.modem.poll_event())
        .map(|event| format!("{event:?}"))
        .collect();
    (told, written)
}
