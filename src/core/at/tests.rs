//! The engine alone: what it tells of what comes.

use std::format;
use std::string::String;
use std::vec::Vec;

use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::base::{Instant, Now, UtcTime};

fn at(millis: u64) -> Now {
    Now {
        monotonic: Instant::from_micros(millis * 1000),
        utc: UtcTime::default(),
    }
}

/// An engine with a command that has left.
fn running(request: Request) -> Engine {
    let mut engine = Engine::default();
    engine.handle_command(at(0), Command::Run(request));
    while engine.poll_transmit().is_some() {}
    engine
}

fn asked(text: &str) -> Engine {
    running(Request::plain(text, Duration::from_secs(5)).unwrap())
}

/// What it tells; `Info` with the line itself.
fn told(engine: &mut Engine) -> Vec<String> {
    core::iter::from_fn(|| engine.poll_event())
        .map(|event| {
            if let Event::Info(line) = event {
                format!("Info {line}")
            } else {
                format!("{event:?}")
            }
        })
        .collect()
}

fn hears(mut engine: Engine, octets: &str) -> Vec<String> {
    engine.handle_input(at(10), octets.as_bytes());
    told(&mut engine)
}

#[test]
fn an_answer_is_its_lines_and_its_result() {
    for octets in [
        "AT+CSQ\r\r\n+CSQ: 20,99\r\n\r\nOK\r\n",
        "\r\n+CSQ: 20,99\r\n\r\nOK\r\n",
        "+CSQ: 20,99\nOK\n",
        "\0\0\r\n+CSQ: 20,99\r\r\nOK\r\n",
        "at+csq\r\n+CSQ: 20,99\r\nOK\r\n",
    ] {
        assert_eq!(
            hears(asked("AT+CSQ"), octets),
            ["Info +CSQ: 20,99", "Done(Final(Ok))"],
            "{octets:?}"
        );
    }
}

#[test]
fn what_stands_inside_an_answer_is_not_counted_as_it() {
    assert_eq!(
        hears(
            asked("AT+CSQ"),
            "\r\n^RSSI: 21\r\n+CSQ: 20,99\r\n+CMTI: \"SM\",3\r\nfoo\r\nOK\r\n"
        ),
        [
            "Urc(Ignored)",
            "Info +CSQ: 20,99",
            "Urc(Stored { memory: Some(SM), index: 3, report: false })",
            "Done(Final(Ok))"
        ]
    );
}

#[test]
fn identities_come_without_a_name() {
    assert_eq!(
        hears(asked("AT+CGSN"), "\r\n^BOOT:1,0\r\n866123040000017\r\nOK\r\n"),
        ["Urc(Ignored)", "Info 866123040000017", "Done(Final(Ok))"]
    );
    assert_eq!(
        hears(asked("AT+CGMI"), "\r\nAT&T\r\nOK\r\n"),
        ["Info AT&T", "Done(Final(Ok))"]
    );
    assert_eq!(
        hears(asked("AT+CSQ"), "\r\n866123040000017\r\nOK\r\n"),
        ["Done(Final(Ok))"]
    );
}

#[test]
fn the_digits_of_atv0_are_results() {
    assert_eq!(hears(asked("AT"), "0\r"), ["Done(Final(Ok))"]);
    assert_eq!(hears(asked("AT"), "4\r"), ["Done(Final(Error))"]);
}

#[test]
fn what_came_before_the_command_left_is_not_its_answer() {
    let mut engine = Engine::default();
    engine.handle_command(
        at(0),
        Command::Run(Request::plain("AT", Duration::from_secs(1)).unwrap()),
    );
    engine.handle_input(at(0), b"\r\nOK\r\n");
    assert_eq!(told(&mut engine), ["Stray"]);
    assert!(engine.poll_transmit().is_some());
    engine.handle_input(at(0), b"\r\nOK\r\n");
    assert_eq!(told(&mut engine), ["Done(Final(Ok))"]);
}

#[test]
fn an_answer_without_ok_settles() {
    let mut engine = asked("AT+CPIN?");
    engine.handle_input(at(10), b"\r\n+CPIN:READY\r\n");
    assert_eq!(engine.poll_timeout(), Some((at(2010).monotonic, WakeReason::Settle)));
    engine.handle_timeout(at(2010));
    assert_eq!(told(&mut engine), ["Info +CPIN:READY", "Done(Settled)"]);
}

#[test]
fn silence_ends_a_command_and_waking_early_does_not() {
    let mut engine = asked("AT");
    engine.handle_timeout(at(4999));
    assert_eq!(told(&mut engine), Vec::<String>::new());
    engine.handle_timeout(at(5000));
    assert_eq!(told(&mut engine), ["Done(Silent)"]);
    assert_eq!(engine.poll_timeout(), None);
}

#[test]
fn a_second_command_has_to_wait() {
    let mut engine = asked("AT");
    engine.handle_command(at(1), Command::Run(Request::read(1, Duration::from_secs(1))));
    assert_eq!(engine.poll_transmit(), None);
    assert_eq!(hears(engine, "\r\nOK\r\n"), ["Done(Final(Ok))"]);
}

#[test]
fn every_octet_of_a_listing_starts_its_clock_anew() {
    let mut engine = running(Request::list(Duration::from_secs(60)));
    engine.handle_input(at(59_000), b"\r");
    engine.handle_timeout(at(60_000));
    assert_eq!(told(&mut engine), Vec::<String>::new());
    engine.handle_timeout(at(119_000));
    assert_eq!(told(&mut engine), ["Done(Silent)"]);
}

