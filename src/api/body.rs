//! Reads a JSON body, bounded in size and time.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;

use super::problem::{Code, Problem};

/// Longest body that is looked at.
pub(super) const BODY_OCTETS: usize = 1 << 20;

/// Longest body of a batch.
pub(super) const BATCH_OCTETS: usize = 8 << 20;

/// A longer body is read and thrown away up to this, so that its sender sees the answer and not a broken connection.
const DISCARDED_OCTETS: usize = 8 << 20;

/// A slower client is cut off.
const PATIENCE: Duration = Duration::from_secs(30);

/// The whole body of a request that must be JSON.
pub(super) async fn read_json(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Problem> {
    read_long_json(headers, body, BODY_OCTETS).await
}

/// The same with so many octets, not more than are read of any body.
pub(super) async fn read_long_json(headers: &HeaderMap, body: Body, most: usize) -> Result<Vec<u8>, Problem> {
    let read = tokio::time::timeout(PATIENCE, collect(body, most)).await;
    let octets = read.map_err(|_| Problem::new(Code::RequestTimeout, "the body took longer than 30 s"))??;
    let Some(octets) = octets else {
        let detail = format!("a body has at most {} MiB here", most >> 20);
        return Err(Problem::new(Code::ContentTooLarge, detail));
    };
    if !is_json(headers) {
        let detail = "send Content-Type: application/json";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    Ok(octets)
}

/// `None` when the body is too long.
async fn collect(mut body: Body, most: usize) -> Result<Option<Vec<u8>>, Problem> {
    let mut octets = Vec::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(Code::BadRequest, "the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen > DISCARDED_OCTETS {
            return Ok(None);
        }
        if seen <= most {
            octets.extend_from_slice(&data);
        } else {
            octets = Vec::new();
        }
    }
    Ok((seen <= most).then_some(octets))
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}
