//! The bank's use of the codec: what it needs of a TPDU, and the TPDUs it makes. The only file here that knows one.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::special::Special;
use super::storage::{Kept, Status};
use crate::base::UtcTime;
use crate::sms::dcs::Class;
use crate::sms::tpdu::{Deliver, Direction, StatusReport, Submit, Tpdu, decode};
use crate::sms::udh::Element;
use crate::sms::user_data::UserData;
use crate::sms::{Alphabet, Dcs, Reading, SegmentOptions, Timestamp, Validity, address::Address, frame, gsm7, segment};

/// Most parts of an inbound message.
const INBOUND_PARTS: usize = 20;

/// What the service centre reads in a SUBMIT.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    pub(super) to: Address,
    pub(super) report: bool,
    pub(super) concat: Option<(u16, u8, u8)>,
    pub(super) text: Option<String>,
}

/// Reads a SUBMIT; `None` when it is none.
pub(super) fn read_submit(tpdu: &[u8]) -> Option<Submission> {
    let Tpdu::Submit(submit) = decode(tpdu, Direction::Outbound, Reading::Tolerant).ok()?.tpdu else {
        return None;
    };
    // A name cannot be called, and without digits there is nobody.
    submit.destination.as_digits().filter(|digits| !digits.is_empty())?;
    Some(Submission {
        report: submit.status_report,
        concat: submit
            .user_data
            .concatenation()
            .map(|c| (c.reference.value(), c.total, c.sequence)),
        text: submit.user_data.text(),
        to: submit.destination,
    })
}

/// The TPDU in a line of hexadecimal as it follows the prompt of `+CMGS=<length>`: a service-centre address, then
/// exactly `length` octets.
pub(super) fn from_line(line: &[u8], length: usize) -> Option<Vec<u8>> {
    let digits: Vec<u8> = line.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    let digits = core::str::from_utf8(&digits).ok()?;
    let octets = crate::sms::hex::decode::<{ frame::FRAME_OCTETS }>(digits).ok()?;
    let prefix = usize::from(*octets.first()?) + 1;
    let tpdu = octets.get(prefix..)?;
    (tpdu.len() == length).then(|| tpdu.to_vec())
}

/// The line of a kept message, and the length of its TPDU. What came from the network bears the service centre.
pub(super) fn line(smsc: &str, kept: &Kept) -> (String, usize) {
    let inbound = matches!(kept.status, Status::Unread | Status::Read);
    let smsc = if inbound { Address::parse(smsc).ok() } else { None };
    plain_line(smsc.as_ref(), &kept.tpdu)
}

/// The line of a TPDU that is passed straight on.
pub(super) fn routed_line(smsc: &str, tpdu: &[u8]) -> (String, usize) {
    plain_line(Address::parse(smsc).ok().as_ref(), tpdu)
}

fn plain_line(smsc: Option<&Address>, tpdu: &[u8]) -> (String, usize) {
    frame(smsc, tpdu)
        .map(|(line, length)| (line.to_string(), length))
        .unwrap_or_default()
}

/// The parts of an inbound message; `None` when `from` is no address or the text is empty or too long.
pub(super) fn delivers(from: &str, text: &str, reference: u8, at: UtcTime) -> Option<Vec<Vec<u8>>> {
    let from = Address::parse(from).ok()?;
    let options = SegmentOptions {
        max_parts: INBOUND_PARTS,
        reference,
        ..SegmentOptions::default()
    };
    let parts = segment(text, &options).ok()?.parts;
    let scts = Timestamp::from_utc(at, 0);
    let make = |part: &crate::sms::EncodedPart| {
        let deliver = Deliver::new(from.clone(), scts, Dcs(part.dcs), UserData::from(part));
        deliver.encode().ok().map(|octets| octets.to_vec())
    };
    parts.iter().map(make).collect()
}

/// What matters of an inbound TPDU for where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// Class 2.
    ForSim,
    /// TP-PID 0x40.
    Type0,
}

impl Kind {
    pub(super) fn of(tpdu: &[u8]) -> Self {
        let Ok(Tpdu::Deliver(deliver)) = decode(tpdu, Direction::Inbound, Reading::Tolerant).map(|d| d.tpdu) else {
            return Self::Plain;
        };
        if deliver.pid == 0x40 {
            Self::Type0
        } else if deliver.dcs.class() == Some(Class::Sim) {
            Self::ForSim
        } else {
            Self::Plain
        }
    }
}

