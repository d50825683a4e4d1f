//! Reads the fields of a JSON object one by one and collects every mistake on the way, so that one answer names all.

use std::borrow::Cow;

use chrono::DateTime;
use serde_json::{Map, Value};
use wardwire_core::base::UtcTime;

use super::problem::{Code, FieldError, Problem};

/// The fields not read yet, and the mistakes found so far.
#[derive(Clone)]
pub(super) struct Fields {
    rest: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Parses a body that must be one JSON object.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Problem> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(rest)) => Ok(Self {
                rest,
                errors: Vec::new(),
            }),
            Ok(_) => Err(Problem::new(Code::MalformedJson, "the body must be one JSON object")),
            // The parser's own sentence is left out: it may quote the body.
            Err(e) => {
                let place = format!("not JSON at line {}, column {}", e.line(), e.column());
                Err(Problem::new(Code::MalformedJson, place))
            }
        }
    }

    /// An object inside another.
    pub(super) fn of(rest: Map<String, Value>) -> Self {
        Self {
            rest,
            errors: Vec::new(),
        }
    }

    /// The whole object in canonical form: keys sorted, no blanks.
    pub(super) fn canonical(&self) -> String {
        Value::Object(self.rest.clone()).to_string()
    }

    /// Notes a mistake in a field.
    pub(super) fn fail(&mut self, field: &str, code: Code, detail: impl Into<Cow<'static, str>>) {
        self.errors.push(FieldError {
            pointer: format!("/{field}"),
            code,
            detail: detail.into(),
        });
    }

    /// Whether the field is there; `null` counts as absent.
    pub(super) fn has(&self, field: &str) -> bool {
        self.rest.get(field).is_some_and(|value| !value.is_null())
    }

    /// Puts a field in the place of what was given.
    pub(super) fn set(&mut self, field: &str, value: Value) {
        self.rest.insert(field.to_owned(), value);
    }

    /// True when nothing was wrong so far.
    pub(super) fn sound(&self) -> bool {
        self.errors.is_empty()
    }

    /// A field as it is; `null` counts as absent.
    pub(super) fn value(&mut self, field: &str) -> Option<Value> {
        self.rest.remove(field).filter(|v| !v.is_null())
    }

    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        let value = self.value(field)?;
        if let Value::String(text) = value {
            return Some(text);
        }
        self.fail(field, Code::InvalidValue, "must be a text");
        None
    }

    /// A list of texts, where it is given; `null` is an empty one.
    pub(super) fn texts(&mut self, field: &str, most: usize) -> Option<Vec<String>> {
        let list = match self.rest.remove(field)? {
            Value::Null => Vec::new(),
            Value::Array(list) if list.len() <= most => list,
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                let detail = format!("must be a list of at most {most} texts");
                self.fail(field, Code::InvalidValue, detail);
                Vec::new()
            }
        };
        let mut texts = Vec::with_capacity(list.len());
        for (index, value) in list.into_iter().enumerate() {
            if let Value::String(text) = value {
                texts.push(text);
            } else {
                self.fail(&format!("{field}/{index}"), Code::InvalidValue, "must be a text");
            }
        }
        Some(texts)
    }

    pub(super) fn required_text(&mut self, field: &str) -> Option<String> {
        if self.rest.get(field).is_none_or(Value::is_null) {
            self.rest.remove(field);
            self.fail(field, Code::MissingField, "is needed");
            return None;
        }
        self.text(field)
    }

    pub(super) fn boolean(&mut self, field: &str, default: bool) -> bool {
        match self.value(field) {
            None => default,
            Some(Value::Bool(value)) => value,
            Some(_) => {
                self.fail(field, Code::InvalidValue, "must be true or false");
                default
            }
        }
    }

    pub(super) fn number(&mut self, field: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.value(field)?;
        let fits = value.as_u64().filter(|n| (least..=most).contains(n));
        if fits.is_none() {
            let detail = format!("must be a whole number from {least} to {most}");
            self.fail(field, Code::InvalidValue, detail);
        }
        fits
    }

    /// A number that must be there.
    pub(super) fn required_number(&mut self, field: &str, least: u64, most: u64) -> Option<u64> {
        if self.rest.get(field).is_none_or(Value::is_null) {
            self.fail(field, Code::MissingField, "is needed");
        }
        self.number(field, least, most)
    }

    /// True or false, where it is given.
    pub(super) fn flag(&mut self, field: &str) -> Option<bool> {
        self.rest.contains_key(field).then(|| self.boolean(field, false))
    }

    /// A text of a merge patch (RFC 7396): `None` leaves what there is, `Some(None)` (`null`) empties it.
    #[expect(clippy::option_option, reason = "a patch has three cases: absent, null, a value")]
    pub(super) fn patch(&mut self, field: &str, most: usize) -> Option<Option<String>> {
        if !self.rest.contains_key(field) {
            return None;
        }
        let text = self.text(field);
        if text
            .as_ref()
            .is_some_and(|text| text.chars().count() > most || text.chars().any(char::is_control))
        {
            self.fail(
                field,
                Code::InvalidValue,
                format!("must be at most {most} printable characters"),
            );
        }
        Some(text)
    }

    /// One of the listed words.
    pub(super) fn word<T: Copy>(&mut self, field: &str, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(field)?;
        let found = words.iter().find(|(w, _)| *w == text).map(|(_, t)| *t);
        if found.is_none() {
            let list: Vec<&str> = words.iter().map(|(w, _)| *w).collect();
            self.fail(field, Code::InvalidValue, format!("must be one of {}", list.join(", ")));
        }
        found
    }

    pub(super) fn time(&mut self, field: &str) -> Option<UtcTime> {
        let text = self.text(field)?;
        let time = parse_time(&text);
        if time.is_none() {
            self.fail(
                field,
                Code::InvalidValue,
                "must be a time of RFC 3339, as 2026-06-15T09:15:22Z",
            );
        }
        time
    }

    /// Ends the reading: what was not asked for is unknown.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        let unread: Vec<String> = self.rest.keys().cloned().collect();
        for name in unread {
            self.errors.push(unknown(&name));
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::of_fields(self.errors))
        }
    }
}

/// The name of an unknown field is repeated only if it looks like a name: it could be a number or a text.
pub(super) fn unknown(name: &str) -> FieldError {
    let shown = name.len() <= 40 && !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    FieldError {
        pointer: if shown { format!("/{name}") } else { String::new() },
        code: Code::UnknownField,
        detail: if shown {
            "is not known".into()
        } else {
            "a field that is not known; its name is not repeated here".into()
        },
    }
}

/// A time of RFC 3339 in any offset.
pub(super) fn parse_time(text: &str) -> Option<UtcTime> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|t| UtcTime::from_millis(t.timestamp_millis()))
}
