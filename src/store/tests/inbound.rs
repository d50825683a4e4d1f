//! Received messages: one part, many parts, twice, never.

use std::time::Duration;

use wardwire_core::base::Originator;
use wardwire_core::queue::inbound::{FLOOD, InboundKind};
use wardwire_core::queue::verbs::{Concat, InboundPart, Reply, Request};
use wardwire_core::sms::udh::Element;
use wardwire_core::sms::{Address, Dcs, Deliver, Direction, Reading, SegmentOptions, Timestamp, Tpdu, decode, segment};
use wardwire_core::sms::{Submit, SubmitOptions, UserData, submit};

use super::Bank;
use super::bank::number;
use crate::store::{EventKind, InboundRecord, ListFilter};

/// The parts of a text as they come from a phone.
pub(super) fn parts(bank: &Bank, text: &str, reference: u8) -> Vec<InboundPart> {
    let cut = segment(text, &SegmentOptions::default()).unwrap();
    let total = u8::try_from(cut.parts.len()).unwrap();
    (1..)
        .zip(cut.parts)
        .map(|(sequence, mut part)| {
            if total > 1 {
                part.set_reference(reference);
            }
            // A phone's text is a SUBMIT turned round.
            let tpdu = submit(&part, &number(9), SubmitOptions::default()).unwrap();
            let Tpdu::Submit(Submit { user_data, .. }) =
                decode(&tpdu, Direction::Outbound, Reading::Strict).unwrap().tpdu
            else {
                panic!("a SUBMIT");
            };
            let scts = Timestamp::from_utc(bank.now.utc, 4);
            let originator = Address::parse(number(1).as_e164()).unwrap();
            let deliver = Deliver::new(originator, scts, Dcs(part.dcs), user_data);
            InboundPart {
                sim: bank.sim,
                modem: bank.modem,
                from: Originator::new(number(1).as_e164()),
                smsc_timestamp: scts.to_utc(),
                concat: (total > 1).then_some(Concat {
                    reference: reference.into(),
                    bits: 8,
                    total,
                    sequence,
                }),
                raw: Tpdu::Deliver(deliver).encode().unwrap().to_vec(),
            }
        })
        .collect()
}

fn receive(bank: &mut Bank, part: &InboundPart) {
    assert!(matches!(bank.ask(Request::Receive(part.clone())), Reply::Stored));
}

fn inbox(bank: &Bank) -> Vec<InboundRecord> {
    let filter = ListFilter {
        limit: 200,
        ascending: true,
        kinds: InboundKind::ALL.to_vec(),
        ..ListFilter::default()
    };
    let page = bank
        .store
        .read()
        .inbound(bank.store.default_service(), &filter)
        .unwrap();
    assert_eq!(page.next, None);
    page.rows
}

fn texts(bank: &Bank) -> Vec<String> {
    inbox(bank)
        .iter()
        .map(|row| row.body.as_ref().unwrap().reveal().to_owned())
        .collect()
}

const LONG: &str = "I cannot come on Tuesday because the bus does not run that early, and my daughter, who usually drives me, \
    is away until Thursday. Could you please give me a later time, at best after eleven? Thank you. Mary";

#[test]
fn a_short_reply_is_there_at_once() {
    let mut bank = Bank::new();
    let reply = parts(&bank, "Y", 0).remove(0);
    receive(&mut bank, &reply);
    let row = inbox(&bank).remove(0);
    assert_eq!(row.from.unwrap().reveal(), number(1).as_e164());
    assert_eq!(row.body.unwrap().reveal(), "Y");
    assert_eq!((row.sim, row.parts, row.incomplete), (bank.sim, 1, false));
    assert_eq!(row.received_at, bank.now.utc);
    assert_eq!(bank.events(), [EventKind::MessageReceived]);
}

#[test]
fn the_same_tpdu_read_twice_is_one_message() {
    let mut bank = Bank::new();
    let reply = parts(&bank, "Y", 0).remove(0);
    for _ in 0..3 {
        receive(&mut bank, &reply);
        bank.store.restart(bank.now).unwrap();
    }
    assert_eq!(texts(&bank), ["Y"]);
    bank.pass(1);
    let again = parts(&bank, "Y", 0).remove(0);
    receive(&mut bank, &again);
    assert_eq!(
        texts(&bank),
        ["Y", "Y"],
        "the same words a second later are another message"
    );
}

#[test]
fn parts_are_joined_in_any_order_and_over_a_restart() {
    for order in [[0, 1], [1, 0]] {
        let mut bank = Bank::new();
        let parts = parts(&bank, LONG, 7);
        assert_eq!(parts.len(), 2);
        receive(&mut bank, &parts[order[0]]);
        assert!(inbox(&bank).is_empty());
        bank.pass(60);
        bank.store.restart(bank.now).unwrap();
        receive(&mut bank, &parts[order[1]]);
        assert_eq!(texts(&bank), [LONG]);
        assert_eq!(inbox(&bank)[0].received_at, bank.now.utc);
    }
}