/// The TPDU of something that is no plain text; `None` when it cannot be put into one.
pub(super) fn special(from: &str, what: &Special, at: UtcTime) -> Option<Vec<u8>> {
    let (pid, dcs, data) = match what {
        Special::Flash(text) => (0, 0x10, plain_data(text)?),
        Special::ForSim(text) => (0, 0x12, plain_data(text)?),
        Special::Waiting { active } => (0, 0xC0 | u8::from(*active) << 3, plain_data("")?),
        Special::TypeZero => (0x40, 0, plain_data("")?),
        // Service Indication and notification in short: transaction, PDU type, header length, content type, ...
        Special::WapPush => (0, 0xF5, addressed(2_948, &[1, 6, 1, 0xAE, 2, 5, 0x6A, 0])?),
        Special::MmsNotice => (0, 0xF5, addressed(2_948, &[1, 6, 1, 0xBE, 0x8C, 0x82, 0x98, 0x31, 0])?),
        Special::Binary { port, octets } => (0, 0xF5, addressed(*port, octets)?),
    };
    let mut deliver = Deliver::new(Address::parse(from).ok()?, Timestamp::from_utc(at, 0), Dcs(dcs), data);
    deliver.pid = pid;
    deliver.encode().ok().map(|octets| octets.to_vec())
}

fn plain_data(text: &str) -> Option<UserData> {
    let septets: Option<Vec<u8>> = text.chars().map(plain_septet).collect();
    UserData::from_septets(&[], &septets?)
}

fn plain_septet(character: char) -> Option<u8> {
    match gsm7::code(character)? {
        gsm7::Code::Plain(septet) => Some(septet),
        gsm7::Code::Escaped(_) => None,
    }
}

/// 8-bit data for a port (3GPP TS 23.040 clause 9.2.3.24.4).
fn addressed(port: u16, body: &[u8]) -> Option<UserData> {
    let [high, low] = port.to_be_bytes();
    let element = Element {
        identifier: 0x05,
        data: &[high, low, 0x23, 0xF0],
    };
    UserData::from_octets(Alphabet::Octets, &[element], body)
}

/// A number as its own country writes it: the last nine digits after a zero; `None` for short ones.
pub(super) fn national(to: &Address) -> Option<Address> {
    let text = to.to_text().to_string();
    let start = text.len().checked_sub(9).filter(|_| text.len() > 10)?;
    Address::parse(&format!("0{}", text.get(start..)?)).ok()
}

/// Septets packed, in hexadecimal, as some models tell and want USSD.
pub(super) fn packed(text: &str) -> String {
    let septets: Vec<u8> = text.chars().filter_map(plain_septet).collect();
    let data = UserData::from_septets(&[], &septets);
    data.map(|data| super::modem::hex(data.octets())).unwrap_or_default()
}

/// The other way round.
pub(super) fn unpacked(hex: &str) -> Option<String> {
    let octets = crate::sms::hex::decode::<182>(hex).ok()?;
    let septets = octets.len() * 8 / 7;
    let text: String = gsm7_text(&octets, septets);
    Some(text.trim_end_matches(['@', '\r']).into())
}

fn gsm7_text(octets: &[u8], septets: usize) -> String {
    let tables = gsm7::Charset::default().tables();
    let mut decoder = gsm7::Decoder::default();
    let mut text: String = gsm7::Septets::new(octets, 0, septets)
        .filter_map(|septet| decoder.push(tables, septet))
        .collect();
    text.extend(decoder.finish());
    text
}

/// UCS-2 in hexadecimal.
pub(super) fn ucs2(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("{unit:04X}")).collect()
}

/// A delivery report.
pub(super) fn report(tp_mr: u8, to: &Address, accepted: UtcTime, done: UtcTime, tp_st: u8) -> Vec<u8> {
    let (accepted, done) = (Timestamp::from_utc(accepted, 0), Timestamp::from_utc(done, 0));
    let report = StatusReport::new(tp_mr, to.clone(), accepted, done, crate::sms::Status(tp_st));
    report.encode().map(|octets| octets.to_vec()).unwrap_or_default()
}

