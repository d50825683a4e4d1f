//! From the body of `POST /v1/batches` to a [`NewBatch`] that needs no further check, or to every mistake in it. What a batch
//! shares is read as for one message.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use axum::http::StatusCode;
use serde_json::{Map, Value};
use wardwire_core::base::{PhoneNumber, ServiceId, UtcTime};
use wardwire_core::queue::state::HoldReason;
use wardwire_core::queue::verbs::NewMessage;

use super::fields::{Fields, unknown};
use super::new_message;
use super::problem::{Code, FieldError, Problem};
use crate::config::{Config, Country};
use crate::store::{BatchText, NewBatch, RECIPIENTS, Recipient};

/// Fields of the contract that this version refuses rather than ignores, beside those of messages.
const NOT_YET: [&str; 4] = ["group_id", "import_id", "rate_limit_per_minute", "requires_approval"];

/// What to do with recipients that cannot be written to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnInvalid {
    Reject,
    Skip,
}

/// A batch, read.
pub(super) struct Draft {
    pub(super) batch: NewBatch,
    /// Who was left out, by place in the request, and why.
    pub(super) invalid: Vec<(usize, FieldError)>,
    /// Whose number came before, and where.
    pub(super) duplicates: Vec<(usize, usize)>,
}

/// Reads, polices and segments.
///
/// # Errors
/// A problem that lists every mistake of the request.
pub(super) fn read(mut fields: Fields, service: ServiceId, config: &Config, now: UtcTime) -> Result<Draft, Problem> {
    for field in NOT_YET {
        if fields.value(field).is_some() {
            fields.fail(field, Code::InvalidValue, "is not available yet");
        }
    }
    let name = name(&mut fields);
    let words = [("reject", OnInvalid::Reject), ("skip", OnInvalid::Skip)];
    let on_invalid = fields.word("on_invalid", &words).unwrap_or(OnInvalid::Reject);
    let country = new_message::country(&mut fields);
    if fields.has("to") {
        fields.fail("to", Code::InvalidValue, "a batch has recipients");
    }
    fields.value("to");
    let list = recipients(&mut fields)?;
    if !fields.has("priority") {
        fields.set("priority", "bulk".into());
    }
    let mut reading = Reading::new(config, country);
    for (index, entry) in list.into_iter().enumerate() {
        reading.take(index, entry);
    }
    let mut draft = reading.finish(fields, service, now)?.judge(on_invalid)?;
    draft.batch.name = name;
    Ok(draft)
}

fn name(fields: &mut Fields) -> Option<String> {
    let name = fields.text("name")?;
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        fields.fail("name", Code::InvalidValue, "must be 1 to 100 printable characters");
        return None;
    }
    Some(name)
}

/// The list as it stands; nothing of one that is too long is looked at.
fn recipients(fields: &mut Fields) -> Result<Vec<Value>, Problem> {
    match fields.value("recipients") {
        Some(Value::Array(list)) if list.len() > RECIPIENTS => {
            let detail = format!(
                "{} recipients, at most {RECIPIENTS} are taken: make several batches",
                list.len()
            );
            Err(Problem::new(Code::BatchTooLarge, detail))
        }
        Some(Value::Array(list)) if !list.is_empty() => Ok(list),
        Some(_) => {
            fields.fail(
                "recipients",
                Code::InvalidValue,
                "must be a list with at least one recipient",
            );
            Ok(Vec::new())
        }
        None => {
            fields.fail("recipients", Code::MissingField, "is needed");
            Ok(Vec::new())
        }
    }
}

/// The recipients read so far.
struct Reading<'a> {
    config: &'a Config,
    country: Option<Country>,
    /// Where each number came first.
    seen: HashMap<PhoneNumber, usize>,
    people: Vec<Person>,
    /// Texts of single recipients, each once.
    texts: Vec<String>,
    places: HashMap<String, usize>,
    mistakes: Vec<(usize, FieldError)>,
    duplicates: Vec<(usize, usize)>,
}

/// A recipient as far as it can be told from its entry alone.
struct Person {
    index: usize,
    number: PhoneNumber,
    /// Place of its own text.
    text: Option<usize>,
    reference: Option<String>,
}

impl<'a> Reading<'a> {
    fn new(config: &'a Config, country: Option<Country>) -> Self {
        Self {
            config,
            country,
            seen: HashMap::new(),
            people: Vec::new(),
            texts: Vec::new(),
            places: HashMap::new(),
            mistakes: Vec::new(),
            duplicates: Vec::new(),
        }
    }

    fn fail(&mut self, index: usize, field: &str, code: Code, detail: impl Into<Cow<'static, str>>) {
        let error = FieldError {
            pointer: format!("/recipients/{index}{field}"),
            code,
            detail: detail.into(),
        };
        self.mistakes.push((index, error));
    }