#[test]
fn what_stays_incomplete_is_handed_on_with_its_gaps() {
    let mut bank = Bank::new();
    let long = LONG.repeat(2);
    let parts = parts(&bank, &long, 7);
    assert_eq!(parts.len(), 3);
    receive(&mut bank, &parts[1]);
    bank.pass(15 * 60 - 1);
    bank.sweep();
    assert!(inbox(&bank).is_empty());
    bank.pass(1);
    bank.sweep();
    let row = inbox(&bank).remove(0);
    assert!(row.incomplete);
    let body = row.body.unwrap();
    assert!(body.reveal().starts_with("[…]") && body.reveal().ends_with("[…]"));
    assert!(long.contains(body.reveal().trim_matches(['[', '…', ']'])));
    assert_eq!(bank.events(), [EventKind::MessageReceivedIncomplete]);
}

/// The rest may lie in a modem that nobody has read since: the host slept, the process was not there, the clock was set.
#[test]
fn a_wait_that_nobody_waited_begins_again() {
    for how in ["slept", "stopped", "clock set"] {
        let mut bank = Bank::new();
        let parts = parts(&bank, LONG, 7);
        receive(&mut bank, &parts[0]);
        match how {
            "slept" => bank.now.utc = bank.now.utc + Duration::from_secs(3 * 24 * 3_600),
            "stopped" => {
                bank.pass(3 * 24 * 3_600);
                bank.store.restart(bank.now).unwrap();
            }
            _ => bank.now.utc = bank.now.utc + Duration::from_secs(3_600),
        }
        let (next, _) = bank.sweep();
        assert!(inbox(&bank).is_empty(), "{how}");
        assert_eq!(next, Some(bank.now.utc + Duration::from_secs(15 * 60)), "{how}");
        bank.pass(60);
        bank.sweep();
        receive(&mut bank, &parts[1]);
        assert_eq!(texts(&bank), [LONG], "{how}");
        // Nobody sends the rest of another one: it ends all the same.
        let other = self::parts(&bank, &LONG.to_uppercase(), 8);
        receive(&mut bank, &other[0]);
        bank.store.restart(bank.now).unwrap();
        for _ in 0..2 {
            bank.pass(15 * 60);
            bank.sweep();
        }
        assert!(inbox(&bank)[1].incomplete, "{how}");
    }
}

#[test]
fn references_of_eight_and_of_sixteen_bits_are_not_the_same() {
    let mut bank = Bank::new();
    let short = parts(&bank, LONG, 7);
    let other = LONG.to_uppercase();
    let mut wide = parts(&bank, &other, 7);
    for part in &mut wide {
        part.concat.as_mut().unwrap().bits = 16;
    }
    for part in [&wide[1], &short[0], &wide[0], &short[1]] {
        receive(&mut bank, part);
    }
    assert_eq!(texts(&bank), [other.as_str(), LONG]);
    assert!(inbox(&bank).iter().all(|row| !row.incomplete));
}

#[test]
fn a_reference_used_again_begins_another_message() {
    let mut bank = Bank::new();
    let first = parts(&bank, LONG, 7);
    receive(&mut bank, &first[0]);
    bank.pass(60);
    let other = LONG.to_uppercase();
    let second = parts(&bank, &other, 7);
    receive(&mut bank, &second[0]);
    receive(&mut bank, &second[1]);
    let rows = inbox(&bank);
    assert_eq!(rows.len(), 2);
    assert!(rows[0].incomplete && !rows[1].incomplete);
    assert_eq!(rows[1].body.as_ref().unwrap().reveal(), other);
}

#[test]
fn a_text_that_its_modem_shows_again_under_another_sim_is_listed_once() {
    let mut bank = Bank::new();
    let part = parts(&bank, "Y", 1).remove(0);
    let (elsewhere, other) = bank.introduce("2");
    receive(&mut bank, &part);
    // The cards were changed: the modem still keeps the text; then the card shows it, which it was copied to.
    let moved = |modem, sim| InboundPart {
        modem,
        sim,
        ..part.clone()
    };
    let (modem, sim) = (bank.modem, bank.sim);
    receive(&mut bank, &moved(modem, other));
    receive(&mut bank, &moved(elsewhere, sim));
    assert_eq!(texts(&bank), ["Y"]);
    let third = bank.introduce("3");
    receive(&mut bank, &moved(third.0, third.1));
    assert_eq!(
        texts(&bank),
        ["Y", "Y"],
        "who texts two numbers at once is heard on both"
    );
}

