//! What a person decides about a message: `/v1/messages/{id}/resolve`, `/release` and `/drop`. Each stands in the record.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use wardwire_core::queue::state::MessageStatus;

use super::Context;
use super::act::{Act, recorded};
use super::auth::{Caller, Scope};
use super::body::read_json;
use super::fields::Fields;
use super::messages::{load, not_found};
use super::problem::{Code, Problem};
use super::views::MessageView;
use crate::store::{Decided, Decision, StoreError};

/// Longest note, in characters.
const NOTE: usize = 200;

/// Settles an outcome that nobody knows.
pub(super) async fn resolve(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::MessagesSend)?;
    let (parts, body) = request.into_parts();
    let mut fields = Fields::parse(&read_json(&parts.headers, body).await?)?;
    let outcomes = [("accepted", Decision::Accepted), ("not_sent", Decision::NotSent)];
    if !fields.has("outcome") {
        fields.fail("outcome", Code::MissingField, "is needed");
    }
    let outcome = fields.word("outcome", &outcomes);
    let note = fields.patch("note", NOTE).flatten().unwrap_or_default();
    fields.finish()?;
    let Some(decision) = outcome else {
        return Err(Problem::not_noted());
    };
    let word = match decision {
        Decision::NotSent => "not_sent",
        Decision::Accepted | Decision::Release | Decision::Drop => "accepted",
    };
    let detail = match note.is_empty() {
        true => word.to_owned(),
        false => format!("{word}: {note}"),
    };
    decide(
        &context,
        &caller,
        &id,
        decision,
        Act::on("message.resolve", &id).with(&detail),
    )
    .await
}

/// Lets a message go whose moment has passed.
pub(super) async fn release(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::MessagesSend)?;
    decide(
        &context,
        &caller,
        &id,
        Decision::Release,
        Act::on("message.release", &id),
    )
    .await
}

/// Ends a message whose moment has passed.
pub(super) async fn drop(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::MessagesCancel)?;
    decide(&context, &caller, &id, Decision::Drop, Act::on("message.drop", &id)).await
}

async fn decide(
    context: &Context,
    caller: &Caller,
    id: &str,
    decision: Decision,
    act: Act,
) -> Result<Response, Problem> {
    let message = load(context, caller, id).await?;
    let (store, service) = (context.store.clone(), message.service);
    let work = async move { store.decide(service, message.id, decision).await };
    match recorded(context, caller, act, work, told).await? {
        Decided::Done => {
            let message = load(context, caller, id).await?;
            Ok(Json(MessageView::of(&message, caller.may(Scope::MessagesReadBody))).into_response())
        }
        Decided::Conflict(status) => Err(Problem::new(Code::StateConflict, conflict(decision, status))),
        Decided::AlreadyFinal(status) => {
            let detail = format!("the message is {} already", status.as_str());
            Err(Problem::new(Code::AlreadyFinal, detail))
        }
        Decided::NotFound => Err(not_found()),
    }
}

fn conflict(decision: Decision, status: MessageStatus) -> String {
    let wanted = match decision {
        Decision::Accepted | Decision::NotSent => "no part of it has an unknown outcome",
        Decision::Release | Decision::Drop => "it is not held as stale",
    };
    format!("{wanted}; the message is {}", status.as_str())
}

fn told(result: &Result<Decided, StoreError>) -> String {
    match result {
        Ok(Decided::Done) => "done".to_owned(),
        Ok(Decided::Conflict(status) | Decided::AlreadyFinal(status)) => {
            format!("refused: it is {}", status.as_str())
        }
        Ok(Decided::NotFound) => "refused: it is not there".to_owned(),
        Err(error) => error.to_string(),
    }
}