    /// A number, or an object with a number and what only this recipient gets.
    fn take(&mut self, index: usize, entry: Value) {
        match entry {
            Value::String(to) => self.number(index, "", &to, None, None),
            Value::Object(mut members) => {
                let (to, body) = (
                    self.text(index, &mut members, "to"),
                    self.text(index, &mut members, "body"),
                );
                let reference = self.text(index, &mut members, "reference");
                for name in members.keys() {
                    let FieldError { pointer, code, detail } = unknown(name);
                    self.fail(index, &pointer, code, detail);
                }
                if reference
                    .as_deref()
                    .is_some_and(|text| !new_message::is_reference(text))
                {
                    self.fail(index, "/reference", Code::InvalidValue, new_message::REFERENCE);
                }
                match to {
                    Some(to) => self.number(index, "/to", &to, body, reference),
                    None => self.fail(index, "/to", Code::MissingField, "is needed, as text"),
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                self.fail(
                    index,
                    "",
                    Code::InvalidValue,
                    "must be a number as text, or an object with to",
                );
            }
        }
    }

    fn text(&mut self, index: usize, members: &mut Map<String, Value>, name: &str) -> Option<String> {
        match members.remove(name)? {
            Value::String(text) => Some(text),
            Value::Null => None,
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.fail(index, &format!("/{name}"), Code::InvalidValue, "must be a text");
                None
            }
        }
    }

    fn number(&mut self, index: usize, field: &str, to: &str, body: Option<String>, reference: Option<String>) {
        let number = match self.config.policy.numbers.parse(to, self.country) {
            Ok(number) => number,
            Err(error) => {
                self.fail(index, field, new_message::number_code(error), error.to_string());
                return;
            }
        };
        match self.seen.entry(number.clone()) {
            Entry::Occupied(first) => self.duplicates.push((index, *first.get())),
            Entry::Vacant(place) => {
                place.insert(index);
                let text = body.map(|body| self.place(body));
                self.people.push(Person {
                    index,
                    number,
                    text,
                    reference,
                });
            }
        }
    }

    fn place(&mut self, body: String) -> usize {
        if let Some(place) = self.places.get(&body) {
            return *place;
        }
        self.texts.push(body.clone());
        self.places.insert(body, self.texts.len() - 1);
        self.texts.len() - 1
    }

    /// Puts it together. `fields` are those that a batch and a message have in common.
    fn finish(mut self, mut fields: Fields, service: ServiceId, now: UtcTime) -> Result<Draft, Problem> {
        let all_own = !self.people.is_empty() && self.people.iter().all(|person| person.text.is_some());
        if let Some(first) = self.people.first() {
            fields.set("to", first.number.as_e164().into());
        }
        let own = std::mem::take(&mut self.texts);
        if all_own && !fields.has("body") {
            fields.set("body", own.first().cloned().unwrap_or_default().into());
        }
        let shared = match new_message::read(fields.clone(), service, self.config, now) {
            Ok(shared) => shared,
            Err(problem) => {
                // Without a recipient left, that is the only mistake.
                let needless = |error: &FieldError| error.pointer == "/to" && error.code == Code::MissingField;
                let of_all = problem.into_errors().into_iter().filter(|error| !needless(error));
                let errors: Vec<FieldError> = of_all.chain(self.mistakes.into_iter().map(|(_, e)| e)).collect();
                return Err(Problem::of_fields(errors));
            }
        };
        let mut texts = vec![text_of(&shared)];
        let mut read = Vec::with_capacity(own.len());
        for body in own {
            let mut fields = fields.clone();
            fields.set("body", body.into());
            match new_message::read(fields, service, self.config, now) {
                Ok(message) => {
                    texts.push(text_of(&message));
                    read.push(Ok(texts.len() - 1));
                }
                Err(problem) => read.push(Err(problem.into_errors())),
            }
        }
        let mut recipients = Vec::with_capacity(self.people.len());
        for person in std::mem::take(&mut self.people) {
            let text = match person.text.map(|place| read.get(place)) {
                None => 0,
                Some(Some(Ok(text))) => *text,
                Some(Some(Err(errors))) => {
                    for error in errors {
                        self.fail(person.index, "/body", error.code, error.detail.clone());
                    }
                    continue;
                }
                Some(None) => return Err(Problem::not_noted()),
            };
            recipients.push(Recipient {
                held: self.config.policy.holds(&person.number).then_some(HoldReason::Pilot),
                number: person.number,
                text,
                reference: person.reference,
            });
        }
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        Ok(Draft {
            batch: NewBatch {
                name: None,
                shared,
                texts,
                recipients,
                duplicates: count(self.duplicates.len()),
                invalid: count(self.mistakes.len()),
            },
            invalid: self.mistakes,
            duplicates: self.duplicates,
        })
    }
}

fn text_of(message: &NewMessage) -> BatchText {
    BatchText {
        body: message.body.clone(),
        parts: message.parts.clone(),
        alphabet: message.alphabet,
        units: message.units,
    }
}

impl Draft {
    /// With invalid recipients left out, or refused for them.
    fn judge(self, on_invalid: OnInvalid) -> Result<Self, Problem> {
        // What is no recipient at all is a mistake of the program that asks.
        let basic = |(_, error): &(usize, FieldError)| error.code.status() != StatusCode::UNPROCESSABLE_ENTITY;
        let refused =
            on_invalid == OnInvalid::Reject || self.batch.recipients.is_empty() || self.invalid.iter().any(basic);
        if refused && !self.invalid.is_empty() {
            return Err(Problem::of_fields(
                self.invalid.into_iter().map(|(_, error)| error).collect(),
            ));
        }
        Ok(self)
    }
}
