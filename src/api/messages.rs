//! `/v1/messages`.

use std::fmt::Display;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use wardwire_core::base::MessageId;

use super::auth::{Caller, Scope};
use super::body::read_json;
use super::fields::Fields;
use super::list::{Kind, Listing, Query};
use super::problem::{Code, Problem};
use super::views::{MessageView, PartView};
use super::{Context, new_message};
use crate::store::{Accept, Accepted, Canceled, Idempotency, MessageRecord, StoredResponse};

const PATH: &str = "/v1/messages";

/// Takes a message on: 201 once it is on disk.
pub(super) async fn create(
    State(context): State<Context>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::MessagesSend)?;
    let (parts, body) = request.into_parts();
    let key = idempotency_key(&parts.headers, context.config.http.require_idempotency_key)?;
    let fields = Fields::parse(&read_json(&parts.headers, body).await?)?;
    let service = context.service_of(&caller).await?;
    let idempotency = key.map(|key| Idempotency {
        key,
        scope: format!("POST {PATH}"),
        fingerprint: sha256(fields.canonical().as_bytes()),
    });
    let message = match new_message::read(fields, service, &context.config, (context.clock)().utc) {
        Ok(message) => message,
        Err(problem) => return repeat(&context, &caller, idempotency).await.unwrap_or(Err(problem)),
    };
    let accept = Accept {
        message,
        idempotency,
        respond: Box::new(respond),
    };
    answer(&caller, context.store.accept(accept).await?)
}

/// The answer of then, for a repeated request that would be refused now: its `send_at` has passed meanwhile, or the
/// policy changed. `None` when it never was taken on.
async fn repeat(
    context: &Context,
    caller: &Caller,
    idempotency: Option<Idempotency>,
) -> Option<Result<Response, Problem>> {
    let idempotency = idempotency?;
    let service = context.service_of(caller).await.ok()?;
    let earlier = context
        .store
        .read(move |r| r.earlier(service, &idempotency))
        .await
        .ok()??;
    Some(answer(caller, earlier)).filter(Result::is_ok)
}

fn answer(caller: &Caller, accepted: Accepted) -> Result<Response, Problem> {
    taken_on(PATH, accepted, |id, body| shown(caller, id, body))
}

/// The answer to what was taken on under this path, or had been before under the same key; `show` makes the body of what was kept.
pub(super) fn taken_on<Id: Copy + Display>(
    path: &str,
    accepted: Accepted<Id>,
    show: impl FnOnce(Id, String) -> String,
) -> Result<Response, Problem> {
    let (id, stored, replayed) = match accepted {
        Accepted::New { id, response } => (id, response, false),
        Accepted::Replayed { id, response } => (id, response, true),
        Accepted::KeyReused => {
            return Err(Problem::new(
                Code::IdempotencyKeyReused,
                "this Idempotency-Key came before with another body: use a new key",
            ));
        }
    };
    let mut response = Response::new(Body::from(show(id, stored.body)));
    *response.status_mut() = StatusCode::from_u16(stored.status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(location) = HeaderValue::from_str(&format!("{path}/{id}")) {
        headers.insert(header::LOCATION, location);
    }
    if replayed {
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The answer as it is kept with the key. The text is in it; [`shown`] takes it out for a caller that may not read it.
fn respond(message: &MessageRecord) -> StoredResponse {
    StoredResponse {
        status: StatusCode::CREATED.as_u16(),
        body: serde_json::to_string(&MessageView::of(message, true)).unwrap_or_default(),
    }
}

fn shown(caller: &Caller, id: MessageId, kept: String) -> String {
    if kept.is_empty() {
        // The person was erased meanwhile, and the answer with it.
        json!({ "id": id.to_string() }).to_string()
    } else if caller.may(Scope::MessagesReadBody) {
        kept
    } else {
        without_text(&kept)
    }
}

fn without_text(body: &str) -> String {
    let mut value: Value = serde_json::from_str(body).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.remove("body");
    }
    value.to_string()
}

/// The key of the header, without the quotes of the structured form.
pub(super) fn idempotency_key(headers: &HeaderMap, required: bool) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else {
        return if required {
            let detail = "send an Idempotency-Key, so that repeating the request is safe";
            Err(Problem::new(Code::IdempotencyKeyMissing, detail))
        } else {
            Ok(None)
        };
    };
    let text = value.to_str().unwrap_or_default();
    let key = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    let printable = key.bytes().all(|b| (0x20..0x7F).contains(&b));
    if !printable || !(1..=255).contains(&key.len()) || values.next().is_some() {
        let detail = "Idempotency-Key must come once, with 1 to 255 printable ASCII characters";
        return Err(Problem::new(Code::InvalidValue, detail));
    }
    Ok(Some(key.to_owned()))
}

pub(super) fn sha256(octets: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest(&SHA256, octets).as_ref()) {
        *to = *from;
    }
    hash
}

pub(super) fn not_found() -> Problem {
    Problem::new(Code::NotFound, "there is no such message")
}

fn parse_id(id: &str) -> Result<MessageId, Problem> {
    id.parse().map_err(|_| not_found())
}

pub(super) async fn load(context: &Context, caller: &Caller, id: &str) -> Result<MessageRecord, Problem> {
    let id = parse_id(id)?;
    let service = context.service_of(caller).await?;
    let found = context.store.read(move |r| r.message(service, id)).await?;
    found.ok_or_else(not_found)
}

/// One message.
pub(super) async fn one(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::MessagesRead)?;
    let message = load(&context, &caller, &id).await?;
    Ok(Json(MessageView::of(&message, caller.may(Scope::MessagesReadBody))).into_response())
}

/// Messages, newest first.
pub(super) async fn list(
    State(context): State<Context>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    caller.require(Scope::MessagesRead)?;
    let service = context.service_of(&caller).await?;
    let query = Query::read(Kind::Messages, PATH, service, query.as_deref())?;
    let filter = query.filter.clone();
    let page = context.store.read(move |r| r.messages(service, &filter)).await?;
    let with_body = caller.may(Scope::MessagesReadBody);
    let views: Vec<MessageView<'_>> = page.rows.iter().map(|m| MessageView::of(m, with_body)).collect();
    Ok(query.answer(views, page.next))
}

/// The parts of a message with their attempts.
pub(super) async fn parts(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::MessagesRead)?;
    let id = parse_id(&id)?;
    let service = context.service_of(&caller).await?;
    let found = context.store.read(move |r| r.parts(service, id)).await?;
    let views: Vec<PartView> = found.ok_or_else(not_found)?.iter().map(PartView::of).collect();
    Ok(Json(Listing::whole(views)).into_response())
}

/// Withdraws a message.
pub(super) async fn cancel(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::MessagesCancel)?;
    let message = parse_id(&id)?;
    let service = context.service_of(&caller).await?;
    match context.store.cancel(service, message).await? {
        Canceled::Done => {
            let message = load(&context, &caller, &id).await?;
            Ok(Json(MessageView::of(&message, caller.may(Scope::MessagesReadBody))).into_response())
        }
        Canceled::AlreadySubmitting => Err(Problem::new(
            Code::AlreadySubmitting,
            "a part of it was handed to the network before; nothing more of it goes out",
        )),
        Canceled::AlreadyFinal(status) => {
            let detail = format!("the message is {} already", status.as_str());
            Err(Problem::new(Code::AlreadyFinal, detail))
        }
        Canceled::NotFound => Err(not_found()),
    }
}
