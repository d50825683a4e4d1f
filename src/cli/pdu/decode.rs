//! `wardwire pdu decode`: what a PDU says, as a dump or as JSON.

use std::ops::Range;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use wardwire_core::sms;
use wardwire_core::sms::frame::FRAME_OCTETS;
use wardwire_core::sms::{
    Address, Alphabet, Context, Dcs, DecodeError, Decoded, Field, Frame, Kind, Reading, Timestamp, Tpdu, UserData,
    Validity, hex, validity::relative_duration,
};

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

/// A field that was read and the octets it stands in.
pub(super) type Row = (Field, Range<usize>);

/// All that is known about a PDU.
pub(super) struct Findings {
    pub(super) frame: Frame,
    pub(super) rows: Vec<Row>,
    pub(super) kind: Option<Kind>,
    /// `None` when it ended before the fields that make it what it is.
    pub(super) tpdu: Option<Tpdu>,
    pub(super) deviations: Vec<DecodeError>,
    pub(super) unlisted: usize,
}

pub(super) fn run(args: &DecodeArgs) -> Result<ExitCode, String> {
    let findings = read(args).map_err(|error| error.to_string())?;
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

/// Reads tolerantly; what is wrong is listed. Fails when not even the type can be told.
fn read(args: &DecodeArgs) -> Result<Findings, DecodeError> {
    let mut rows: Vec<Row> = Vec::new();
    let frame = Frame::from_octets(
        hex::decode(&args.pdu)?,
        Some(&mut |field, range| rows.push((field, range))),
    )?;
    let direction = match args.direction {
        Some(direction) => direction.into(),
        None => guess(frame.tpdu()),
    };
    let context = Context {
        direction,
        reading: Reading::Tolerant,
        report: None,
    };
    let decoded = frame.decode(context, Some(&mut |field, range| rows.push((field, range))));
    let findings = match decoded {
        Ok(Decoded { tpdu, deviations }) => Findings {
            kind: Some(tpdu.kind()),
            tpdu: Some(tpdu),
            deviations: deviations.as_slice().to_vec(),
            unlisted: deviations.unlisted(),
            frame,
            rows,
        },
        Err(error) if error.kind.is_some() => Findings {
            kind: error.kind,
            tpdu: None,
            deviations: vec![error],
            unlisted: 0,
            frame,
            rows,
        },
        Err(error) => return Err(error),
    };
    Ok(findings)
}

fn guess(tpdu: &[u8]) -> sms::Direction {
    match tpdu.first() {
        Some(first) if first & 0x03 == 0x01 => sms::Direction::Outbound,
        Some(_) | None => sms::Direction::Inbound,
    }
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

pub(super) fn to_hex(octets: &[u8]) -> String {
    hex::encode::<{ FRAME_OCTETS * 2 }>(octets).as_str().to_owned()
}
