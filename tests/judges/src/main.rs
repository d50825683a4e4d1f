//! `judges COUNT SEED`: random messages as JSON lines, each with its TPDU and what we say it says; `judges COUNT SEED texts`:
//! random texts and how we cut them. `judge.py` asks others.
//!
//! Texts stay within what the judges know: no national tables, no lone escapes or half pairs (`docs/decisions/0010-pdu-judges.md`
//! tells what each of them does there).

use fastrand::Rng;
use serde_json::{Value, json};
use wardwire_core::base::UtcTime;
use wardwire_core::sms::{
    Address, AddressType, Alphabet, Command, Dcs, Deliver, DeliverReport, Direction, EncodingChoice, Parameters,
    Reading, SegmentOptions, Status, StatusReport, Submit, SubmitReport, Timestamp, Tpdu, UserData, Validity, decode,
    hex, segment,
};

const GSM7: &str =
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCXYZÄÖÑÜ§¿abcxyzäöñüà^{}\\[~]|€";
const OTHER: &str = "çáíóúЖяПривет漢字ひらがなعربىहिन्दी’“”–…😀👍🇮🇪 abc123\n";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().and_then(|it| it.parse().ok()).unwrap_or(10_000);
    let mut rng = Rng::with_seed(arguments.next().and_then(|it| it.parse().ok()).unwrap_or(1));
    if arguments.next().as_deref() == Some("texts") {
        (0..count).for_each(|_| println!("{}", cut(&mut rng)));
        return;
    }
    let mut written = 0;
    while written < count {
        for tpdu in message(&mut rng) {
            if written < count {
                println!("{}", line(&tpdu));
                written += 1;
            }
        }
    }
}

fn pick(rng: &mut Rng, from: &str, length: usize) -> String {
    let all: Vec<char> = from.chars().collect();
    (0..length).map(|_| all[rng.usize(..all.len())]).collect()
}

fn text(rng: &mut Rng) -> String {
    let length = [1, 7, 8, 15, 40, 69, 70, 71, 140, 159, 160, 161, 200, 320][rng.usize(..14)];
    match rng.u8(..3) {
        0 => pick(rng, OTHER, length.min(140)),
        1 => pick(rng, "abcdefghijklmnopqrstuvwxyz ABC.,", length),
        _ => pick(rng, GSM7, length),
    }
}

fn number(rng: &mut Rng) -> Address {
    match rng.u8(..10) {
        0 => {
            let length = rng.usize(3..=6);
            Address::digits(AddressType::UNKNOWN, &pick(rng, "0123456789", length)).unwrap()
        }
        1 => Address::digits(AddressType::NATIONAL, &pick(rng, "123456789", 9)).unwrap(),
        _ => {
            let length = rng.usize(7..=15);
            Address::digits(AddressType::INTERNATIONAL, &pick(rng, "123456789", length)).unwrap()
        }
    }
}

fn originator(rng: &mut Rng) -> Address {
    if rng.u8(..4) > 0 {
        return number(rng);
    }
    let length = rng.usize(1..=11);
    Address::name(&pick(
        rng,
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .-",
        length,
    ))
    .unwrap()
}

fn stamp(rng: &mut Rng) -> Timestamp {
    let second = rng.i64(946_684_800..3_400_000_000);
    Timestamp::from_utc(UtcTime::from_millis(second * 1000), rng.i8(-48..=56))
}

fn message(rng: &mut Rng) -> Vec<Tpdu> {
    match rng.u8(..10) {
        0..=3 => submits(rng),
        4..=7 => delivers(rng),
        8 => vec![status_report(rng)],
        _ => vec![other(rng)],
    }
}

fn parts(rng: &mut Rng) -> Vec<(Dcs, UserData)> {
    let options = SegmentOptions {
        encoding: if rng.u8(..8) == 0 {
            EncodingChoice::Ucs2
        } else {
            EncodingChoice::Auto
        },
        flash: rng.u8(..6) == 0,
        reference: rng.u8(..),
        wide_reference: (rng.u8(..4) == 0).then(|| rng.u16(..)),
        ..SegmentOptions::default()
    };
    let text = text(rng);
    let done = segment(&text, &options).unwrap();
    done.parts
        .iter()
        .map(|part| (Dcs(part.dcs), UserData::from(part)))
        .collect()
}

/// A text and the units in each of its parts.
fn cut(rng: &mut Rng) -> Value {
    let options = SegmentOptions {
        wide_reference: rng.bool().then_some(7),
        ..SegmentOptions::default()
    };
    let text = text(rng);
    let done = segment(&text, &options).unwrap();
    let texts: Vec<String> = done
        .parts
        .iter()
        .filter_map(|part| UserData::from(part).text())
        .collect();
    json!({
        "text": text, "ucs2": done.alphabet == Alphabet::Ucs2, "wide": options.wide_reference.is_some(), "parts": texts
    })
}

