//! The annotated dump of a PDU: octets, field, value; in colour on a terminal.

use std::io::IsTerminal;

use wardwire_core::sms::dcs::Group;
use wardwire_core::sms::pid::Protocol;
use wardwire_core::sms::status::failure_meaning;
use wardwire_core::sms::udh::{Element, Information};
use wardwire_core::sms::validity::relative_duration;
use wardwire_core::sms::{Address, Dcs, Field, Kind, Status, Timestamp, Tpdu, UserData, Validity};

use super::findings::{Findings, Row, to_hex};

/// Octets of a field shown at most.
const SHOWN: usize = 12;

/// ANSI sequences; empty where nobody sees them.
struct Colours {
    dim: &'static str,
    name: &'static str,
    warn: &'static str,
    off: &'static str,
}

impl Colours {
    fn of_stdout() -> Self {
        if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
            Self {
                dim: "\u{1b}[2m",
                name: "\u{1b}[36m",
                warn: "\u{1b}[33m",
                off: "\u{1b}[0m",
            }
        } else {
            Self {
                dim: "",
                name: "",
                warn: "",
                off: "",
            }
        }
    }
}

pub(super) fn print(findings: &Findings) {
    let colours = Colours::of_stdout();
    let octets = findings.frame.tpdu().len();
    println!("{}, {octets} octets", findings.kind.map_or("unknown", Kind::as_str));
    for row @ (field, range) in &findings.rows {
        let place = if range.len() == 1 {
            range.start.to_string()
        } else {
            format!("{}-{}", range.start, range.end.saturating_sub(1))
        };
        let octets = findings.frame.octets.get(range.clone()).unwrap_or_default();
        let shown = to_hex(octets.get(..SHOWN).unwrap_or(octets));
        let more = if octets.len() > SHOWN { "…" } else { "" };
        let value = value(findings, row, octets);
        let Colours { dim, name, off, .. } = colours;
        println!(
            "{dim}{place:>7}{off}  {name}{:<18}{off}  {dim}{shown}{more}{off}  {value}",
            field.to_string()
        );
    }
    if let Some(data) = findings.tpdu.as_ref().and_then(Tpdu::user_data) {
        let text = data
            .text()
            .map_or_else(|| to_hex(data.body()), |text| format!("{text:?}"));
        println!("text  {text}");
    }
    for deviation in &findings.deviations {
        println!("{}deviates  {deviation}{}", colours.warn, colours.off);
    }
    if findings.unlisted > 0 {
        println!(
            "{}deviates  and {} more{}",
            colours.warn, findings.unlisted, colours.off
        );
    }
}

/// What the octets of a field say, in words.
fn value(findings: &Findings, (field, _): &Row, octets: &[u8]) -> String {
    let first = octets.first().copied().unwrap_or_default();
    let tpdu = findings.tpdu.as_ref();
    match field {
        Field::FirstOctet => tpdu.map(flags).unwrap_or_default(),
        Field::ServiceCentre(part) => address_value(findings.frame.service_centre.as_ref(), *part, first),
        Field::Originator(part) | Field::Destination(part) | Field::Recipient(part) => {
            address_value(tpdu.and_then(peer), *part, first)
        }
        Field::ProtocolIdentifier => Protocol::of(first).meaning().into(),
        Field::DataCodingScheme => coding(Dcs(first)),
        Field::ServiceCentreTimestamp | Field::DischargeTime => stamp(octets),
        Field::ValidityPeriod => match tpdu {
            Some(Tpdu::Submit(submit)) => submit.validity.map(period).unwrap_or_default(),
            Some(_) | None => String::new(),
        },
        Field::Status => Status(first).meaning().into(),
        Field::FailureCause => failure_meaning(first).into(),
        Field::ParameterIndicator => {
            let named = [(0x01, "TP-PID"), (0x02, "TP-DCS"), (0x04, "TP-UD")];
            let named: Vec<&str> = named
                .iter()
                .filter(|(bit, _)| first & bit != 0)
                .map(|(_, name)| *name)
                .collect();
            named.join(", ")
        }
        Field::UserDataLength => match tpdu.and_then(Tpdu::user_data).map(UserData::alphabet) {
            Some(wardwire_core::sms::Alphabet::Gsm7) => format!("{first} septets"),
            Some(_) | None => format!("{first} octets"),
        },
        Field::Element(identifier) => element(Element {
            identifier: *identifier,
            data: octets.get(2..).unwrap_or_default(),
        }),
        Field::MessageReference
        | Field::CommandType
        | Field::MessageNumber
        | Field::CommandDataLength
        | Field::HeaderLength => first.to_string(),
        Field::Hex | Field::CommandData | Field::UserData | Field::FillBits | Field::AfterEnd => String::new(),
    }
}

