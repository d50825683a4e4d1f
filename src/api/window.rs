//! The `window` of a message: the part of the recipient's day in which it goes.

use serde_json::{Map, Value};
use wardwire_core::queue::hours::{Days, Window, WindowError, Zone};

use super::fields::Fields;
use super::problem::Code;
use crate::config::zone;

const FIELD: &str = "window";

/// Reads it, `site` being the zone where it names none; every mistake is noted.
pub(super) fn read(fields: &mut Fields, site: Option<&Zone>) -> Option<Window> {
    let Value::Object(mut parts) = fields.value(FIELD)? else {
        fields.fail(
            FIELD,
            Code::InvalidValue,
            "must be an object, as {\"start\": \"0900\", \"finish\": \"2000\"}",
        );
        return None;
    };
    let start = text(fields, &mut parts, "start", true);
    let finish = text(fields, &mut parts, "finish", true);
    let named = text(fields, &mut parts, "tz", site.is_none());
    if !parts.is_empty() {
        fields.fail(FIELD, Code::UnknownField, "takes start, finish and tz, nothing else");
    }
    let zone = match named {
        None => site.cloned(),
        Some(name) => {
            let found = zone(&name);
            if found.is_none() {
                let detail = "is no time zone of the IANA database, as Europe/Dublin";
                fields.fail("window/tz", Code::WindowInvalid, detail);
            }
            found
        }
    };
    match Window::new(Days::ALL, &start?, &finish?, zone?) {
        Ok(window) => Some(window),
        Err(error) => {
            let place = match error {
                WindowError::Start => "window/start",
                WindowError::Finish | WindowError::Empty => "window/finish",
            };
            fields.fail(place, Code::WindowInvalid, error.to_string());
            None
        }
    }
}

fn text(fields: &mut Fields, parts: &mut Map<String, Value>, name: &str, needed: bool) -> Option<String> {
    let place = format!("{FIELD}/{name}");
    match parts.remove(name) {
        Some(Value::String(text)) => return Some(text),
        None | Some(Value::Null) if needed && name == "tz" => {
            fields.fail(
                &place,
                Code::MissingField,
                "is needed: this gateway has no timezone of its own",
            );
        }
        None | Some(Value::Null) if needed => fields.fail(&place, Code::MissingField, "is needed, as \"0900\""),
        None | Some(Value::Null) => {}
        Some(_) => fields.fail(&place, Code::InvalidValue, "must be a text"),
    }
    None
}
