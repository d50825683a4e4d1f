//! The golden PDUs of `tests/data/pdu`: each says what its line says, and is written back octet for octet.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use wardwire_core::sms::frame::FRAME_OCTETS;
use wardwire_core::sms::gsm7::Language;
use wardwire_core::sms::pid::Protocol;
use wardwire_core::sms::status::failure_meaning;
use wardwire_core::sms::validity::relative_duration;
use wardwire_core::sms::{
    Address, Context, Dcs, DecodeError, Decoded, Direction, Frame, Reading, ReportKind, Timestamp, Tpdu, UserData,
    Validity, hex,
};

/// Fewer would mean that a file is not read.
const AT_LEAST: usize = 150;

fn golden() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pdu");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .flat_map(|path| {
            fs::read_to_string(path)
                .unwrap()
                .lines()
                .map(String::from)
                .collect::<Vec<_>>()
        })
        .map(|line| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

fn read(golden: &Value, reading: Reading) -> Result<(Frame, Decoded), DecodeError> {
    let context = Context {
        direction: if golden["direction"] == "inbound" {
            Direction::Inbound
        } else {
            Direction::Outbound
        },
        reading,
        report: match golden["report"].as_str() {
            Some("acknowledgement") => Some(ReportKind::Acknowledgement),
            Some("failure") => Some(ReportKind::Failure),
            _ => None,
        },
    };
    let frame = Frame::parse(golden["pdu"].as_str().unwrap())?;
    let decoded = frame.decode(context, None)?;
    Ok((frame, decoded))
}

#[test]
fn every_one_says_what_its_line_says() {
    let all = golden();
    assert!(all.len() >= AT_LEAST, "only {}", all.len());
    for golden in all {
        let name = &golden["name"];
        if golden["refused"] == true {
            assert!(read(&golden, Reading::Tolerant).is_err(), "{name} is read");
            continue;
        }
        let (frame, decoded) = read(&golden, Reading::Tolerant).unwrap_or_else(|error| panic!("{name}: {error}"));
        let facts = facts(&frame, &decoded.tpdu);
        for (key, expected) in golden["expect"].as_object().unwrap() {
            assert_eq!(
                facts.get(key).unwrap_or(&Value::Null),
                expected,
                "{name}: {key}; {}",
                golden["why"]
            );
        }
        if golden["strict"].is_null() {
            assert!(decoded.deviations.is_empty(), "{name}: {:?}", decoded.deviations);
        } else {
            assert_eq!(golden["complete"], decoded.is_complete(), "{name}: complete");
        }
    }
}

#[test]
fn strict_takes_what_is_right_and_names_what_is_not() {
    let mut wrong = Vec::new();
    for golden in golden() {
        let name = &golden["name"];
        match (read(&golden, Reading::Strict), &golden["strict"]) {
            (Ok((frame, decoded)), Value::Null) => {
                assert_eq!(
                    &decoded.tpdu.encode().unwrap()[..],
                    frame.tpdu(),
                    "{name}: written back"
                );
            }
            (Err(error), Value::Null) => panic!("{name}: {error}"),
            (Ok(_), expected) => panic!("{name} is taken; expected {expected}"),
            (Err(error), expected) => {
                let cause = format!("{:?}", error.cause);
                let cause = cause.split([' ', '(', '{']).next().unwrap();
                let found = json!({ "field": error.field.to_string(), "offset": error.offset, "cause": cause });
                if &found != expected {
                    wrong.push(format!("{name}: {found} where {expected} is due"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_are_unique_and_every_one_is_explained() {
    let mut names = BTreeSet::new();
    for golden in golden() {
        let key = format!("{} {}", golden["name"], golden["pdu"]);
        assert!(names.insert(key.clone()), "{key} stands twice");
        assert!(golden["why"].as_str().is_some_and(|why| why.len() > 3), "{key}");
    }
}

/// Everything a line may ask about.
fn facts(frame: &Frame, tpdu: &Tpdu) -> Map<String, Value> {
    let mut facts = Map::new();
    let mut put = |key: &str, value: Value| {
        facts.insert(key.into(), value);
    };
    put("kind", tpdu.kind().as_str().into());
    put(
        "smsc",
        frame
            .service_centre
            .as_ref()
            .map_or(Value::Null, |it| it.to_text().as_str().into()),
    );
    fields(&mut put, tpdu);
    if let Some(data) = tpdu.user_data() {
        user_data(&mut put, data);
    }
    facts
}

fn address(it: &Address) -> Value {
    json!({ "number": it.to_text().as_str(), "type": it.kind().number().as_str() })
}

fn fields(put: &mut impl FnMut(&str, Value), tpdu: &Tpdu) {
    match tpdu {
        Tpdu::Deliver(it) => {
            put(
                "flags",
                flags(&[
                    (it.more_messages, "more_messages"),
                    (it.loop_prevention, "loop_prevention"),
                    (it.status_report, "status_report"),
                    (it.reply_path, "reply_path"),
                ]),
            );
            put("address", address(&it.originator));
            put("pid", it.pid.into());
            put("protocol", Protocol::of(it.pid).meaning().into());
            put("scts", time(it.scts));
            coding(put, it.dcs);
        }
        Tpdu::Submit(it) => {
            put(
                "flags",
                flags(&[
                    (it.reject_duplicates, "reject_duplicates"),
                    (it.status_report, "status_report"),
                    (it.reply_path, "reply_path"),
                ]),
            );
            put("address", address(&it.destination));
            put("tp_mr", it.tp_mr.into());
            put("validity", it.validity.map_or(Value::Null, validity));
            coding(put, it.dcs);
        }
        Tpdu::StatusReport(it) => {
            put(
                "flags",
                flags(&[
                    (it.more_messages, "more_messages"),
                    (it.loop_prevention, "loop_prevention"),
                    (it.answers_command, "answers_command"),
                ]),
            );
            put("tp_mr", it.tp_mr.into());
            put("scts", time(it.scts));
            put("dt", time(it.discharge_time));
            put("tp_st", it.status.0.into());
            put("outcome", format!("{:?}", it.status.outcome()).into());
            let parameters = it.parameters.clone().unwrap_or_default();
            put("pid", parameters.pid.into());
            put("dcs", parameters.dcs.map(|dcs| dcs.0).into());
        }
        Tpdu::SubmitReport(it) => {
            put("scts", time(it.scts));
            report(put, it.failure_cause, it.parameters.pid, it.parameters.dcs);
        }
        Tpdu::DeliverReport(it) => report(put, it.failure_cause, it.parameters.pid, it.parameters.dcs),
        Tpdu::Command(it) => {
            put("flags", flags(&[(it.status_report, "status_report")]));
            put("tp_mr", it.tp_mr.into());
            put("command", it.command_type.into());
            put("message", it.message_number.into());
            put("command_data", to_hex(&it.data));
        }
    }
}

fn report(put: &mut impl FnMut(&str, Value), cause: Option<u8>, pid: Option<u8>, dcs: Option<Dcs>) {
    put("fcs", cause.into());
    put(
        "cause",
        cause.map_or(Value::Null, |cause| failure_meaning(cause).into()),
    );
    put("pid", pid.into());
    put("dcs", dcs.map(|dcs| dcs.0).into());
}

fn coding(put: &mut impl FnMut(&str, Value), dcs: Dcs) {
    put("dcs", dcs.0.into());
    put("class", dcs.class().map(|class| class as u8).into());
    put("reserved", dcs.is_reserved().into());
    put("auto_delete", dcs.is_deleted_after_reading().into());
    if let Some(it) = dcs.waiting() {
        let store = if it.store { "store" } else { "discard" };
        let active = if it.active { "on" } else { "off" };
        put("waiting", json!([store, active, format!("{:?}", it.waiting)]));
    }
}

fn user_data(put: &mut impl FnMut(&str, Value), data: &UserData) {
    put("alphabet", data.alphabet().as_str().into());
    put("udl", data.length().into());
    put("units", data.units().into());
    put("text", data.text().into());
    put("data", to_hex(data.body()));
    let elements = data.elements().map(|it| {
        Value::from(format!(
            "{:02X}:{}",
            it.identifier,
            hex::encode::<{ FRAME_OCTETS * 2 }>(it.data)
        ))
    });
    put("elements", elements.collect());
    if let Some(it) = data.concatenation() {
        put(
            "concat",
            json!([it.reference.value(), it.total, it.sequence, it.reference.bits()]),
        );
    }
    if let Some(it) = data.ports() {
        put("ports", json!([it.destination, it.source, it.bits]));
    }
    put("single", data.charset().single.map(Language::identifier).into());
    put("locking", data.charset().locking.map(Language::identifier).into());
}

fn flags(all: &[(bool, &str)]) -> Value {
    all.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect()
}

fn time(stamp: Timestamp) -> Value {
    stamp.rfc3339().map_or(Value::Null, |text| text.as_str().into())
}

fn validity(validity: Validity) -> Value {
    match validity {
        Validity::Relative(octet) => json!({ "format": "relative", "seconds": relative_duration(octet).as_secs() }),
        Validity::Absolute(stamp) => json!({ "format": "absolute", "time": time(stamp) }),
        Validity::Enhanced(it) => json!({
            "format": "enhanced", "seconds": it.duration().map(|it| it.as_secs()), "single_shot": it.is_single_shot()
        }),
    }
}

fn to_hex(octets: &[u8]) -> Value {
    hex::encode::<{ FRAME_OCTETS * 2 }>(octets).as_str().into()
}
