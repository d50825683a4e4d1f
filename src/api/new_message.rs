//! From the body of `POST /v1/messages` to a [`NewMessage`] that needs no further check, or to every mistake in it.

use std::time::Duration;

use serde_json::Value;
use wardwire_core::base::{Body, PhoneNumber, ServiceId, UtcTime, limits};
use wardwire_core::queue::hours::Openings;
use wardwire_core::queue::state::{Category, HoldReason, Priority, Sensitivity};
use wardwire_core::queue::verbs::NewMessage;
use wardwire_core::sms::{
    Alphabet, EncodingChoice, SegmentError, SegmentOptions, Segmentation, Transliteration, segment, transliterate,
};

use super::fields::Fields;
use super::problem::{Code, Problem};
use super::views::{ON_UNKNOWN, PRIORITIES};
use super::window;
use crate::config::{Config, Country, NumberError};

/// Validity of a message that names none, from the time it may go.
const VALIDITY: Duration = Duration::from_secs(48 * 3600);

/// Longest validity: the longest a network can be told (3GPP TS 23.040 clause 9.2.3.12.1).
const VALIDITY_LONGEST: Duration = Duration::from_secs(63 * 7 * 24 * 3600);

/// Furthest `send_at`.
const AHEAD: Duration = Duration::from_secs(400 * 24 * 3600);

/// A `send_at` this long ago is taken as now: clocks differ.
const CLOCK_SLACK: Duration = Duration::from_secs(60);

/// Fields of the contract that this version refuses rather than ignores.
const NOT_YET: [&str; 5] = ["contact_id", "template", "sender", "expects_reply", "dedupe_seconds"];

const TRANSLITERATIONS: [(&str, Transliteration); 3] = [
    ("none", Transliteration::None),
    ("safe", Transliteration::Safe),
    ("names", Transliteration::Names),
];

/// A code stays the shortest, whatever else is said of it.
fn sensitivity(category: Option<Category>, sensitive: bool) -> Sensitivity {
    if category == Some(Category::Otp) {
        Sensitivity::Code
    } else if sensitive {
        Sensitivity::Sensitive
    } else {
        Sensitivity::Usual
    }
}

/// Reads, polices and segments.
///
/// # Errors
/// A problem that lists every mistake of the request.
pub(super) fn read(
    mut fields: Fields,
    service: ServiceId,
    config: &Config,
    now: UtcTime,
) -> Result<NewMessage, Problem> {
    for field in NOT_YET {
        if fields.value(field).is_some() {
            fields.fail(field, Code::InvalidValue, "is not available yet");
        }
    }
    let category = fields.word("category", &Category::ALL.map(|category| (category.as_str(), category)));
    let recipient = recipient(&mut fields, config);
    let flash = flash(&mut fields, category);
    let (body, segmentation) = text(&mut fields, flash);
    let priority = fields.word("priority", &PRIORITIES);
    let priority = priority.or(category.map(Category::priority)).unwrap_or_default();
    // An emergency goes at any hour, and its answer says so.
    let window = window::read(&mut fields, config.timezone.as_ref()).filter(|_| priority != Priority::Emergency);
    let on_unknown = fields.word("on_unknown", &ON_UNKNOWN);
    let (send_at, valid_until) = {
        let openings = config.hours.of(category, priority, window.as_ref());
        times(&mut fields, now, openings.as_ref())
    };
    let delivery_report = fields.boolean("delivery_report", true);
    let sensitive = fields.boolean("sensitive", false);
    let reference = reference(&mut fields);
    let metadata = metadata(&mut fields);
    fields.finish()?;
    // Whatever is missing here was noted as a mistake, so that `finish` refused it.
    let (Some(recipient), Some(segmentation)) = (recipient, segmentation) else {
        return Err(Problem::not_noted());
    };
    let held = config.policy.holds(&recipient).then_some(HoldReason::Pilot);
    Ok(NewMessage {
        service,
        recipient,
        body: Body::new(body),
        parts: segmentation.parts,
        alphabet: segmentation.alphabet,
        units: segmentation.units,
        category,
        priority,
        send_at,
        window,
        valid_until,
        delivery_report,
        on_unknown: on_unknown.or(category.map(Category::on_unknown)).unwrap_or_default(),
        held,
        sim: None,
        reference,
        metadata,
        sensitivity: sensitivity(category, sensitive),
    })
}

