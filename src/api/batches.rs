//! `/v1/batches`: the same to many.

use axum::Json;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use wardwire_core::base::{BatchId, ServiceId, UtcTime};

use super::auth::{Caller, Scope};
use super::body::{BATCH_OCTETS, read_long_json};
use super::fields::Fields;
use super::list::{Kind, Query};
use super::messages::{idempotency_key, sha256, taken_on};
use super::new_batch::{self, Draft};
use super::problem::{Code, FieldError, Problem};
use super::views::{BatchView, MessageView};
use super::{Context, forecast};
use crate::config::Config;
use crate::store::{
    AcceptBatch, Accepted, BatchAct, BatchActed, BatchRecord, BatchStatus, Idempotency, RespondBatch, StoredResponse,
};

const PATH: &str = "/v1/batches";

/// Takes a batch on: 202 once all of it is on disk.
pub(super) async fn create(
    State(context): State<Context>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::BatchesSend)?;
    let (parts, body) = request.into_parts();
    let key = idempotency_key(&parts.headers, context.config.http.require_idempotency_key)?;
    let service = context.service_of(&caller).await?;
    let closed = |_| Problem::new(Code::ShuttingDown, "the gateway is stopping, try again");
    let place = context.batches.clone().acquire_owned().await.map_err(closed)?;
    let octets = read_long_json(&parts.headers, body, BATCH_OCTETS).await?;
    let (config, now) = (context.config.clone(), (context.clock)().utc);
    // Ten thousand numbers take a while: not on a thread that others are served by.
    let reading = tokio::task::spawn_blocking(move || read(&octets, key, service, &config, now));
    let failed = |_| Problem::new(Code::Internal, "the batch could not be read");
    let (idempotency, draft) = reading.await.map_err(failed)??;
    let accepted = match draft {
        Ok(draft) => {
            let accept = AcceptBatch {
                respond: respond(&draft),
                batch: draft.batch,
                idempotency,
            };
            context.store.accept_batch(accept).await?
        }
        // The answer of then, for a repeated request that would be refused now.
        Err(problem) => {
            let Some(idempotency) = idempotency else {
                return Err(problem);
            };
            let earlier = context
                .store
                .read(move |r| r.earlier_batch(service, &idempotency))
                .await?;
            earlier
                .filter(|earlier| !matches!(earlier, Accepted::KeyReused))
                .ok_or(problem)?
        }
    };
    drop(place);
    taken_on(PATH, accepted, |_, body| body)
}

/// The key of the request, and the batch or every mistake in it; a body that is no JSON object has no key.
fn read(
    octets: &[u8],
    key: Option<String>,
    service: ServiceId,
    config: &Config,
    now: UtcTime,
) -> Result<(Option<Idempotency>, Result<Draft, Problem>), Problem> {
    let fields = Fields::parse(octets)?;
    let idempotency = key.map(|key| Idempotency {
        key,
        scope: format!("POST {PATH}"),
        fingerprint: sha256(fields.canonical().as_bytes()),
    });
    Ok((idempotency, new_batch::read(fields, service, config, now)))
}

/// What only the answer that creates it tells.
#[derive(Serialize)]
struct Created<'a> {
    #[serde(flatten)]
    batch: BatchView<'a>,
    invalid_recipients: &'a [Invalid],
    duplicate_recipients: &'a [Duplicate],
}

#[derive(Serialize)]
struct Invalid {
    index: usize,
    code: &'static str,
    detail: String,
}

#[derive(Serialize)]
struct Duplicate {
    index: usize,
    same_as: usize,
}

