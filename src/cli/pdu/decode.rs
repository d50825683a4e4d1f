//! `wardwire pdu decode`: what a PDU says, as a dump or as JSON.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use wardwire_core::sms::{
    Address, Alphabet, Dcs, Kind, Timestamp, Tpdu, UserData, Validity, validity::relative_duration,
};

use super::findings::{Findings, read, to_hex};
use super::{Direction, dump};

const EXAMPLES: &str = "Examples:
  wardwire pdu decode 0031000B916407281553F80000A7061BDEA6BCF101    a SUBMIT, as it goes to AT+CMGS
  wardwire pdu decode --direction inbound 00010062115151319280      a SUBMIT-REPORT
  wardwire pdu decode --direction outbound 000000                   a DELIVER-REPORT";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DecodeArgs {
    /// JSON on one line
    #[arg(long)]
    json: bool,
    /// Fail on anything that deviates from the standard
    #[arg(long)]
    strict: bool,
    /// Which way it goes; unless given, a SUBMIT is taken for outbound, all else for inbound. An SMS-SUBMIT-REPORT (the answer
    /// to a SUBMIT, as +CMGS may carry it) is read with `inbound`, an SMS-DELIVER-REPORT with `outbound`
    #[arg(long, value_enum)]
    direction: Option<Direction>,
    /// Service centre address (00 for none), then the TPDU, in hexadecimal
    #[arg(value_name = "HEX")]
    pdu: String,
}

pub(super) fn run(args: &DecodeArgs) -> Result<ExitCode, String> {
    let findings = read(&args.pdu, args.direction).map_err(|error| error.to_string())?;
    if args.json {
        println!("{}", to_json(&findings));
    } else {
        dump::print(&findings);
    }
    Ok(if args.strict && !findings.deviations.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// What the JSON takes from a TPDU; the rest is null.
#[derive(Default)]
struct Fields<'a> {
    address: Option<&'a Address>,
    tp_mr: Option<u8>,
    pid: Option<u8>,
    dcs: Option<Dcs>,
    scts: Option<Timestamp>,
    discharge_time: Option<Timestamp>,
    validity: Option<Validity>,
    tp_st: Option<u8>,
    failure_cause: Option<u8>,
}

fn fields(tpdu: &Tpdu) -> Fields<'_> {
    match tpdu {
        Tpdu::Deliver(it) => Fields {
            address: Some(&it.originator),
            pid: Some(it.pid),
            dcs: Some(it.dcs),
            scts: Some(it.scts),
            ..Fields::default()
        },
        Tpdu::Submit(it) => Fields {
            address: Some(&it.destination),
            tp_mr: Some(it.tp_mr),
            pid: Some(it.pid),
            dcs: Some(it.dcs),
            validity: it.validity,
            ..Fields::default()
        },
        Tpdu::StatusReport(it) => Fields {
            address: Some(&it.recipient),
            tp_mr: Some(it.tp_mr),
            pid: it.parameters.as_ref().and_then(|it| it.pid),
            dcs: it.parameters.as_ref().and_then(|it| it.dcs),
            scts: Some(it.scts),
            discharge_time: Some(it.discharge_time),
            tp_st: Some(it.status.0),
            ..Fields::default()
        },
        Tpdu::SubmitReport(it) => Fields {
            pid: it.parameters.pid,
            dcs: it.parameters.dcs,
            scts: Some(it.scts),
            failure_cause: it.failure_cause,
            ..Fields::default()
        },
        Tpdu::DeliverReport(it) => Fields {
            pid: it.parameters.pid,
            dcs: it.parameters.dcs,
            failure_cause: it.failure_cause,
            ..Fields::default()
        },
        Tpdu::Command(it) => Fields {
            address: Some(&it.destination),
            tp_mr: Some(it.tp_mr),
            pid: Some(it.pid),
            ..Fields::default()
        },
    }
}

fn to_json(findings: &Findings) -> Value {
    let it = findings.tpdu.as_ref().map(fields).unwrap_or_default();
    let data = findings.tpdu.as_ref().and_then(Tpdu::user_data);
    let octets = data.filter(|data| data.alphabet() == Alphabet::Octets);
    let concat = data.and_then(UserData::concatenation).map(|concat| {
        json!({
            "reference": concat.reference.value(), "total": concat.total, "sequence": concat.sequence,
            "bits": concat.reference.bits()
        })
    });
    let header: Vec<Value> = data
        .map(|data| {
            data.elements()
                .map(|element| json!({ "iei": element.identifier, "data": to_hex(element.data) }))
                .collect()
        })
        .unwrap_or_default();
    let deviations: Vec<Value> = findings
        .deviations
        .iter()
        .map(|it| json!({ "field": it.field.to_string(), "offset": it.offset, "cause": it.cause.to_string() }))
        .collect();
    json!({
        "kind": findings.kind.map(Kind::as_str),
        "smsc": findings.frame.service_centre.as_ref().map(|it| it.to_text().as_str().to_owned()),
        "address": it.address.map(|it| json!({
            "number": it.to_text().as_str(), "type": it.kind().number().as_str()
        })),
        "text": data.and_then(UserData::text),
        "data": octets.map(|data| to_hex(data.body())),
        "alphabet": data.map(|data| data.alphabet().as_str()),
        "class": it.dcs.and_then(Dcs::class).map(|class| class as u8),
        "udh": header,
        "concat": concat,
        "timestamp": it.scts.and_then(time),
        "discharge_time": it.discharge_time.and_then(time),
        "validity": it.validity.map(validity),
        "tp_mr": it.tp_mr,
        "tp_st": it.tp_st,
        "tp_fcs": it.failure_cause,
        "pid": it.pid,
        "dcs": it.dcs.map(|dcs| dcs.0),
        "deviations": deviations,
    })
}

fn time(stamp: Timestamp) -> Option<String> {
    stamp.rfc3339().map(|text| text.as_str().to_owned())
}

fn validity(validity: Validity) -> Value {
    match validity {
        Validity::Relative(octet) => {
            json!({ "format": "relative", "seconds": relative_duration(octet).as_secs() })
        }
        Validity::Absolute(stamp) => json!({ "format": "absolute", "time": time(stamp) }),
        Validity::Enhanced(enhanced) => json!({
            "format": "enhanced", "seconds": enhanced.duration().map(|it| it.as_secs()),
            "single_shot": enhanced.is_single_shot()
        }),
    }
}