const fn peer(tpdu: &Tpdu) -> Option<&Address> {
    match tpdu {
        Tpdu::Deliver(it) => Some(&it.originator),
        Tpdu::Submit(it) => Some(&it.destination),
        Tpdu::StatusReport(it) => Some(&it.recipient),
        Tpdu::Command(it) => Some(&it.destination),
        Tpdu::SubmitReport(_) | Tpdu::DeliverReport(_) => None,
    }
}

fn address_value(address: Option<&Address>, part: wardwire_core::sms::error::AddressField, first: u8) -> String {
    use wardwire_core::sms::error::AddressField;
    match part {
        AddressField::Length => first.to_string(),
        AddressField::Type => address.map(|it| it.kind().number().as_str().into()).unwrap_or_default(),
        AddressField::Value => address.map(|it| it.to_text().as_str().into()).unwrap_or_default(),
    }
}

fn flags(tpdu: &Tpdu) -> String {
    let header = tpdu.user_data().is_some_and(UserData::has_header);
    let list: &[(bool, &str)] = match tpdu {
        Tpdu::Deliver(it) => &[
            (it.more_messages, "more messages wait"),
            (it.loop_prevention, "loop prevention"),
            (it.status_report, "status report asked for"),
            (header, "header"),
            (it.reply_path, "reply path"),
        ],
        Tpdu::Submit(it) => &[
            (it.reject_duplicates, "reject duplicates"),
            (it.status_report, "status report asked for"),
            (header, "header"),
            (it.reply_path, "reply path"),
        ],
        Tpdu::StatusReport(it) => &[
            (it.more_messages, "more messages wait"),
            (it.loop_prevention, "loop prevention"),
            (it.answers_command, "answers a command"),
            (header, "header"),
        ],
        Tpdu::SubmitReport(_) | Tpdu::DeliverReport(_) => &[(header, "header")],
        Tpdu::Command(it) => &[(it.status_report, "status report asked for"), (it.has_header, "header")],
    };
    let set: Vec<&str> = list.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
    if set.is_empty() {
        "no flags".into()
    } else {
        set.join(", ")
    }
}

fn coding(dcs: Dcs) -> String {
    let mut text = String::from(dcs.alphabet().as_str());
    let mut add = |set: bool, words: &str| {
        if set {
            text.push_str(", ");
            text.push_str(words);
        }
    };
    add(dcs.is_compressed(), "compressed");
    add(dcs.group() == Group::AutomaticDeletion, "deleted after reading");
    add(dcs.is_reserved(), "reserved coding");
    if let Some(class) = dcs.class() {
        add(true, &format!("class {}", class as u8));
    }
    if let Some(indication) = dcs.waiting() {
        let state = if indication.active { "on" } else { "off" };
        let store = if indication.store { "store" } else { "discard" };
        add(
            true,
            &format!("message waiting {state} ({:?}, {store})", indication.waiting),
        );
    }
    text
}

fn stamp(octets: &[u8]) -> String {
    let Ok(octets) = octets.try_into() else {
        return String::new();
    };
    Timestamp(octets)
        .rfc3339()
        .map_or_else(|| "no such time".into(), |text| text.as_str().into())
}

fn period(validity: Validity) -> String {
    let seconds = |duration: std::time::Duration| format!("{} s", duration.as_secs());
    match validity {
        Validity::Relative(octet) => seconds(relative_duration(octet)),
        Validity::Absolute(Timestamp(octets)) => stamp(&octets),
        Validity::Enhanced(enhanced) => {
            let period = enhanced.duration().map_or_else(|| "no period".into(), seconds);
            if enhanced.is_single_shot() {
                format!("{period}, one try")
            } else {
                period
            }
        }
    }
}

fn element(element: Element<'_>) -> String {
    match element.information() {
        None => "makes no sense, ignored".into(),
        Some(Information::Concatenation(it)) => {
            let bits = it.reference.bits();
            format!(
                "part {} of {}, reference {} ({bits} bit)",
                it.sequence,
                it.total,
                it.reference.value()
            )
        }
        Some(Information::Ports(it)) => format!("ports: to {}, from {}", it.destination, it.source),
        Some(Information::SpecialMessage(it)) => format!("message waiting: kind {}, {} of them", it.kind, it.count),
        Some(Information::SmscControl(flags)) => format!("service centre control {flags:#04x}"),
        Some(Information::HeaderSource(source)) => format!("header source {source}"),
        Some(Information::ReplyAddress(address)) => format!("reply to {}", address.to_text()),
        Some(Information::SingleShift(language)) => {
            format!(
                "single shift {}",
                language.map_or("reserved", wardwire_core::sms::Language::code)
            )
        }
        Some(Information::LockingShift(language)) => {
            format!(
                "locking shift {}",
                language.map_or("reserved", wardwire_core::sms::Language::code)
            )
        }
        Some(Information::Other(_)) => String::new(),
    }
}