/// The country whose national forms are taken.
pub(super) fn country(fields: &mut Fields) -> Option<Country> {
    let country = Country::parse(&fields.text("default_country")?);
    if country.is_none() {
        fields.fail("default_country", Code::InvalidValue, "must be a country, as IE");
    }
    country
}

/// The word for a number that is not taken.
pub(super) fn number_code(error: NumberError) -> Code {
    match error {
        NumberError::Invalid => Code::NumberInvalid,
        NumberError::NotMobile => Code::NumberNotMobile,
        NumberError::CountryNotAllowed => Code::CountryNotAllowed,
    }
}

fn recipient(fields: &mut Fields, config: &Config) -> Option<PhoneNumber> {
    let country = country(fields);
    let to = fields.required_text("to")?;
    match config.policy.numbers.parse(&to, country) {
        Ok(number) => Some(number),
        Err(error) => {
            fields.fail("to", number_code(error), error.to_string());
            None
        }
    }
}

fn flash(fields: &mut Fields, category: Option<Category>) -> bool {
    let flash = fields.boolean("flash", false);
    let staff = matches!(category, Some(Category::StaffAlert | Category::System));
    if flash && !staff {
        fields.fail(
            "flash",
            Code::FlashNotAllowed,
            "only texts of category staff_alert or system may flash",
        );
    }
    flash && staff
}

fn text(fields: &mut Fields, flash: bool) -> (String, Option<Segmentation>) {
    let encodings = [
        ("auto", EncodingChoice::Auto),
        ("gsm7", EncodingChoice::Gsm7),
        ("ucs2", EncodingChoice::Ucs2),
    ];
    let encoding = fields.word("encoding", &encodings).unwrap_or_default();
    let how = fields.word("transliterate", &TRANSLITERATIONS).unwrap_or_default();
    let most = limits::PARTS_PER_MESSAGE;
    let max_parts = fields
        .number("max_parts", 1, most as u64)
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(limits::PARTS_PER_MESSAGE_DEFAULT);
    let Some(body) = fields.required_text("body") else {
        return (String::new(), None);
    };
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if body.chars().all(is_invisible) {
        fields.fail("body", Code::InvalidValue, "must not be empty");
        return (body, None);
    }
    if body.contains(control) {
        fields.fail("body", Code::InvalidValue, "must not have control characters");
        return (body, None);
    }
    // Beyond this bound no encoding needs fewer parts than the hard limit.
    if body.chars().count() > limits::BODY_CHARS {
        fields.fail("body", Code::TooManyParts, format!("needs more than {most} parts"));
        return (body, None);
    }
    let options = SegmentOptions {
        encoding,
        flash,
        max_parts,
        ..SegmentOptions::default()
    };
    match cut(&body, how, &options) {
        Ok(done) => (body, Some(done)),
        Err(error) => {
            refuse_text(fields, &error, most);
            (body, None)
        }
    }
}

/// Blank, or nothing at all on a phone's screen.
fn is_invisible(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}')
}

/// Cuts the text into parts. It is changed only where that makes it GSM-7: a text that stays in UCS-2 goes out as it is.
fn cut(body: &str, how: Transliteration, options: &SegmentOptions) -> Result<Segmentation, SegmentError> {
    if options.encoding != EncodingChoice::Ucs2 {
        let (plainer, changes) = transliterate(body, how);
        if !changes.is_empty()
            && let Ok(done) = segment(&plainer, options)
            && done.alphabet == Alphabet::Gsm7
        {
            return Ok(done);
        }
    }
    segment(body, options)
}

