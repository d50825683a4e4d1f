//! The outermost layer: gives every request an id, renders problems, keeps answers out of caches, logs one line. What it
//! logs is the route's template, never the path or the query: a client's mistake may put a number there.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use ring::rand::{SecureRandom, SystemRandom};
use wardwire_core::base::{IdSource, Ulid, UtcTime};

use super::problem::Problem;
use crate::clock;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps every answer of the API.
pub(super) async fn envelope(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(problem) = problem_of(&response) {
        response = problem.render(&id, response.headers());
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    tracing::debug!(
        %method,
        route = route.as_ref().map_or("-", MatchedPath::as_str),
        status = response.status().as_u16(),
        micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        request_id = %id,
        "request"
    );
    response
}

/// The problem a response carries, or stands for when the router itself refused.
fn problem_of(response: &Response) -> Option<Problem> {
    let carried = response.extensions().get::<Problem>().cloned();
    let status: StatusCode = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    carried.or_else(|| refused.then(|| Problem::of_status(status)))
}

/// The caller's id when it is a decent one, else a new one. A run of digits long enough for a phone number is not
/// decent: the id goes into the log.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|v| v.to_str().ok())
        .filter(|id| decent(id))
        .map_or_else(|| format!("req_{}", fresh_id()), ToOwned::to_owned)
}

fn decent(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    let only_digits = id.bytes().all(|b| b.is_ascii_digit() || !b.is_ascii_alphanumeric());
    (1..=128).contains(&id.len()) && id.bytes().all(plain) && !(only_digits && id.len() >= 7)
}

/// Ids of requests and keys; seeded by the system, so that they cannot be guessed from an earlier run.
pub(super) fn fresh_id() -> Ulid {
    static SOURCE: Mutex<Option<IdSource>> = Mutex::new(None);
    let now: UtcTime = clock::now().utc;
    let mut source = SOURCE.lock().unwrap_or_else(PoisonError::into_inner);
    source.get_or_insert_with(|| IdSource::new(seed())).next(now)
}

fn seed() -> u64 {
    let mut octets = [0; 8];
    // Without randomness the clock has to do: these ids are names, not secrets.
    if SystemRandom::new().fill(&mut octets).is_err() {
        return clock::now().utc.as_millis().unsigned_abs();
    }
    u64::from_ne_bytes(octets)
}
