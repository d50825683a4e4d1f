//! `wardwire pdu` through its command line: the JSON other programs build on, the dump people read, the exit codes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

use serde_json::{Value, json};

fn pdu(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wardwire"))
        .arg("pdu")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn read_json(arguments: &[&str]) -> Value {
    let output = pdu(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn decode_json_of_a_part() {
    let found = read_json(&[
        "decode",
        "--json",
        "0071000B916407281553F80000A70C050003420201906536FB0D",
    ]);
    let expected = json!({
        "kind": "SMS-SUBMIT", "smsc": null, "address": { "number": "+46708251358", "type": "international" },
        "text": "Hello", "data": null, "alphabet": "gsm7", "class": null, "udh": [{ "iei": 0, "data": "420201" }],
        "concat": { "reference": 66, "total": 2, "sequence": 1, "bits": 8 }, "timestamp": null,
        "discharge_time": null, "validity": { "format": "relative", "seconds": 86_400 }, "tp_mr": 0, "tp_st": null,
        "tp_fcs": null, "pid": 0, "dcs": 0, "deviations": []
    });
    assert_eq!(found, expected);
}

#[test]
fn decode_json_of_a_report_keeps_the_offset_of_the_times() {
    let found = read_json(&[
        "decode",
        "--json",
        "07916407058099f9062A0B916407281553F8621051010300406210510103704000",
    ]);
    assert_eq!(found["kind"], "SMS-STATUS-REPORT");
    assert_eq!(found["smsc"], "+46705008999");
    assert_eq!(found["timestamp"], "2026-01-15T10:30:00+01:00");
    assert_eq!(found["discharge_time"], "2026-01-15T10:30:07+01:00");
    assert_eq!((&found["tp_mr"], &found["tp_st"]), (&json!(42), &json!(0)));
    assert_eq!(found["text"], Value::Null);
}

#[test]
fn decode_dumps_every_octet_with_its_field() {
    let dump = text(&pdu(&["decode", "0031000B916407281553F80000A7061BDEA6BCF101"]));
    let expected = "\
SMS-SUBMIT, 20 octets
      0  SMSC.length         00  0
      1  first-octet         31  status report asked for
      2  TP-MR               00  0
      3  TP-DA.length        0B  11
      4  TP-DA.type          91  international
   5-10  TP-DA.value         6407281553F8  +46708251358
     11  TP-PID              00  plain message
     12  TP-DCS              00  gsm7
     13  TP-VP               A7  86400 s
     14  TP-UDL              06  6 septets
  15-20  TP-UD               1BDEA6BCF101
text  \"[€]\"
";
    let trimmed: String = dump.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert_eq!(trimmed, expected);
}

#[test]
fn reports_are_told_from_what_they_answer_by_the_direction() {
    for (direction, hex, kind) in [
        ("inbound", "00010062115151319280", "SMS-SUBMIT-REPORT"),
        ("outbound", "000000", "SMS-DELIVER-REPORT"),
    ] {
        let dump = pdu(&["decode", "--strict", "--direction", direction, hex]);
        assert!(dump.status.success(), "{}", text(&dump));
        assert!(text(&dump).starts_with(kind), "{}", text(&dump));
    }
    let help = pdu(&["decode", "--help"]);
    assert!(text(&help).contains("SMS-SUBMIT-REPORT") && text(&help).contains("SMS-DELIVER-REPORT"));
}

#[test]
fn tolerant_is_content_with_a_type_and_strict_with_nothing_less_than_all() {
    // The user data ends two octets early.
    let cut = "0004089151551000000062105101030040".to_owned() + "0BE8329BFD4697D9";
    let found = read_json(&["decode", "--json", &cut]);
    assert_eq!(found["text"], "hellohel");
    assert_eq!(found["deviations"][0]["field"], "TP-UD");
    assert_eq!(found["deviations"][0]["cause"], "the octets end here");
    let strict = pdu(&["decode", "--json", "--strict", &cut]);
    assert_eq!(strict.status.code(), Some(1));
    assert!(text(&strict).contains("hellohel"), "the dump is given all the same");
    // A type and nothing else.
    let bare = pdu(&["decode", "--json", "0006"]);
    assert!(bare.status.success());
    assert!(text(&bare).contains("SMS-STATUS-REPORT"));
    // No type, no hexadecimal.
    assert_eq!(
        pdu(&["decode", "--direction", "outbound", "0003"]).status.code(),
        Some(1)
    );
    let wrong = pdu(&["decode", "00zz"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&wrong.stderr),
        "wardwire: hex at octet 2: not hexadecimal\n"
    );
}

#[test]
fn direction_decides_what_a_type_indicator_means() {
    let kind = |arguments: &[&str]| read_json(arguments)["kind"].clone();
    let report = "00010062105101030040";
    assert_eq!(
        kind(&["decode", "--json", "--direction", "inbound", report]),
        "SMS-SUBMIT-REPORT"
    );
    assert_eq!(kind(&["decode", "--json", report]), "SMS-SUBMIT");
    assert_eq!(
        kind(&["decode", "--json", "--direction", "outbound", "000000"]),
        "SMS-DELIVER-REPORT"
    );
}

#[test]
fn encode_writes_what_decode_reads() {
    let long = "ж".repeat(100);
    let arguments = [
        "encode",
        "--json",
        "--to",
        "+353871234567",
        "--text",
        &long,
        "--report",
        "--validity",
        "1h30m",
    ];
    let parts = read_json(&[&arguments[..], &["--ref", "300", "--flash"]].concat());
    assert_eq!(parts.as_array().map(Vec::len), Some(2));
    for (index, part) in (0_u32..).zip(parts.as_array().unwrap()) {
        assert_eq!((&part["part"], &part["parts"]), (&json!(index + 1), &json!(2)));
        let hex = part["pdu"].as_str().unwrap();
        assert_eq!(part["tpdu_octets"], hex.len() / 2 - 1);
        let back = read_json(&["decode", "--json", "--strict", hex]);
        assert_eq!(back["text"], part["text"]);
        assert_eq!(back["class"], 0);
        assert_eq!(back["validity"]["seconds"], 5_400);
        assert_eq!(back["concat"]["reference"], 300);
        assert_eq!(back["concat"]["bits"], 16);
    }
}

#[test]
fn encode_uses_the_tables_it_is_given() {
    let one = ["encode", "--json", "--to", "50123", "--text", "şu an"];
    let plain = read_json(&one);
    assert_eq!(
        read_json(&["decode", "--json", plain[0]["pdu"].as_str().unwrap()])["alphabet"],
        "ucs2"
    );
    let shifted = read_json(&[&one[..], &["--language", "tr,es"]].concat());
    let back = read_json(&["decode", "--json", shifted[0]["pdu"].as_str().unwrap()]);
    assert_eq!((&back["alphabet"], &back["text"]), (&json!("gsm7"), &json!("şu an")));
    assert_eq!(back["address"]["type"], "unknown");
    assert_eq!(
        pdu(&[&one[..], &["--encoding", "gsm7"]].concat()).status.code(),
        Some(1)
    );
    assert_eq!(pdu(&["encode", "--to", "Clinic", "--text", "x"]).status.code(), Some(1));
    assert_eq!(
        pdu(&["encode", "--to", "+353871234567", "--text", "x", "--language", "xx"])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn count_says_what_forced_ucs2() {
    let found = read_json(&["count", "--json", "--text", "Zażółć"]);
    assert_eq!(found["forced_by"], json!(["ż", "ó", "ł", "ć"]));
    assert_eq!(
        (&found["alphabet"], &found["units"], &found["parts"]),
        (&json!("ucs2"), &json!(6), &json!(1))
    );
    let people = text(&pdu(&["count", "--text", "100 € [ok]"]));
    assert_eq!(people, "alphabet  gsm7\nunits     13\nparts     1\n");
}