fn submits(rng: &mut Rng) -> Vec<Tpdu> {
    let destination = number(rng);
    let validity = match rng.u8(..4) {
        0 => None,
        1 => Some(Validity::Absolute(stamp(rng))),
        _ => Some(Validity::Relative(rng.u8(..))),
    };
    let [reject_duplicates, status_report, reply_path] = [rng.bool(), rng.bool(), rng.bool()];
    let tp_mr = rng.u8(..);
    let parts = parts(rng);
    parts
        .into_iter()
        .map(|(dcs, user_data)| {
            Tpdu::Submit(Submit {
                reject_duplicates,
                status_report,
                reply_path,
                tp_mr,
                destination: destination.clone(),
                pid: 0,
                dcs,
                validity,
                user_data,
            })
        })
        .collect()
}

fn delivers(rng: &mut Rng) -> Vec<Tpdu> {
    let (from, scts) = (originator(rng), stamp(rng));
    let parts = parts(rng);
    let flags = [rng.bool(), rng.bool(), rng.bool()];
    parts
        .into_iter()
        .map(|(dcs, data)| {
            let [more_messages, status_report, reply_path] = flags;
            let plain = Deliver::new(from.clone(), scts, dcs, data);
            Tpdu::Deliver(Deliver {
                more_messages,
                status_report,
                reply_path,
                ..plain
            })
        })
        .collect()
}

fn status_report(rng: &mut Rng) -> Tpdu {
    let (scts, at) = (stamp(rng), stamp(rng));
    let statuses = [
        0x00, 0x01, 0x02, 0x20, 0x21, 0x25, 0x40, 0x43, 0x46, 0x48, 0x60, 0x63, 0x65,
    ];
    let status = Status(statuses[rng.usize(..statuses.len())]);
    let mut report = StatusReport::new(rng.u8(..), number(rng), scts, at, status);
    report.more_messages = rng.bool();
    Tpdu::StatusReport(report)
}

fn other(rng: &mut Rng) -> Tpdu {
    let failure_cause = rng.bool().then(|| [0x80, 0x90, 0xC0, 0xC3, 0xD3, 0xFF][rng.usize(..6)]);
    let parameters = if rng.bool() {
        let body: Vec<u8> = (0..rng.usize(1..20)).map(|_| rng.u8(..)).collect();
        let user_data = UserData::from_octets(Alphabet::Octets, &[], &body);
        Parameters {
            pid: Some(0x7F),
            dcs: Some(Dcs(0xF6)),
            user_data,
        }
    } else {
        Parameters::default()
    };
    match rng.u8(..3) {
        0 => Tpdu::SubmitReport(SubmitReport {
            failure_cause,
            scts: stamp(rng),
            parameters,
        }),
        1 => Tpdu::DeliverReport(DeliverReport {
            failure_cause,
            parameters,
        }),
        _ => Tpdu::Command(Command {
            status_report: rng.bool(),
            has_header: false,
            tp_mr: rng.u8(..),
            pid: 0,
            command_type: rng.u8(0..=3),
            message_number: rng.u8(..),
            destination: number(rng),
            data: heapless::Vec::new(),
        }),
    }
}

fn time(stamp: Timestamp) -> Value {
    json!({ "digits": stamp.digits(), "quarters": stamp.quarters() })
}

/// What we read from the octets we wrote.
fn line(tpdu: &Tpdu) -> Value {
    let octets = tpdu.encode().unwrap();
    let direction = match tpdu {
        Tpdu::Deliver(_) | Tpdu::StatusReport(_) | Tpdu::SubmitReport(_) => Direction::Inbound,
        Tpdu::Submit(_) | Tpdu::Command(_) | Tpdu::DeliverReport(_) => Direction::Outbound,
    };
    let read = decode(&octets, direction, Reading::Strict).unwrap().tpdu;
    assert_eq!(&read, tpdu);
    let mut line = json!({
        "kind": read.kind().as_str(), "tpdu": hex::encode::<352>(&octets).as_str(),
        "outbound": direction == Direction::Outbound
    });
    let mut put = |key: &str, value: Value| line[key] = value;
    match &read {
        Tpdu::Deliver(it) => {
            put("number", it.originator.to_text().as_str().into());
            put("dcs", it.dcs.0.into());
            put("scts", time(it.scts));
        }
        Tpdu::Submit(it) => {
            put("number", it.destination.to_text().as_str().into());
            put("dcs", it.dcs.0.into());
            put("mr", it.tp_mr.into());
        }
        Tpdu::StatusReport(it) => {
            put("number", it.recipient.to_text().as_str().into());
            put("mr", it.tp_mr.into());
            put("scts", time(it.scts));
            put("dt", time(it.discharge_time));
            put("st", it.status.0.into());
        }
        Tpdu::SubmitReport(it) => {
            put("scts", time(it.scts));
            put("fcs", it.failure_cause.into());
        }
        Tpdu::DeliverReport(it) => put("fcs", it.failure_cause.into()),
        Tpdu::Command(it) => {
            put("number", it.destination.to_text().as_str().into());
            put("mr", it.tp_mr.into());
        }
    }
    if let Some(data) = read.user_data() {
        put("udl", data.length().into());
        put("text", data.text().into());
        if let Some(it) = data.concatenation() {
            put(
                "concat",
                json!([it.reference.bits(), it.reference.value(), it.total, it.sequence]),
            );
        }
    }
    line
}
