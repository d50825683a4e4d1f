//! The codec as its users see it: a text to a line and back, in both directions.

use core::time::Duration;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::base::{PhoneNumber, UtcTime};

fn number() -> PhoneNumber {
    PhoneNumber::from_e164("+46708251358").unwrap()
}

fn line(text: &str, options: SubmitOptions) -> (String, usize) {
    let text = segment(text, &SegmentOptions::default()).unwrap();
    let (line, length) = frame(None, &submit(&text.parts[0], &number(), options).unwrap()).unwrap();
    (line.as_str().to_string(), length)
}

fn lengths(text: &str) -> Vec<usize> {
    let text = segment(text, &SegmentOptions::default()).unwrap();
    text.parts.iter().map(|part| UserData::from(part).units()).collect()
}

#[test]
fn submits_as_lines() {
    let days = |days: u64| Some(Duration::from_secs(days * 86_400));
    let plain = SubmitOptions {
        validity: days(4),
        ..SubmitOptions::default()
    };
    assert_eq!(
        line("hellohello", plain),
        ("0011000B916407281553F80000AA0AE8329BFD4697D9EC37".into(), 23)
    );
    let report = SubmitOptions {
        status_report: true,
        ..SubmitOptions::default()
    };
    assert_eq!(
        line("hellohello", report),
        ("0021000B916407281553F800000AE8329BFD4697D9EC37".into(), 22)
    );
    let both = SubmitOptions {
        status_report: true,
        validity: days(1),
        ..SubmitOptions::default()
    };
    assert_eq!(
        line("[€]", both),
        ("0031000B916407281553F80000A7061BDEA6BCF101".into(), 20)
    );
    let day = SubmitOptions {
        validity: days(1),
        ..SubmitOptions::default()
    };
    assert_eq!(
        line("Привет", day),
        ("0011000B916407281553F80008A70C041F04400438043204350442".into(), 26)
    );
}

#[test]
fn a_delivery_report_from_a_line() {
    let line = "07916407058099f9062A0B916407281553F8621051010300406210510103704000\r\n";
    let frame = Frame::parse(line).unwrap();
    assert_eq!(frame.service_centre.as_ref().unwrap().to_text(), "+46705008999");
    assert_eq!(frame.tpdu().len(), 25);
    let decoded = decode(frame.tpdu(), Direction::Inbound, Reading::Strict).unwrap();
    let Tpdu::StatusReport(report) = decoded.tpdu else {
        panic!("a status report")
    };
    assert_eq!((report.tp_mr, report.status.outcome()), (0x2A, Outcome::Delivered));
    assert_eq!(report.recipient, Address::from(&number()));
    assert_eq!(report.scts.to_utc().unwrap().to_string(), "2026-01-15T09:30:00.000Z");
    assert_eq!(
        report.discharge_time.to_utc().unwrap().to_string(),
        "2026-01-15T09:30:07.000Z"
    );
    assert_eq!(&report.encode().unwrap()[..], frame.tpdu());
}

#[test]
fn the_other_side_delivers_what_was_submitted() {
    let done = segment("Termin am 3. Juni €", &SegmentOptions::default()).unwrap();
    let at = UtcTime::from_millis(1_781_514_922_000);
    let part = &done.parts[0];
    let scts = Timestamp::from_utc(at, 4);
    let deliver = Deliver::new(Address::parse("Klinik").unwrap(), scts, Dcs(part.dcs), part.into());
    let decoded = decode(&deliver.encode().unwrap(), Direction::Inbound, Reading::Strict).unwrap();
    let Tpdu::Deliver(deliver) = decoded.tpdu else {
        panic!("a message")
    };
    assert_eq!(deliver.originator.to_text(), "Klinik");
    assert_eq!(deliver.scts.to_utc(), Some(at));
    assert_eq!(deliver.user_data.text().unwrap(), "Termin am 3. Juni €");
}

#[test]
fn cuts_fall_where_the_capacities_say() {
    assert_eq!(lengths(&"a".repeat(160)), [160]);
    assert_eq!(lengths(&"a".repeat(161)), [153, 8]);
    assert_eq!(lengths(&"a".repeat(306)), [153, 153]);
    assert_eq!(lengths(&"a".repeat(307)), [153, 153, 1]);
    assert_eq!(lengths(&"€".repeat(80)), [160]);
    assert_eq!(lengths(&"€".repeat(81)), [152, 10]);
    assert_eq!(lengths(&format!("{}€{}", "a".repeat(152), "a".repeat(20))), [152, 22]);
    assert_eq!(lengths(&"я".repeat(70)), [70]);
    assert_eq!(lengths(&"я".repeat(71)), [67, 4]);
    assert_eq!(lengths(&"я".repeat(135)), [67, 67, 1]);
    assert_eq!(lengths(&"😀".repeat(35)), [70]);
    assert_eq!(lengths(&"😀".repeat(36)), [66, 6]);
}

