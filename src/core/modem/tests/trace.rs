//! What the trace keeps, and above all what it does not.

use std::string::ToString;
use std::vec;

use proptest::prelude::*;

use super::*;

fn at(secs: u64) -> Now {
    Now {
        monotonic: Instant::ZERO + Duration::from_secs(secs),
        utc: UtcTime::from_millis(1_781_514_922_000) + Duration::from_secs(secs),
    }
}

fn kept(trace: &mut Trace, secs: u64) -> Vec<String> {
    let lines = trace.lines(at(secs));
    lines.iter().map(|line| line[25..].to_string()).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_a_technician_needs_is_kept_and_the_rest_is_masked() {
    for (said, heard, expected) in [
        (
            "AT+CSQ\r",
            "\r\n+CSQ: 20,99\r\n\r\nOK\r\n",
            vec!["> AT+CSQ", "< +CSQ: 20,99", "< OK"],
        ),
        (
            "AT+CREG?\r",
            "\r\n+CREG: 2,1,\"00D1\",\"0ABC\",7\r\n",
            vec!["> AT+CREG?", "< +CREG: 2,1,<4>,<4>,7"],
        ),
        (
            "AT+CGSN\r",
            "\r\n866123040000017\r\n",
            vec!["> AT+CGSN", "< <15 characters>"],
        ),
        (
            "AT+CIMI\r",
            "\r\n272010123456789\r\n",
            vec!["> AT+CIMI", "< <15 characters>"],
        ),
        (
            "AT+CCID\r",
            "\r\n+CCID: 8935301234567890123\r\n",
            vec!["> AT+CCID", "< +CCID: <number>"],
        ),
        (
            "AT+CPIN=\"1234\"\r",
            "AT+CPIN=\"1234\"\r\r\n+CME ERROR: 16\r\n",
            vec!["> AT+CPIN=<masked>", "< AT+CPIN=<masked>", "< +CME ERROR: 16"],
        ),
        (
            "AT+CPIN?\r",
            "\r\n+CPIN: READY\r\n",
            vec!["> AT+CPIN?", "< +CPIN: READY"],
        ),
        (
            "AT+CUSD=1,\"*100#\",15\r",
            "\r\n+CUSD: 0,\"Hello Ann\",15\r\n",
            vec!["> AT+CUSD=<masked>", "< +CUSD: 0,<9>,15"],
        ),
        ("AT+CMGS=23\r", "\r\n> ", vec!["> AT+CMGS=23", "< >"]),
        (
            "0011AB\u{1a}",
            "\r\n+CMGS: 12\r\n",
            vec!["> <3 octets> ^Z", "< +CMGS: 12"],
        ),
        (
            "AT+CMGR=3\r",
            "\r\n+CMGR: 0,\"Ann\",23\r\n07915384\r\n",
            vec!["> AT+CMGR=3", "< +CMGR: 0,<3>,23", "< <4 octets>"],
        ),
        (
            "\u{1b}",
            "\r\nRDY\r\n+CMTI: \"SM\",3\r\n",
            vec!["> ^[", "< RDY", "< +CMTI: \"SM\",3"],
        ),
        (
            "AT\r",
            "\r\nCome to ward 7 at 10\r\n",
            vec!["> AT", "< <20 characters>"],
        ),
        (
            "AT+CNUM\r",
            "\r\n+CNUM: ,\"+353871234567\",145\r\n",
            vec!["> AT+CNUM", "< +CNUM: ,<number>,145"],
        ),
        (
            "AT+CSCA=\"+353871234567\",145\r",
            "\r\n+CMS ERROR: 304\r\n",
            vec!["> AT+CSCA=<masked>", "< +CMS ERROR: 304"],
        ),
    ] {
        let mut trace = Trace::default();
        trace.turn(at(0));
        trace.said(said.as_bytes());
        trace.heard(at(0), heard.as_bytes());
        assert_eq!(kept(&mut trace, 0), expected, "{said}");
    }
}

#[test]
fn whole_lines_end_by_themselves_and_are_masked_then() {
    let mut trace = Trace::default();
    trace.keep_whole(at(0), at(600).utc);
    trace.heard(at(1), b"\r\n+CNUM: ,\"+353871234567\",145\r\n");
    assert!(kept(&mut trace, 599)[0].contains("353871234567"));
    trace.heard(at(600), b"\r\n+CNUM: ,\"+353871234567\",145\r\n");
    assert!(!std::format!("{:?}", trace.ring.entries).contains("353871234567"));
    // An hour at most, whatever was asked for; a time that has passed ends it.
    trace.keep_whole(at(700), at(90_000).utc);
    trace.heard(at(701), b"\r\n12345678901\r\n");
    assert!(kept(&mut trace, 4_299).last().unwrap().contains("12345678901"));
    assert!(!kept(&mut trace, 4_300).last().unwrap().contains("12345678901"));
    trace.keep_whole(at(5_000), at(5_600).utc);
    trace.heard(at(5_001), b"\r\n12345678901\r\n");
    trace.keep_whole(at(5_002), at(0).utc);
    assert!(!kept(&mut trace, 5_003).last().unwrap().contains("12345678901"));
}

#[test]
fn the_ring_is_bounded() {
    let mut trace = Trace::default();
    trace.keep_whole(at(0), at(600).utc);
    for _ in 0..2_000 {
        trace.heard(at(1), &[b'A'; 300]);
        trace.heard(at(1), b"\r\n");
    }
    assert!(trace.ring.octets <= OCTETS && trace.ring.entries.len() <= LINES);
    for _ in 0..2_000 {
        trace.heard(at(1_000), b"\r\nOK\r\n");
    }
    assert_eq!(trace.ring.entries.len(), LINES);
}

const NUMBER: &str = "353871234567";
const TEXT: &str = "Your biopsy";
const PIN: &str = "4711";

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just(std::format!(
            "\r\n+CMT: \"+{NUMBER}\",,\"26/06/15\"\r\n{TEXT} is ready\r\n"
        )),
        Just(std::format!("\r\n+CMGL: 1,\"REC UNREAD\",\"+{NUMBER}\"\r\n{TEXT}\r\n")),
        Just(std::format!("\r\n+CLIP: \"{NUMBER}\",129\r\n")),
        Just(std::format!("\r\n+CUSD: 0,\"{TEXT}, {NUMBER}\",15\r\n")),
        Just(std::format!("AT+CPIN=\"{PIN}\"\r\r\n+CPIN: {PIN}\r\n")),
        Just(std::format!("\r\n+{NUMBER}: {TEXT}\r\n")),
        Just(std::format!("\r\n+CSQ: {TEXT},{NUMBER},{PIN}\r\n")),
        Just(std::format!("\r\nAT {TEXT}\r\n")),
        Just(std::format!("\r\nOK {TEXT}\r\n+CMS ERROR: {TEXT}\r\n")),
        Just(std::format!("\r\n> {TEXT}\r\n> {PIN}\r\n")),
        Just(std::format!("{NUMBER}\r\n{PIN}\r\n\"{PIN}\"\r\n")),
        Just("\r\nOK\r\n".to_string()),
    ];
    prop_oneof![
        3 => line.prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    /// Whatever is said and heard, in whatever pieces: nothing that is a person's stands in the trace.
    #[test]
    fn nothing_of_a_person_is_kept(pieces in proptest::collection::vec((any::<bool>(), piece()), 1..30), command in 0usize..5) {
        let mut trace = Trace::default();
        let commands = ["AT+CSQ\r", "AT+CPIN=\"4711\"\r", "AT+CUSD=1,\"*4711#\",15\r", "AT+CMGL=4\r", "AT+CLCK=\"SC\",0,\"4711\"\r"];
        trace.said(commands.get(command).unwrap_or(&"AT\r").as_bytes());
        for (cut, piece) in pieces {
            let at_half = if cut { piece.len() / 2 } else { 0 };
            let (first, second) = piece.split_at(at_half);
            trace.heard(at(1), first);
            trace.heard(at(1), second);
        }
        for line in kept(&mut trace, 1) {
            for secret in [NUMBER, TEXT, PIN] {
                prop_assert!(!line.contains(secret), "{}", line);
            }
        }
    }
}