#[test]
fn what_cannot_be_read_is_kept_without_a_text() {
    let mut bank = Bank::new();
    let part = InboundPart {
        sim: bank.sim,
        modem: bank.modem,
        from: Originator::new(""),
        smsc_timestamp: None,
        concat: None,
        raw: vec![0xFF; 3],
    };
    receive(&mut bank, &part);
    assert_eq!(texts(&bank), ["FFFFFF"]);
    assert_eq!(inbox(&bank)[0].kind, InboundKind::Unreadable);
    assert_eq!(bank.events(), [EventKind::MessageKept]);
}

/// Something that is no text: its TP-PID, TP-DCS, header elements and octets.
fn special(bank: &Bank, pid: u8, dcs: u8, elements: &[Element<'_>], body: &[u8]) -> InboundPart {
    let data = UserData::from_octets(Dcs(dcs).alphabet(), elements, body).unwrap();
    let scts = Timestamp::from_utc(bank.now.utc, 4);
    let mut deliver = Deliver::new(Address::parse(number(1).as_e164()).unwrap(), scts, Dcs(dcs), data);
    deliver.pid = pid;
    let concat = deliver.user_data.concatenation().map(|element| Concat {
        reference: element.reference.value(),
        bits: 8,
        total: element.total,
        sequence: element.sequence,
    });
    InboundPart {
        sim: bank.sim,
        modem: bank.modem,
        from: Originator::new(number(1).as_e164()),
        smsc_timestamp: scts.to_utc(),
        concat,
        raw: Tpdu::Deliver(deliver).encode().unwrap().to_vec(),
    }
}

#[test]
fn what_is_no_text_is_kept_and_never_listed_among_texts() {
    let mut bank = Bank::new();
    let port = |data| Element { identifier: 0x05, data };
    let cut = |data| Element { identifier: 0x00, data };
    let push = [0x0B, 0x84, 0x23, 0xF0];
    let notice = [0x01, 0x06, 0x02, 0xBE, 0xAF];
    // An MMS notice in two parts, the second first; then octets.
    let late = special(&bank, 0, 0x04, &[port(&push), cut(&[9, 2, 2])], b"http");
    let first = special(&bank, 0, 0x04, &[port(&push), cut(&[9, 2, 1])], &notice);
    let octets = special(&bank, 0, 0x04, &[], &[0xCA, 0xFE]);
    for part in [&late, &first, &octets] {
        receive(&mut bank, part);
    }
    let reply = parts(&bank, "Y", 0).remove(0);
    receive(&mut bank, &reply);
    let kinds: Vec<InboundKind> = inbox(&bank).iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [InboundKind::MmsNotice, InboundKind::Binary, InboundKind::Text]);
    assert_eq!(texts(&bank)[1], "CAFE");
    let list = |kinds: &[InboundKind]| {
        let filter = ListFilter {
            limit: 50,
            kinds: kinds.to_vec(),
            ..ListFilter::default()
        };
        let page = bank
            .store
            .read()
            .inbound(bank.store.default_service(), &filter)
            .unwrap();
        page.rows.iter().map(|row| row.kind).collect::<Vec<_>>()
    };
    assert_eq!(list(&[]), [InboundKind::Text], "texts unless asked otherwise");
    assert_eq!(list(&[InboundKind::Binary]), [InboundKind::Binary]);
    assert_eq!(
        list(&[InboundKind::Binary, InboundKind::MmsNotice]),
        [InboundKind::Binary, InboundKind::MmsNotice]
    );
    assert_eq!(
        bank.events(),
        [
            EventKind::MessageKept,
            EventKind::MessageKept,
            EventKind::MessageReceived
        ]
    );
    let counts = bank.store.read().status_counts(bank.now.utc).unwrap();
    assert_eq!(counts.received, 1, "only what a person may answer is counted");
}

#[test]
fn a_flood_is_kept_but_not_handed_on_and_a_stop_always_is() {
    let mut bank = Bank::new();
    let say = |bank: &mut Bank, text: &str| {
        bank.pass(1);
        let part = parts(bank, text, 0).remove(0);
        receive(bank, &part);
        inbox(bank).last().unwrap().kind
    };
    for _ in 0..FLOOD {
        assert_eq!(say(&mut bank, "spam"), InboundKind::Text);
    }
    assert_eq!(say(&mut bank, "spam"), InboundKind::Flood);
    assert_eq!(say(&mut bank, "Stop."), InboundKind::Text);
    assert_eq!(say(&mut bank, "spam"), InboundKind::Flood);
    let mut other = parts(&bank, "Y", 0).remove(0);
    other.from = Originator::new(number(2).as_e164());
    receive(&mut bank, &other);
    assert_eq!(inbox(&bank).last().unwrap().kind, InboundKind::Text, "others are heard");
    // The window slides: what was kept back does not count against the sender.
    bank.pass(3600 - u64::from(FLOOD));
    assert_eq!(say(&mut bank, "spam"), InboundKind::Text);
}
