//! `/v1/api-keys`. A key is made here, whole; the store gets its hash only.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::auth::{Caller, Scope, Token};
use super::body::read_json;
use super::envelope::fresh_id;
use super::fields::Fields;
use super::list::Listing;
use super::problem::{Code, Problem};
use super::views::KeyView;
use super::{Context, DEFAULT_SERVICE};
use crate::store::NewKey;

/// Makes a key; the answer is the only place that ever shows it.
pub(super) async fn create(
    State(context): State<Context>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::KeysWrite)?;
    let (parts, body) = request.into_parts();
    let mut fields = Fields::parse(&read_json(&parts.headers, body).await?)?;
    let label = name(&mut fields, "label").unwrap_or_default();
    let service = service(&mut fields, &context, &caller).await?;
    let scopes = scopes(&mut fields, &caller);
    fields.finish()?;
    let token = Token::generate(fresh_id()).map_err(|_| Problem::new(Code::Internal, "no randomness"))?;
    let key = NewKey {
        id: Some(token.id()),
        service,
        label,
        secret_sha256: token.secret_sha256(),
        scopes,
    };
    let row = context.store.create_key(key).await?;
    let view = KeyView::of(&row, Some(token.reveal()));
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

/// A short name, for people or for a service.
fn name(fields: &mut Fields, field: &str) -> Option<String> {
    let text = fields.required_text(field)?;
    if text.trim().is_empty() || text.chars().count() > 64 || text.chars().any(char::is_control) {
        fields.fail(field, Code::InvalidValue, "must be 1 to 64 printable characters");
        return None;
    }
    Some(text)
}

/// The service the key will belong to. A key may make keys of its own service only.
async fn service(fields: &mut Fields, context: &Context, caller: &Caller) -> Result<String, Problem> {
    let named = fields.text("service");
    let service = named.unwrap_or_else(|| DEFAULT_SERVICE.to_owned());
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    if !(1..=64).contains(&service.len()) || !service.bytes().all(plain) {
        fields.fail(
            "service",
            Code::InvalidValue,
            "must be 1 to 64 characters of a-z 0-9 - _",
        );
        return Ok(service);
    }
    if let Caller::Key { service: own, .. } = caller {
        let wanted = service.clone();
        let found = context.store.read(move |r| r.service(&wanted)).await?;
        if found != Some(*own) {
            fields.fail("service", Code::InvalidValue, "must be the service of your own key");
        }
    }
    Ok(service)
}

/// Known words, each at most once, and none that the caller itself lacks.
fn scopes(fields: &mut Fields, caller: &Caller) -> Vec<String> {
    let Some(Value::Array(list)) = fields.value("scopes") else {
        fields.fail("scopes", Code::MissingField, "must be a list of scopes");
        return Vec::new();
    };
    let mut scopes: Vec<Scope> = Vec::new();
    for word in &list {
        match word.as_str().and_then(|w| w.parse::<Scope>().ok()) {
            Some(scope) if !caller.may(scope) => {
                let detail = format!("your own key lacks {}", scope.as_str());
                fields.fail("scopes", Code::InvalidValue, detail);
            }
            Some(scope) => scopes.push(scope),
            None => {
                let known: Vec<&str> = Scope::ALL.iter().map(|s| s.as_str()).collect();
                let detail = format!("has a word that is no scope; known: {}", known.join(" "));
                fields.fail("scopes", Code::InvalidValue, detail);
                break;
            }
        }
    }
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() && fields.sound() {
        fields.fail("scopes", Code::InvalidValue, "must name at least one scope");
    }
    scopes.iter().map(|s| s.as_str().to_owned()).collect()
}

/// The keys of the caller's service (of all services for the local administrator), without their secrets.
pub(super) async fn list(State(context): State<Context>, caller: Caller) -> Result<Response, Problem> {
    caller.require(Scope::KeysWrite)?;
    let rows = context.store.read(|r| r.api_keys()).await?;
    let seen = rows.iter().filter(|k| match &caller {
        Caller::LocalAdmin => true,
        Caller::Key { service, .. } => k.service == *service,
    });
    let views: Vec<KeyView<'_>> = seen.map(|k| KeyView::of(k, None)).collect();
    Ok(Json(Listing::whole(views)).into_response())
}

/// Makes a key void, at once and for good.
pub(super) async fn revoke(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::KeysWrite)?;
    let not_found = || Problem::new(Code::NotFound, "there is no such key");
    let id = id.parse().map_err(|_| not_found())?;
    let row = context
        .store
        .read(move |r| r.api_key(id))
        .await?
        .ok_or_else(not_found)?;
    if let Caller::Key { service, .. } = &caller
        && row.service != *service
    {
        return Err(not_found());
    }
    context.store.revoke_key(id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
