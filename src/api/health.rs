//! What monitors and wall displays ask: alive, ready, the status.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ring::digest::{SHA256, digest};
use serde_json::json;
use wardwire_core::gateway::status::Storage;

use super::Context;
use super::auth::{Caller, Scope};
use super::problem::{Code, Problem};
use super::status::StatusView;

/// 200 as long as the process serves.
pub(super) async fn alive() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// 200 when the storage can be used and a SIM can send, else 503 that says what is missing.
pub(super) async fn ready(State(context): State<Context>) -> Result<Response, Problem> {
    let status = context.board.current().await;
    let facts = &status.facts;
    let mut reasons = Vec::new();
    match facts.storage {
        Storage::Fails => reasons.push("the storage cannot be used".to_owned()),
        Storage::Full => reasons.push("the storage is full".to_owned()),
        Storage::Works | Storage::Low(_) | Storage::Scarce(_) => {}
    }
    if facts.stopping {
        reasons.push("the gateway is stopping".to_owned());
    }
    if facts.ready == 0 {
        reasons.push(format!("none of {} modems can send", facts.modems));
    }
    if reasons.is_empty() {
        return Ok(Json(json!({ "status": "ready", "modems_ready": facts.ready })).into_response());
    }
    Err(Problem::new(Code::NotReady, reasons.join("; ")).retry_after(5))
}

/// The status of the whole, with an ETag so that a display that asks often costs little.
pub(super) async fn status(
    State(context): State<Context>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Scope::StatusRead)?;
    let status = context.board.current().await;
    let body = serde_json::to_string(&StatusView::of(&status)).unwrap_or_default();
    let hash: String = digest(&SHA256, body.as_bytes())
        .as_ref()
        .iter()
        .take(8)
        .map(|b| format!("{b:02x}"))
        .collect();
    let etag = format!("\"{hash}\"");
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|v| v.as_bytes() == etag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    };
    if let Ok(value) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    Ok(response)
}

/// What a problem's `type` points to.
pub(super) async fn problem_page(Path(code): Path<String>) -> Result<Response, Problem> {
    let found = Code::ALL.iter().find(|c| c.as_str() == code);
    let code = found.ok_or_else(|| Problem::new(Code::NotFound, "there is no such problem"))?;
    let text = format!(
        "{} (HTTP {})\n{}.\n",
        code.as_str(),
        code.status().as_u16(),
        code.title()
    );
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// No route fits.
pub(super) async fn nothing_here() -> Problem {
    Problem::new(Code::NotFound, "there is nothing at this address")
}