fn refuse_text(fields: &mut Fields, error: &SegmentError, most: usize) {
    match error {
        SegmentError::Empty => fields.fail("body", Code::InvalidValue, "must not be empty"),
        SegmentError::TooManyParts { parts, max } => {
            let hint = if *parts <= most {
                "; raise max_parts or shorten it"
            } else {
                "; shorten it"
            };
            let detail = format!("needs {parts} parts, {max} are allowed{hint}");
            fields.fail("body", Code::TooManyParts, detail);
        }
        SegmentError::NotGsm7 { index, .. } => {
            let detail = format!("character {} is not in the GSM-7 alphabet", index + 1);
            fields.fail("body", Code::EncodingImpossible, detail);
        }
    }
}

/// `send_at` and the end of validity. Whoever names one means it; else it begins with the hours.
fn times(fields: &mut Fields, now: UtcTime, openings: Option<&Openings<'_>>) -> (Option<UtcTime>, UtcTime) {
    let mut send_at = fields.time("send_at");
    if let Some(at) = send_at {
        if at + CLOCK_SLACK < now {
            fields.fail("send_at", Code::SendAtPast, "has passed");
        } else if at > now + AHEAD {
            fields.fail("send_at", Code::InvalidValue, "is more than 400 days ahead");
        }
        send_at = Some(at).filter(|at| *at > now);
    }
    let from = send_at.unwrap_or(now);
    let seconds = fields.number("validity_seconds", 60, VALIDITY_LONGEST.as_secs());
    let until = fields.time("valid_until");
    let Some(goes) = openings.map_or(Some(from), |openings| openings.opens(from)) else {
        let detail = "is never open in the hours of this gateway for the category";
        fields.fail("window", Code::WindowInvalid, detail);
        return (send_at, from);
    };
    let Some(until) = until else {
        let Some(seconds) = seconds else {
            return (send_at, goes + VALIDITY);
        };
        let until = from + Duration::from_secs(seconds);
        in_hours(fields, "validity_seconds", goes, until);
        return (send_at, until);
    };
    if seconds.is_some() {
        fields.fail(
            "valid_until",
            Code::InvalidValue,
            "give it or validity_seconds, not both",
        );
    } else if until <= from {
        fields.fail("valid_until", Code::ValidUntilPast, "lies before the time to send");
    } else if until > from + VALIDITY_LONGEST {
        fields.fail(
            "valid_until",
            Code::InvalidValue,
            "is more than 63 weeks after the time to send",
        );
    } else {
        in_hours(fields, "valid_until", goes, until);
    }
    (send_at, until)
}

/// Refuses what ends before it may go.
fn in_hours(fields: &mut Fields, field: &str, goes: UtcTime, until: UtcTime) {
    if until <= goes {
        let detail = format!("ends before the hours in which it may go begin, at {goes}");
        fields.fail(field, Code::WindowInvalid, detail);
    }
}

/// What a reference must be.
pub(super) const REFERENCE: &str = "must be 1 to 64 printable characters";

pub(super) fn is_reference(text: &str) -> bool {
    (1..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn reference(fields: &mut Fields) -> Option<String> {
    let reference = fields.text("reference")?;
    if !is_reference(&reference) {
        fields.fail("reference", Code::InvalidValue, REFERENCE);
        return None;
    }
    Some(reference)
}

/// The pairs in canonical form: sorted, no blanks.
fn metadata(fields: &mut Fields) -> Option<String> {
    let value = fields.value("metadata")?;
    let pairs = value.as_object().filter(|o| o.values().all(Value::is_string));
    let canonical = value.to_string();
    if pairs.is_none_or(|p| p.len() > 10) || canonical.len() > 1024 {
        fields.fail(
            "metadata",
            Code::InvalidValue,
            "must be at most 10 pairs of texts in 1 KiB",
        );
        return None;
    }
    Some(canonical)
}