/// A SUBMIT of text mode: first octet, relative validity and protocol as `+CSMP` has them. One part only.
pub(super) fn submit(to: Address, text: &str, [first, validity, pid]: [u8; 3]) -> Option<Vec<u8>> {
    let options = SegmentOptions {
        max_parts: 1,
        ..SegmentOptions::default()
    };
    let parts = segment(text, &options).ok()?.parts;
    let part = parts.first()?;
    let submit = Submit {
        reject_duplicates: first & 0x04 != 0,
        status_report: first & 0x20 != 0,
        reply_path: first & 0x80 != 0,
        tp_mr: 0,
        destination: to,
        pid,
        dcs: Dcs(part.dcs),
        validity: (first & 0x18 == 0x10).then_some(Validity::Relative(validity)),
        user_data: UserData::from(part),
    };
    submit.encode().ok().map(|octets| octets.to_vec())
}

/// A kept message as text mode shows it.
pub(super) struct Shown {
    /// What follows the status: number, name, time.
    pub(super) header: String,
    pub(super) text: String,
}

/// Shows a kept TPDU in text mode; what cannot be shown comes out empty.
pub(super) fn show(tpdu: &[u8]) -> Shown {
    let read = |direction| decode(tpdu, direction, Reading::Tolerant).ok().map(|d| d.tpdu);
    match (read(Direction::Inbound), read(Direction::Outbound)) {
        (Some(Tpdu::Deliver(deliver)), _) => Shown {
            header: format!("\"{}\",,\"{}\"", deliver.originator.to_text(), clock(deliver.scts)),
            text: shown_text(&deliver.user_data),
        },
        (_, Some(Tpdu::Submit(submit))) => Shown {
            header: format!("\"{}\",", submit.destination.to_text()),
            text: shown_text(&submit.user_data),
        },
        (Some(Tpdu::StatusReport(report)), _) => Shown {
            header: format!(
                "6,{},\"{}\",145,\"{}\",\"{}\",{}",
                report.tp_mr,
                report.recipient.to_text(),
                clock(report.scts),
                clock(report.discharge_time),
                report.status.0
            ),
            text: String::new(),
        },
        _ => Shown {
            header: "\"\",".into(),
            text: String::new(),
        },
    }
}

/// GSM-7 as characters, everything else as hexadecimal (27.005 clause 3.1, `<data>`).
fn shown_text(data: &UserData) -> String {
    match (data.alphabet(), data.text()) {
        (Alphabet::Gsm7, Some(text)) => text,
        _ => data.body().iter().map(|octet| format!("{octet:02X}")).collect(),
    }
}

/// The time some milliseconds ahead of `at` as `+CCLK` tells it.
pub(super) fn clock_at(at: UtcTime, ahead: i64) -> String {
    clock(Timestamp::from_utc(
        UtcTime::from_millis(at.as_millis().saturating_add(ahead)),
        0,
    ))
}

/// Reads the form of [`clock_at`]; without a zone it is UTC.
pub(super) fn clock_of(text: &str) -> Option<UtcTime> {
    let mut fields = text
        .split(['/', ',', ':', '+', '-'])
        .map(|field| field.parse::<i16>().ok());
    let mut field = || fields.next().flatten();
    let year = 2000 + field()?;
    let mut small = || field().and_then(|value| i8::try_from(value).ok());
    let date = jiff::civil::Date::new(year, small()?, small()?).ok()?;
    let time = jiff::civil::Time::new(small()?, small()?, small()?, 0).ok()?;
    let quarters = i64::from(small().unwrap_or_default()) * if text.contains('-') { -1 } else { 1 };
    let local = date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(UtcTime::from_millis(
        local.timestamp().as_millisecond() - quarters * 900_000,
    ))
}

/// `yy/MM/dd,hh:mm:ss+zz`, the zone in quarters of an hour.
fn clock(at: Timestamp) -> String {
    let [year, month, day, hour, minute, second] = at.digits();
    format!(
        "{year:02}/{month:02}/{day:02},{hour:02}:{minute:02}:{second:02}{:+03}",
        at.quarters()
    )
}
