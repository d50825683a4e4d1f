//! Vectors from elsewhere: 202 of public suites and 115 made beside them, each confirmed by independent decoders. They are
//! not part of this repository; without the folder beside it the test says so and passes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use serde_json::Value;
use wardwire_core::sms::dcs::Waiting;
use wardwire_core::sms::frame::FRAME_OCTETS;
use wardwire_core::sms::validity::{Enhanced, EnhancedPeriod, relative_duration};
use wardwire_core::sms::{
    Address, Alphabet, Context, Dcs, DecodeError, Decoded, Direction, Frame, Reading, ReportKind, Timestamp, Tpdu,
    TypeOfNumber, UserData, Validity, hex, join_text,
};

fn vectors() -> Option<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/vectors.jsonl");
    let Ok(lines) = fs::read_to_string(&path) else {
        println!("skipped: no vectors beside the repository");
        return None;
    };
    Some(lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn read(vector: &Value, reading: Reading) -> Result<(Option<Address>, Decoded, Frame), DecodeError> {
    let context = Context {
        direction: if vector["direction"] == "mt" {
            Direction::Inbound
        } else {
            Direction::Outbound
        },
        reading,
        report: match vector["rp_context"].as_str() {
            Some("ack") => Some(ReportKind::Acknowledgement),
            Some("error") => Some(ReportKind::Failure),
            _ => None,
        },
    };
    let mut line = vector["pdu"].as_str().unwrap().to_string();
    if vector["has_smsc"] == false {
        line.insert_str(0, "00");
    }
    let frame = Frame::parse(&line)?;
    let decoded = frame.decode(context, None)?;
    Ok((frame.service_centre.clone(), decoded, frame))
}

#[test]
fn every_valid_vector_says_what_it_says() {
    let Some(vectors) = vectors() else { return };
    let mut seen = 0;
    for vector in vectors.iter().filter(|vector| vector["expect"]["error"] != true) {
        let id = &vector["id"];
        let (service_centre, decoded, frame) =
            read(vector, Reading::Tolerant).unwrap_or_else(|error| panic!("{id}: {error}"));
        let expect = &vector["expect"];
        assert_eq!(decoded.tpdu.kind().as_str(), vector["kind"], "{id}");
        if let Some(length) = vector["tpdu_len"].as_u64() {
            assert_eq!(frame.tpdu().len() as u64, length, "{id}: length");
        }
        if expect["smsc"].is_object() {
            address(id, &service_centre.unwrap(), &expect["smsc"]);
        }
        tpdu(id, &decoded.tpdu, expect);
        if decoded.deviations.is_empty() {
            assert_eq!(&decoded.tpdu.encode().unwrap()[..], frame.tpdu(), "{id}: written again");
        }
        seen += 1;
    }
    assert!(seen > 250, "only {seen} vectors");
}

/// Vectors that every decoder reads and that are not written as the standard asks: the field each deviates in.
const DEVIATING: [(&str, &str); 12] = [
    ("ofono-charset-default", "TP-DA.value"),
    ("ofono-charset-default-ext", "TP-DA.value"),
    ("ofono-sr-pdu3", "TP-SCTS"),
    ("modemmanager-test-pdu-multipart-1", "TP-UD.fill-bits"),
    ("modemmanager-test-pdu-multipart-2", "TP-UD.fill-bits"),
    ("python-gsmmodem-decode-5", "TP-UD.fill-bits"),
    ("xlab-pdusubmitgsm7-enhancedtpvp2", "TP-UD"),
    ("aosp-pdu-12", "TP-OA.value"),
    ("aosp-pdu-13", "TP-OA.value"),
    ("crafted-concat8-invalid-total0", "TP-UD.UDH.IE-00"),
    ("crafted-concat8-invalid-seq0", "TP-UD.UDH.IE-00"),
    ("crafted-gsm7-7-chars-cr-pad-octet", "TP-UD"),
];

#[test]
fn strict_takes_the_valid_ones_but_for_twelve_that_deviate() {
    let Some(vectors) = vectors() else { return };
    let mut refused = Vec::new();
    for vector in vectors.iter().filter(|vector| vector["expect"]["error"] != true) {
        if let Err(error) = read(vector, Reading::Strict) {
            refused.push((vector["id"].as_str().unwrap(), error.field.to_string()));
        }
    }
    let expected: Vec<_> = DEVIATING
        .iter()
        .map(|(id, field)| (*id, (*field).to_string()))
        .collect();
    assert_eq!(refused, expected);
}

#[test]
fn every_malformed_vector_is_refused_by_the_strict_reading() {
    let Some(vectors) = vectors() else { return };
    for vector in vectors.iter().filter(|vector| vector["expect"]["error"] == true) {
        let id = &vector["id"];
        assert!(
            read(vector, Reading::Strict).is_err(),
            "{id}: {}",
            vector["expect"]["reason"]
        );
        if let Some(text) = vector["expect"]["lenient"]["text"].as_str() {
            let (_, decoded, _) = read(vector, Reading::Tolerant).unwrap_or_else(|error| panic!("{id}: {error}"));
            assert_eq!(
                decoded.tpdu.user_data().unwrap().text().unwrap(),
                text,
                "{id}: as far as it goes"
            );
            assert!(!decoded.is_complete(), "{id}");
        }
    }
}

#[test]
fn groups_join() {
    let Some(vectors) = vectors() else { return };
    let mut joined = 0;
    for last in vectors.iter().filter(|vector| vector["joined_text"].is_string()) {
        let mut parts: Vec<UserData> = vectors
            .iter()
            .filter(|vector| vector["group"] == last["group"])
            .map(|vector| {
                read(vector, Reading::Tolerant)
                    .unwrap()
                    .1
                    .tpdu
                    .user_data()
                    .unwrap()
                    .clone()
            })
            .collect();
        parts.sort_by_key(|part| part.concatenation().unwrap().sequence);
        assert_eq!(
            join_text(&parts.iter().collect::<Vec<_>>()),
            last["joined_text"],
            "{}",
            last["group"]
        );
        joined += 1;
    }
    assert!(joined > 0);
}

fn field<T: Into<Value>>(id: &Value, expect: &Value, name: &str, is: T) {
    if let Some(expected) = expect.get(name) {
        assert_eq!(&is.into(), expected, "{id}: {name}");
    }
}

fn tpdu(id: &Value, tpdu: &Tpdu, expect: &Value) {
    match tpdu {
        Tpdu::Deliver(it) => {
            field(id, expect, "more_messages", it.more_messages);
            field(id, expect, "lp", it.loop_prevention);
            field(id, expect, "sri", it.status_report);
            field(id, expect, "reply_path", it.reply_path);
            field(id, expect, "pid", it.pid);
            address(id, &it.originator, &expect["address"]);
            time(id, it.scts, &expect["scts"]);
            coding(id, it.dcs, expect);
        }
        Tpdu::Submit(it) => {
            field(id, expect, "rd", it.reject_duplicates);
            field(id, expect, "srr", it.status_report);
            field(id, expect, "reply_path", it.reply_path);
            field(id, expect, "mr", it.tp_mr);
            field(id, expect, "pid", it.pid);
            address(id, &it.destination, &expect["address"]);
            validity(id, it.validity, &expect["vp"]);
            coding(id, it.dcs, expect);
        }
        Tpdu::StatusReport(it) => {
            field(id, expect, "more_messages", it.more_messages);
            field(id, expect, "lp", it.loop_prevention);
            field(id, expect, "srq", it.answers_command);
            field(id, expect, "mr", it.tp_mr);
            address(id, &it.recipient, &expect["address"]);
            time(id, it.scts, &expect["scts"]);
            time(id, it.discharge_time, &expect["dt"]);
            field(id, expect, "status", it.status.0);
            field(id, expect, "status_effective", it.status.effective().0);
            if let Some(parameters) = &it.parameters {
                field(id, expect, "pid", parameters.pid.map_or(Value::Null, Value::from));
                coding(id, parameters.dcs.unwrap_or_default(), expect);
            }
        }
        Tpdu::SubmitReport(it) => {
            field(id, expect, "fcs", it.failure_cause.map_or(Value::Null, Value::from));
            time(id, it.scts, &expect["scts"]);
            field(id, expect, "pid", it.parameters.pid.map_or(Value::Null, Value::from));
            coding(id, it.parameters.dcs.unwrap_or_default(), expect);
        }
        Tpdu::DeliverReport(it) => {
            field(id, expect, "fcs", it.failure_cause.map_or(Value::Null, Value::from));
            field(id, expect, "pid", it.parameters.pid.map_or(Value::Null, Value::from));
            coding(id, it.parameters.dcs.unwrap_or_default(), expect);
        }
        Tpdu::Command(it) => {
            field(id, expect, "srr", it.status_report);
            field(id, expect, "mr", it.tp_mr);
            field(id, expect, "pid", it.pid);
            field(id, expect, "ct", it.command_type);
            field(id, expect, "mn", it.message_number);
            field(id, expect, "cdl", it.data.len());
            field(id, expect, "cd", hex::encode::<400>(&it.data).as_str());
            address(id, &it.destination, &expect["address"]);
        }
    }
    if let Some(data) = tpdu.user_data() {
        user_data(id, data, expect);
    }
}

fn address(id: &Value, address: &Address, expect: &Value) {
    field(id, expect, "toa", address.kind().0);
    field(id, expect, "npi", address.kind().plan());
    field(id, expect, "len", address.semi_octets());
    if let Some(digits) = expect["digits"].as_str() {
        assert_eq!(address.as_digits(), Some(digits), "{id}: digits");
    }
    if let Some(name) = expect["alpha"].as_str() {
        assert_eq!(address.to_text().as_str(), name, "{id}: name");
    }
    let number = match address.kind().number() {
        TypeOfNumber::Unknown => "unknown",
        TypeOfNumber::International => "international",
        TypeOfNumber::National => "national",
        TypeOfNumber::Network => "network",
        TypeOfNumber::Subscriber => "subscriber",
        TypeOfNumber::Alphanumeric => "alphanumeric",
        TypeOfNumber::Abbreviated => "abbreviated",
        TypeOfNumber::Reserved => "reserved",
    };
    assert!(
        expect["ton"].as_str().is_none_or(|ton| ton.starts_with(number)),
        "{id}: {number} {}",
        expect["ton"]
    );
}

fn time(id: &Value, stamp: Timestamp, expect: &Value) {
    if expect.is_null() {
        return;
    }
    assert_eq!(i64::from(stamp.quarters()), expect["tz_quarters"], "{id}: zone");
    if let Some(raw) = expect["raw"].as_str() {
        assert_eq!(hex::encode::<14>(&stamp.0), raw, "{id}");
    }
    assert_eq!(!stamp.is_decimal(), expect["non_bcd"] == true, "{id}: digits");
    let [year, month, day, hour, minute, second] = stamp.digits();
    let told = format!("{year:02}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    let iso = expect["iso"].as_str().unwrap();
    assert_eq!(told, iso[2..19], "{id}: time");
    if let Some(civil) = stamp.civil() {
        assert_eq!(civil.to_string(), iso[..19], "{id}: century");
    }
}

fn validity(id: &Value, validity: Option<Validity>, expect: &Value) {
    match validity {
        None => assert_eq!(expect["format"], "none", "{id}"),
        Some(Validity::Relative(octet)) => {
            assert_eq!(
                (&expect["format"], &expect["value"]),
                (&"relative".into(), &octet.into()),
                "{id}"
            );
            assert_eq!(expect["minutes"], relative_duration(octet).as_secs() / 60, "{id}");
        }
        Some(Validity::Absolute(stamp)) => time(id, stamp, &expect["time"]),
        Some(Validity::Enhanced(enhanced)) => period(id, enhanced, expect),
    }
}

fn period(id: &Value, enhanced: Enhanced, expect: &Value) {
    assert_eq!(hex::encode::<14>(&enhanced.0).as_str(), expect["raw"], "{id}");
    assert_eq!(enhanced.is_single_shot(), expect["single_shot"] == true, "{id}");
    let (kind, seconds) = match enhanced.period() {
        EnhancedPeriod::Unspecified => ("none", None),
        EnhancedPeriod::Relative(octet) => ("relative", Some(relative_duration(octet).as_secs())),
        EnhancedPeriod::Seconds(seconds) => ("seconds", Some(u64::from(seconds))),
        EnhancedPeriod::Clock {
            hours,
            minutes,
            seconds,
        } => (
            "hms",
            Some(u64::from(hours) * 3600 + u64::from(minutes) * 60 + u64::from(seconds)),
        ),
        EnhancedPeriod::Reserved(_) => ("reserved", None),
    };
    assert_eq!(expect["kind"], kind, "{id}");
    assert_eq!(expect["seconds"].as_u64(), seconds, "{id}");
}

fn coding(id: &Value, dcs: Dcs, expect: &Value) {
    field(id, expect, "dcs", dcs.0);
    field(
        id,
        expect,
        "class",
        dcs.class().map_or(Value::Null, |class| Value::from(class as u8)),
    );
    field(id, expect, "compressed", dcs.is_compressed());
    field(id, expect, "auto_delete", dcs.is_deleted_after_reading());
    if expect.get("alphabet").is_some() {
        assert_eq!(dcs.is_reserved(), expect["alphabet_reserved"] == true, "{id}: reserved");
    }
    let Some(waiting) = expect.get("mwi") else { return };
    match dcs.waiting() {
        None => assert!(waiting.is_null(), "{id}"),
        Some(indication) => {
            assert_eq!(indication.store, waiting["store"], "{id}");
            assert_eq!(indication.active, waiting["active"], "{id}");
            let kind = match indication.waiting {
                Waiting::Voicemail => "voicemail",
                Waiting::Fax => "fax",
                Waiting::Mail => "email",
                Waiting::Other => "other",
            };
            assert_eq!(waiting["type"], kind, "{id}");
        }
    }
}

fn user_data(id: &Value, data: &UserData, expect: &Value) {
    field(id, expect, "udl", data.length());
    field(id, expect, "udhi", data.has_header());
    let alphabet = match data.alphabet() {
        Alphabet::Gsm7 => "gsm7",
        Alphabet::Ucs2 => "ucs2",
        Alphabet::Octets => "8bit",
    };
    field(id, expect, "alphabet", alphabet);
    if data.alphabet() == Alphabet::Gsm7 {
        field(id, expect, "septets", data.units());
    }
    if let Some(elements) = expect["udh"].as_array().filter(|_| expect["udh_ignored"] != true) {
        let found: Vec<Value> = data
            .elements()
            .map(|element| serde_json::json!({"iei": element.identifier, "data": hex::encode::<320>(element.data).as_str()}))
            .collect();
        assert_eq!(&found, elements, "{id}: header");
    }
    let concatenation = data.concatenation().map_or(Value::Null, |it| {
        serde_json::json!({
            "bits": it.reference.bits(), "ref": it.reference.value(), "total": it.total, "seq": it.sequence
        })
    });
    assert_eq!(concatenation, expect["concat"], "{id}: concatenation");
    let ports = data.ports().map_or(
        Value::Null,
        |ports| serde_json::json!({"bits": ports.bits, "dst": ports.destination, "src": ports.source}),
    );
    assert_eq!(ports, expect["ports"], "{id}: ports");
    let identifier = |language: Option<wardwire_core::sms::gsm7::Language>| language.map(|it| it.identifier());
    field(
        id,
        expect,
        "nl_single",
        identifier(data.charset().single).map_or(Value::Null, Value::from),
    );
    field(
        id,
        expect,
        "nl_locking",
        identifier(data.charset().locking).map_or(Value::Null, Value::from),
    );
    if let Some(text) = expect["text"].as_str() {
        assert_eq!(data.text().unwrap_or_default(), text, "{id}: text");
    }
    if let Some(octets) = expect["data"].as_str() {
        assert_eq!(
            hex::encode::<{ FRAME_OCTETS * 2 }>(data.body()).as_str(),
            octets,
            "{id}: data"
        );
    }
}