#[test]
fn refusals_say_why() {
    let gsm7 = SegmentOptions {
        encoding: EncodingChoice::Gsm7,
        ..SegmentOptions::default()
    };
    assert_eq!(segment("", &gsm7), Err(SegmentError::Empty));
    assert_eq!(
        segment("añçb", &gsm7),
        Err(SegmentError::NotGsm7 {
            character: 'ç',
            index: 2
        })
    );
    let four = SegmentOptions {
        max_parts: 4,
        ..SegmentOptions::default()
    };
    assert_eq!(
        segment(&"a".repeat(613), &four),
        Err(SegmentError::TooManyParts { parts: 5, max: 4 })
    );
    let any = SegmentOptions::default();
    assert_eq!(segment(&"a".repeat(153 * 255), &any).unwrap().parts.len(), 255);
    assert_eq!(
        segment(&"a".repeat(153 * 255 + 1), &any),
        Err(SegmentError::TooManyParts { parts: 256, max: 255 })
    );
}

#[test]
fn what_others_cut_in_two_comes_out_whole() {
    let euro = [
        UserData::from_septets(&[], &[0x61, gsm7::ESCAPE]).unwrap(),
        UserData::from_septets(&[], &[0x65, 0x62]).unwrap(),
    ];
    assert_eq!(join_text(&[&euro[0], &euro[1]]), "a€b");
    assert_eq!(euro[0].text().unwrap(), "a ");
    let smile = [
        UserData::from_octets(Alphabet::Ucs2, &[], &[0xD8, 0x3D]).unwrap(),
        UserData::from_octets(Alphabet::Ucs2, &[], &[0xDE, 0x00, 0x00, 0x21]).unwrap(),
    ];
    assert_eq!(join_text(&[&smile[0], &smile[1]]), "😀!");
    assert_eq!(smile[1].text().unwrap(), "\u{FFFD}!");
}

#[test]
fn a_report_without_status_is_no_delivery() {
    let octets = hex::decode::<64>(
        "060908915155100042209232958540423010000030 40"
            .replace(' ', "")
            .as_str(),
    )
    .unwrap();
    let error = decode(&octets, Direction::Inbound, Reading::Tolerant).unwrap_err();
    assert_eq!(
        error.to_string(),
        "SMS-STATUS-REPORT.TP-ST at octet 22: the octets end here"
    );
}

proptest! {
    #[test]
    fn text_to_tpdu_and_back(text in "[ -~€äöüßΩ\u{400}-\u{410}😀-😂\n]{1,400}", flash: bool) {
        let done = segment(&text, &SegmentOptions { flash, ..SegmentOptions::default() }).unwrap();
        let mut parts = Vec::new();
        for part in &done.parts {
            let tpdu = submit(part, &number(), SubmitOptions::default()).unwrap();
            let decoded = decode(&tpdu, Direction::Outbound, Reading::Strict).unwrap();
            prop_assert!(decoded.is_complete());
            prop_assert_eq!(&decoded.tpdu.encode().unwrap(), &tpdu);
            let Tpdu::Submit(submit) = decoded.tpdu else { panic!("a submit") };
            prop_assert_eq!(submit.dcs.class(), flash.then_some(Class::Display));
            parts.push(submit.user_data);
        }
        prop_assert_eq!(join_text(&parts.iter().collect::<Vec<_>>()), text);
    }

    /// Runs of one script, half pairs, pairs cut between two parts: as the standard library reads them.
    #[test]
    fn units_of_any_kind_are_read_as_utf16(units in "[a ]{0,6}[а-яé]{0,30}[漢\u{7FF}\u{800}😀]{0,6}[а-я]{0,9}", odd: u16, at: usize, cut: usize) {
        let mut units: Vec<u16> = units.encode_utf16().collect();
        units.insert(at % (units.len() + 1), odd);
        let octets: Vec<u8> = units.iter().copied().flat_map(u16::to_be_bytes).collect();
        let (first, second) = octets.split_at(cut % units.len() * 2);
        let parts = [first, second].map(|octets| UserData::from_octets(Alphabet::Ucs2, &[], octets).unwrap());
        prop_assert_eq!(join_text(&parts.each_ref()), String::from_utf16_lossy(&units));
    }

    /// Eight at a time or one at a time, in any mixture, after any fill: the same text.
    #[test]
    fn septets_of_any_kind_are_read_alike(septets in proptest::collection::vec(0_u8..128, 1..120), plain in 0..120_usize, head in 0_usize..8) {
        let mut septets = septets;
        septets.iter_mut().take(plain).for_each(|septet| *septet = *septet % 26 + b'a');
        let elements = [udh::Element { identifier: 0x70, data: &[0; 8][..head] }];
        let data = UserData::from_septets(&elements, &septets).unwrap();
        let (tables, mut decoder) = (Charset::DEFAULT.tables(), gsm7::Decoder::default());
        let mut text: String = septets.iter().filter_map(|septet| decoder.push(tables, *septet)).collect();
        text.extend(decoder.finish());
        prop_assert_eq!(data.text().unwrap(), text);
    }
}