#[test]
fn entries_come_with_their_pdus() {
    assert_eq!(
        hears(
            running(Request::list(Duration::from_secs(60))),
            "\r\n+CMGL: 1,1,,4\r\n02915304010203\r\n+CMGL: 2,1,,4\r\n+CMGL: 5,0,,4\r\n+CMTI: \"SM\",9\r\n02915304010203\r\n\r\nOK\r\n"
        ),
        [
            "Entry(Some(1), Pdu(4 octets, whole: true))",
            "Entry(Some(2), Pdu(0 octets, whole: false))",
            "Urc(Stored { memory: Some(SM), index: 9, report: false })",
            "Entry(Some(5), Pdu(4 octets, whole: true))",
            "Done(Final(Ok))"
        ]
    );
    let read = || running(Request::read(4, Duration::from_secs(5)));
    assert_eq!(
        hears(read(), "\r\n+CMGR: 0,,4\r\n02915304010203\r\nOK\r\n"),
        ["Entry(None, Pdu(4 octets, whole: true))", "Done(Final(Ok))"]
    );
    // A length of 0 announces no line: the OK is no PDU.
    assert_eq!(hears(read(), "\r\n+CMGR: 0,,0\r\n\r\nOK\r\n"), ["Done(Final(Ok))"]);
    assert_eq!(hears(read(), "\r\nOK\r\n"), ["Done(Final(Ok))"]);
}

#[test]
fn a_routed_pdu_is_the_next_hex_line_within_a_moment() {
    let engine = || asked("AT+CSQ");
    assert_eq!(
        hears(engine(), "\r\n+CMT: ,4\r\n+CREG: 1\r\n02915304010203\r\n"),
        [
            "Urc(Registration(Circuit, RegistrationLine { stat: 1, act: None, answer: false }))",
            "Routed(Deliver, Pdu(4 octets, whole: true))"
        ]
    );
    let mut late = asked("AT+CGSN");
    late.handle_input(at(0), b"\r\n+CDS: 4\r\n");
    late.handle_input(at(2_001), b"\r\n866123040000017\r\n");
    assert_eq!(told(&mut late), ["Info 866123040000017"]);
}

#[test]
fn a_drain_swallows_results_and_ends_with_silence() {
    let mut engine = running(Request::drain());
    engine.handle_input(at(200), b"\r\nOK\r\n+CMTI: \"SM\",1\r\nERROR\r\n");
    engine.handle_timeout(at(300));
    assert_eq!(
        told(&mut engine),
        ["Urc(Stored { memory: Some(SM), index: 1, report: false })"]
    );
    engine.handle_timeout(at(500));
    assert_eq!(told(&mut engine), ["Done(Settled)"]);
    // A line that never falls silent is drained for three seconds.
    let mut engine = running(Request::drain());
    for millis in (0..3000).step_by(100) {
        engine.handle_input(at(millis), b"x");
    }
    engine.handle_timeout(at(3000));
    assert_eq!(told(&mut engine), ["Done(Settled)"]);
}

#[test]
fn an_echo_that_had_stopped_is_told_once() {
    let mut engine = asked("AT");
    engine.handle_input(at(0), b"\r\nOK\r\n");
    engine.handle_command(
        at(1),
        Command::Run(Request::plain("AT+CSQ", Duration::from_secs(1)).unwrap()),
    );
    engine.poll_transmit();
    engine.handle_input(at(1), b"AT+CSQ\r\r\nOK\r\n");
    assert_eq!(
        told(&mut engine),
        ["Done(Final(Ok))", "EchoReturned", "Done(Final(Ok))"]
    );
}

#[test]
fn a_prompt_nobody_expects_is_out_of_step() {
    assert_eq!(hears(Engine::default(), "\r\n> AT+CSQ\r\n"), ["Stray"]);
}

#[test]
fn debug_shows_no_parameters() {
    let request = Request::plain("AT+CPIN=\"1234\"", Duration::from_secs(1)).unwrap();
    assert_eq!(format!("{request:?}"), "Request(+CPIN)");
    assert!(!format!("{:?}", running(request)).contains("1234"));
    let mut engine = asked("AT+CNUM");
    engine.handle_input(at(0), b"\r\n+CNUM: ,\"+353871234567\",145\r\n");
    assert!(!format!("{:?}", engine.poll_event()).contains("353"));
}

proptest! {
    /// Whatever comes is told within its bound: an octet makes at most one event, and one more ends the command.
    #[test]
    fn octets_bound_events(octets in proptest::collection::vec(any::<u8>(), 0..600), which in 0usize..4) {
        let requests = [
            Request::plain("AT+CGMI", Duration::from_secs(1)).unwrap(),
            Request::list(Duration::from_secs(1)),
            Request::submit(9, Duration::from_secs(1), Duration::from_secs(1), Duration::from_secs(1)),
            Request::drain(),
        ];
        let mut engine = running(requests[which].clone());
        engine.handle_input(at(0), &octets);
        prop_assert!(told(&mut engine).len() <= octets.len());
        // No state keeps the engine: some wakings later it is idle.
        for second in 1..8 {
            engine.handle_timeout(at(second * 60_000));
            while engine.poll_transmit().is_some() {}
        }
        prop_assert!(engine.is_idle());
    }
}
