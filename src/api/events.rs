//! `/v1/events`: what happened, by sequence, and the same as a stream. Thin: ids and states, no number, no text.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, watch};
use wardwire_core::base::ServiceId;
use wardwire_core::gateway::snapshot::Snapshot;

use super::Context;
use super::auth::{Caller, Scope};
use super::fields::unknown;
use super::list::pairs;
use super::problem::{Code, FieldError, Problem};
use super::views::EventView;
use crate::store::{EventRecord, Fact};

/// Events of one page, and of one read of a stream.
const LIMIT: u16 = 200;

/// A comment this often keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `after`, `limit` and `types` of the query.
struct Wanted {
    after: Option<u64>,
    limit: u16,
    types: Vec<String>,
}

fn wanted(query: Option<&str>) -> Result<Wanted, Problem> {
    let mut wanted = Wanted {
        after: None,
        limit: LIMIT,
        types: Vec::new(),
    };
    let mut errors = Vec::new();
    for (name, value) in pairs(query.unwrap_or_default())? {
        let mut fail = |detail: &'static str| {
            errors.push(FieldError {
                pointer: format!("/{name}"),
                code: Code::InvalidValue,
                detail: detail.into(),
            });
        };
        match name.as_str() {
            "after" => match value.parse() {
                Ok(after) => wanted.after = Some(after),
                Err(_) => fail("must be the sequence of an event"),
            },
            "limit" => match value.parse::<u16>().ok().filter(|n| (1..=LIMIT).contains(n)) {
                Some(limit) => wanted.limit = limit,
                None => fail("must be a whole number from 1 to 200"),
            },
            "types" => wanted.types = value.split(',').map(ToOwned::to_owned).collect(),
            _ => errors.push(unknown(&name)),
        }
    }
    if errors.is_empty() {
        Ok(wanted)
    } else {
        Err(Problem::of_fields(errors))
    }
}

/// Whose events: the caller's service, or all for the local administrator.
fn scope_of(caller: &Caller) -> Option<ServiceId> {
    match caller {
        Caller::LocalAdmin => None,
        Caller::Key { service, .. } => Some(*service),
    }
}

/// Events after a sequence, oldest first.
pub(super) async fn list(
    State(context): State<Context>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    caller.require(Scope::EventsRead)?;
    let wanted = wanted(query.as_deref())?;
    let service = scope_of(&caller);
    let after = wanted.after.unwrap_or(0);
    let rows = context
        .store
        .read(move |r| r.events(service, after, wanted.limit))
        .await?;
    let next = rows.last().map_or(after, |e| e.sequence);
    let views: Vec<EventView<'_>> = rows
        .iter()
        .filter(|e| fits(&wanted.types, e))
        .map(EventView::of)
        .collect();
    Ok(Json(Events {
        data: views,
        next_after: next,
    })
    .into_response())
}

#[derive(Serialize)]
struct Events<'a> {
    data: Vec<EventView<'a>>,
    next_after: u64,
}

/// `message.*` or a whole type; no list = all.
fn fits(types: &[String], event: &EventRecord) -> bool {
    let name = event.kind.as_str();
    types.is_empty()
        || types.iter().any(|t| match t.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => t == name,
        })
}

/// What a stream carries from one read to the next.
struct Cursor {
    context: Context,
    service: Option<ServiceId>,
    types: Vec<String>,
    /// The last event given; not known before the first fact when the stream begins now.
    after: Option<u64>,
    ready: std::collections::VecDeque<EventRecord>,
    facts: Receiver<Fact>,
    bank: watch::Receiver<Snapshot>,
    _place: OwnedSemaphorePermit,
}

/// Events as they happen, from `Last-Event-ID` or `after` on, else from now on.
pub(super) async fn stream(
    State(context): State<Context>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    caller.require(Scope::EventsRead)?;
    let wanted = wanted(query.as_deref())?;
    let place = take_place(&context)?;
    let facts = context.store.subscribe();
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok());
    let after = last.and_then(|t| t.parse().ok()).or(wanted.after);
    let cursor = Cursor {
        service: scope_of(&caller),
        types: wanted.types,
        after,
        ready: std::collections::VecDeque::new(),
        facts,
        bank: context.bank.clone(),
        context,
        _place: place,
    };
    Ok(sse(stream::unfold(cursor, next_event)))
}

/// A place among the open streams.
pub(crate) fn take_place(context: &Context) -> Result<OwnedSemaphorePermit, Problem> {
    let refused = || Problem::new(Code::TooManyStreams, "100 streams are open, try again later").retry_after(30);
    context.streams.clone().try_acquire_owned().map_err(|_| refused())
}

/// A stream of events with the headers and comments that keep it alive behind proxies.
pub(crate) fn sse<S>(events: S) -> Response
where
    S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    let headers = response.headers_mut();
    for (name, value) in [("cache-control", "no-store"), ("x-accel-buffering", "no")] {
        headers.insert(
            HeaderName::from_static(name),
            axum::http::HeaderValue::from_static(value),
        );
    }
    response
}

async fn next_event(mut cursor: Cursor) -> Option<(Result<Event, Infallible>, Cursor)> {
    loop {
        while let Some(record) = cursor.ready.pop_front() {
            if fits(&cursor.types, &record) {
                let event = Event::default()
                    .id(record.sequence.to_string())
                    .event(record.kind.as_str())
                    .retry(Duration::from_secs(3))
                    .data(serde_json::to_string(&EventView::of(&record)).unwrap_or_default());
                return Some((Ok(event), cursor));
            }
        }
        if let Some(after) = cursor.after {
            let service = cursor.service;
            let rows = cursor
                .context
                .store
                .read(move |r| r.events(service, after, LIMIT))
                .await
                .ok()?;
            if let Some(last) = rows.last() {
                cursor.after = Some(last.sequence);
                cursor.ready = rows.into();
                continue;
            }
        }
        tokio::select! {
            fact = cursor.facts.recv() => match fact {
                Ok(fact) => {
                    cursor.after.get_or_insert(fact.sequence.saturating_sub(1));
                }
                // Missed facts do no harm: the rows are read anyway.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            },
            () = stopping(&mut cursor.bank) => return None,
        }
    }
}

/// Returns when the gateway begins to stop: an open stream must not hold it up.
pub(crate) async fn stopping(bank: &mut watch::Receiver<Snapshot>) {
    let _ = bank.wait_for(|b| b.draining).await;
}