/// The answer as it is kept with the key: places in the request, neither number nor text.
fn respond(draft: &Draft) -> RespondBatch {
    let invalid = |(index, error): &(usize, FieldError)| Invalid {
        index: *index,
        code: error.code.as_str(),
        detail: error.detail.to_string(),
    };
    let invalid: Vec<Invalid> = draft.invalid.iter().map(invalid).collect();
    let duplicate = |(index, same_as): &(usize, usize)| Duplicate {
        index: *index,
        same_as: *same_as,
    };
    let duplicates: Vec<Duplicate> = draft.duplicates.iter().map(duplicate).collect();
    Box::new(move |batch: &BatchRecord| {
        let created = Created {
            batch: BatchView::of(batch),
            invalid_recipients: &invalid,
            duplicate_recipients: &duplicates,
        };
        StoredResponse {
            status: StatusCode::ACCEPTED.as_u16(),
            body: serde_json::to_string(&created).unwrap_or_default(),
        }
    })
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound, "there is no such batch")
}

async fn load(context: &Context, caller: &Caller, id: &str) -> Result<BatchRecord, Problem> {
    let id: BatchId = id.parse().map_err(|_| not_found())?;
    let service = context.service_of(caller).await?;
    let found = context.store.read(move |r| r.batch(service, id)).await?;
    found.ok_or_else(not_found)
}

/// One batch.
pub(super) async fn one(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::MessagesRead)?;
    let batch = load(&context, &caller, &id).await?;
    let now = (context.clock)().utc;
    let waiting = context.store.read(move |r| r.waiting(now)).await?;
    let bank = context.bank.borrow().clone();
    let finish = forecast::of_batch(now, &bank, &waiting, &batch);
    Ok(Json(BatchView::of(&batch).finishing(finish)).into_response())
}

/// Batches, newest first.
pub(super) async fn list(
    State(context): State<Context>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    caller.require(Scope::MessagesRead)?;
    let service = context.service_of(&caller).await?;
    let query = Query::read(Kind::Batches, PATH, service, query.as_deref())?;
    let filter = query.filter.clone();
    let page = context.store.read(move |r| r.batches(service, &filter)).await?;
    let views: Vec<BatchView<'_>> = page.rows.iter().map(BatchView::of).collect();
    Ok(query.answer(views, page.next))
}

/// The messages of a batch, newest first.
pub(super) async fn messages(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    caller.require(Scope::MessagesRead)?;
    let batch = load(&context, &caller, &id).await?;
    let path = format!("{PATH}/{}/messages", batch.id);
    let mut query = Query::read(Kind::Messages, &path, batch.service, query.as_deref())?;
    query.filter.batch = Some(batch.id);
    let filter = query.filter.clone();
    let page = context.store.read(move |r| r.messages(batch.service, &filter)).await?;
    let with_body = caller.may(Scope::MessagesReadBody);
    let views: Vec<MessageView<'_>> = page.rows.iter().map(|m| MessageView::of(m, with_body)).collect();
    Ok(query.answer(views, page.next))
}

/// Holds what waits of a batch.
pub(super) async fn pause(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    act(&context, &caller, &id, BatchAct::Pause).await
}

/// Lets a paused batch go on.
pub(super) async fn resume(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    act(&context, &caller, &id, BatchAct::Resume).await
}

/// Withdraws a batch.
pub(super) async fn cancel(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    act(&context, &caller, &id, BatchAct::Cancel).await
}

async fn act(context: &Context, caller: &Caller, id: &str, act: BatchAct) -> Result<Response, Problem> {
    caller.require(Scope::BatchesSend)?;
    let batch = load(context, caller, id).await?;
    match context.store.act_on_batch(batch.service, batch.id, act).await? {
        BatchActed::Done => {
            let batch = load(context, caller, id).await?;
            Ok(Json(BatchView::of(&batch)).into_response())
        }
        BatchActed::Conflict(BatchStatus::Completed) => {
            Err(Problem::new(Code::AlreadyFinal, "all messages of the batch have ended"))
        }
        BatchActed::Conflict(status) => Err(Problem::new(
            Code::StateConflict,
            format!("the batch is {}", status.as_str()),
        )),
        BatchActed::NotFound => Err(not_found()),
    }
}
