//! The status page at `/`: whether patients can be reached now, in one sentence that can be read from across the room;
//! the modems, the queue, today's counts, the newest texts on their way. No login yet, no personal data, no address
//! outside this machine. Rendered here once; the stream sends the same rendering again whenever it changed.

mod html;
mod modems;
mod page;

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};
use wardwire_core::gateway::snapshot::Snapshot;

use crate::api::{Context, Problem, events};

/// How often an open page looks for a change.
const LOOK: Duration = Duration::from_secs(1);

/// Looks after which it is sent although nothing changed: the page takes longer silence for a lost connection.
const SEND_ANYWAY: u32 = 10;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page, its style, script and icon, and its stream.
pub fn router(context: Context) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/status/stream", get(follow))
        .route("/assets/status.css", get(style))
        .route("/assets/status.js", get(script))
        .route("/assets/icon.svg", get(icon))
        .with_state(context)
}

fn answer(kind: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("content-security-policy", POLICY),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

async fn index(State(context): State<Context>) -> Response {
    let status = context.board.current().await;
    let html = page::whole(&status, context.config.policy.pilot);
    answer("text/html; charset=utf-8", html)
}

async fn style() -> Response {
    answer("text/css; charset=utf-8", include_str!("assets/status.css"))
}

async fn script() -> Response {
    answer("text/javascript; charset=utf-8", include_str!("assets/status.js"))
}

async fn icon() -> Response {
    answer("image/svg+xml", include_str!("assets/icon.svg"))
}

/// What an open page carries from one look to the next.
struct Follower {
    context: Context,
    bank: watch::Receiver<Snapshot>,
    tick: Interval,
    sent: String,
    quiet: u32,
    _place: OwnedSemaphorePermit,
}

/// The inside of the page, at once and whenever it changed; ends when the gateway begins to stop.
async fn follow(State(context): State<Context>) -> Response {
    let place = match events::take_place(&context) {
        Ok(place) => place,
        Err(problem) => return refuse(&problem),
    };
    let mut tick = interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let follower = Follower {
        bank: context.bank.clone(),
        context,
        tick,
        sent: String::new(),
        quiet: 0,
        _place: place,
    };
    events::sse(stream::unfold(follower, next))
}

async fn next(mut follower: Follower) -> Option<(Result<Event, Infallible>, Follower)> {
    loop {
        tokio::select! {
            _ = follower.tick.tick() => {}
            () = events::stopping(&mut follower.bank) => return None,
        }
        let status = follower.context.board.current().await;
        let inside = page::inside(&status, follower.context.config.policy.pilot);
        follower.quiet += 1;
        if inside != follower.sent || follower.quiet >= SEND_ANYWAY {
            follower.quiet = 0;
            let event = Event::default().event("status").data(&inside);
            follower.sent = inside;
            return Some((Ok(event), follower));
        }
    }
}

fn refuse(problem: &Problem) -> Response {
    (problem.code().status(), problem.code().title()).into_response()
}

#[cfg(test)]
mod live;
#[cfg(test)]
mod tests;
