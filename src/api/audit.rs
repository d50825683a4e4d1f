//! `GET /v1/audit`: who did what to the bank.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Context;
use super::auth::{Caller, Scope};
use super::list::pairs;
use super::problem::{Code, FieldError, Problem};
use crate::store::AuditRecord;

/// Rows of a page unless the caller says otherwise.
const LIMIT: u16 = 50;

#[derive(Serialize)]
struct Page {
    data: Vec<AuditView>,
    next_before: Option<u64>,
}

#[derive(Serialize)]
struct AuditView {
    sequence: u64,
    at: String,
    actor: String,
    action: String,
    target: String,
    detail: String,
    outcome: Option<String>,
    ended_at: Option<String>,
}

impl From<AuditRecord> for AuditView {
    fn from(row: AuditRecord) -> Self {
        Self {
            sequence: row.sequence,
            at: row.at.to_string(),
            actor: row.actor,
            action: row.action,
            target: row.target,
            detail: row.detail,
            outcome: row.outcome,
            ended_at: row.ended_at.map(|at| at.to_string()),
        }
    }
}

/// The record, newest first; `before` and `limit` choose.
pub(super) async fn list(
    State(context): State<Context>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    caller.require(Scope::AuditRead)?;
    let (mut before, mut limit) = (None, LIMIT);
    let mut errors = Vec::new();
    for (name, value) in pairs(query.as_deref().unwrap_or_default())? {
        let mut fail = |detail: &'static str| {
            errors.push(FieldError {
                pointer: format!("/{name}"),
                code: Code::InvalidValue,
                detail: detail.into(),
            });
        };
        match name.as_str() {
            "before" => match value.parse() {
                Ok(sequence) => before = Some(sequence),
                Err(_) => fail("must be the sequence of a row"),
            },
            "limit" => match value.parse().ok().filter(|n| (1..=200).contains(n)) {
                Some(rows) => limit = rows,
                None => fail("must be a whole number from 1 to 200"),
            },
            _ => errors.push(super::fields::unknown(&name)),
        }
    }
    if !errors.is_empty() {
        return Err(Problem::of_fields(errors));
    }
    let rows = context.store.read(move |r| r.audit(before, limit)).await?;
    let full = rows.len() == usize::from(limit);
    let next_before = rows.last().map(|row| row.sequence).filter(|last| full && *last > 1);
    let data = rows.into_iter().map(AuditView::from).collect();
    Ok(Json(Page { data, next_before }).into_response())
}
