//! Lists by cursor: the query read strictly, the cursor bound to its filters, the page with its link.

use std::fmt::Write;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use ring::digest::{SHA256, digest};
use serde::Serialize;
use wardwire_core::base::{ServiceId, SimId, Ulid, UtcTime};
use wardwire_core::queue::inbound::InboundKind;
use wardwire_core::queue::state::MessageStatus;

use super::fields::{parse_time, unknown};
use super::problem::{Code, FieldError, Problem};
use crate::store::ListFilter;

/// Rows of a page unless the caller says otherwise.
const LIMIT: u16 = 50;

/// A page of a list in JSON.
#[derive(Serialize)]
pub(super) struct Listing<V> {
    pub(super) data: Vec<V>,
    pub(super) next_cursor: Option<String>,
}

impl<V> Listing<V> {
    /// A list that is short enough to be one page.
    pub(super) fn whole(data: Vec<V>) -> Self {
        Self {
            data,
            next_cursor: None,
        }
    }
}

/// A list's query, read.
pub(super) struct Query {
    /// What to ask the store.
    pub(super) filter: ListFilter,
    path: String,
    hash: String,
    /// Everything but the cursor, for the link to the next page.
    pairs: Vec<(String, String)>,
}

/// Which filters a list knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Messages,
    Inbound,
    Batches,
}

impl Query {
    /// Reads the query of a list.
    ///
    /// # Errors
    /// Every mistake; a cursor that was made for other filters.
    pub(super) fn read(kind: Kind, path: &str, service: ServiceId, query: Option<&str>) -> Result<Self, Problem> {
        let mut reading = Reading {
            kind,
            filter: ListFilter {
                limit: LIMIT,
                ..ListFilter::default()
            },
            errors: Vec::new(),
        };
        let pairs = pairs(query.unwrap_or_default())?;
        let mut cursor = None;
        let mut filters = format!("{path} {service}");
        for (name, value) in &pairs {
            if name == "cursor" {
                cursor = Some(value.clone());
                continue;
            }
            reading.take(name, value);
            if name != "limit" {
                // Lengths keep two pairs from looking like one.
                let _ = write!(filters, " {}:{name} {}:{value}", name.len(), value.len());
            }
        }
        if !reading.errors.is_empty() {
            return Err(Problem::of_fields(reading.errors));
        }
        let hash: String = digest(&SHA256, filters.as_bytes())
            .as_ref()
            .iter()
            .take(6)
            .map(|b| format!("{b:02x}"))
            .collect();
        let mut filter = reading.filter;
        if let Some(cursor) = cursor {
            filter.cursor = Some(open(&cursor, &hash)?);
        }
        Ok(Self {
            filter,
            path: path.to_owned(),
            hash,
            pairs: pairs.into_iter().filter(|(n, _)| n != "cursor").collect(),
        })
    }

    /// The page as it goes out.
    pub(super) fn answer<V: Serialize>(&self, data: Vec<V>, next: Option<Ulid>) -> Response {
        let next_cursor = next.map(|place| format!("{place}-{}", self.hash));
        let link = next_cursor.as_ref().map(|c| self.link(c));
        let mut response = axum::Json(Listing { data, next_cursor }).into_response();
        if let Some(value) = link.and_then(|l| HeaderValue::from_str(&l).ok()) {
            response.headers_mut().insert(header::LINK, value);
        }
        response
    }

    fn link(&self, cursor: &str) -> String {
        let mut link = format!("<{}?", self.path);
        for (name, value) in &self.pairs {
            let _ = write!(link, "{name}={}&", percent(value));
        }
        let _ = write!(link, "cursor={cursor}>; rel=\"next\"");
        link
    }
}

struct Reading {
    kind: Kind,
    filter: ListFilter,
    errors: Vec<FieldError>,
}

impl Reading {
    fn take(&mut self, name: &str, value: &str) {
        let messages = self.kind == Kind::Messages;
        match name {
            "limit" => match value.parse::<u16>().ok().filter(|n| (1..=200).contains(n)) {
                Some(limit) => self.filter.limit = limit,
                None => self.fail(name, "must be a whole number from 1 to 200"),
            },
            "order" => match value {
                "asc" => self.filter.ascending = true,
                "desc" => self.filter.ascending = false,
                _ => self.fail(name, "must be asc or desc"),
            },
            "created_after" => self.filter.created_after = self.time(name, value),
            "created_before" => self.filter.created_before = self.time(name, value),
            "sim_id" if self.kind != Kind::Batches => match value.parse::<SimId>() {
                Ok(sim) => self.filter.sim = Some(sim),
                Err(_) => self.fail(name, "must be the id of a SIM"),
            },
            "kind" if self.kind == Kind::Inbound => self.kinds(value),
            "status" if messages => self.statuses(value),
            "reference" if messages => self.filter.reference = Some(value.to_owned()),
            "direction" if messages => {
                if value != "outbound" {
                    self.fail(name, "must be outbound here; received ones are at /v1/inbound-messages");
                }
            }
            "batch_id" if messages => match value.parse() {
                Ok(batch) => self.filter.batch = Some(batch),
                Err(_) => self.fail(name, "must be the id of a batch"),
            },
            "to" | "category" | "contact_id" | "appointment_id" if messages => {
                self.fail(name, "is not available yet");
            }
            _ => self.errors.push(unknown(name)),
        }
    }

    fn statuses(&mut self, value: &str) {
        for word in value.split(',') {
            match MessageStatus::ALL.iter().find(|s| s.as_str() == word) {
                Some(status) => self.filter.statuses.push(*status),
                None => self.fail("status", "must be statuses of messages, separated by commas"),
            }
        }
    }

    fn kinds(&mut self, value: &str) {
        if value == "all" {
            self.filter.kinds = InboundKind::ALL.to_vec();
            return;
        }
        for word in value.split(',') {
            match InboundKind::ALL.iter().find(|kind| kind.as_str() == word) {
                Some(kind) => self.filter.kinds.push(*kind),
                None => self.fail(
                    "kind",
                    "must be all, or kinds of received messages, separated by commas",
                ),
            }
        }
    }

    fn time(&mut self, name: &str, value: &str) -> Option<UtcTime> {
        // A plus that was not escaped arrives as a blank.
        let time = parse_time(&value.replace(' ', "+"));
        if time.is_none() {
            self.fail(name, "must be a time of RFC 3339, as 2026-06-15T09:15:22Z");
        }
        time
    }

    fn fail(&mut self, name: &str, detail: &'static str) {
        self.errors.push(FieldError {
            pointer: format!("/{name}"),
            code: Code::InvalidValue,
            detail: detail.into(),
        });
    }
}

/// The pairs of a query, decoded.
///
/// # Errors
/// It is not UTF-8, or there are too many.
pub(super) fn pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (decode(name), decode(value)) {
            (Some(name), Some(value)) if pairs.len() < 50 => pairs.push((name, value)),
            _ => return Err(Problem::new(Code::BadRequest, "the query cannot be read")),
        }
    }
    Ok(pairs)
}

fn decode(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        octets.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(octets).ok()
}

fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b',' | b':') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn open(cursor: &str, hash: &str) -> Result<Ulid, Problem> {
    let invalid = |detail| Problem::new(Code::InvalidCursor, detail);
    let (place, made_for) = cursor
        .split_once('-')
        .ok_or_else(|| invalid("this is no cursor of this list"))?;
    let place = place.parse().map_err(|_| invalid("this is no cursor of this list"))?;
    if made_for != hash {
        return Err(invalid("the cursor belongs to other filters: keep them, or begin anew"));
    }
    Ok(place)
}
