//! `/v1/modems`: how the bank stands, and what a person may do to one modem. What each order means stands in the core; here
//! it is allowed, recorded and handed on.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use wardwire_core::gateway::snapshot::ModemSnapshot;
use wardwire_core::modem::{AtLine, Order};

use super::Context;
use super::act::{self, Act};
use super::auth::{Caller, Scope};
use super::body::read_json;
use super::fields::Fields;
use super::list::Listing;
use super::problem::{Code, Problem};
use super::views::ModemView;

/// Minutes a trace may be kept whole.
const RAW_MINUTES: u64 = 60;

fn view(context: &Context, modem: &ModemSnapshot) -> ModemView {
    let configured = context.config.modems.iter().find(|m| m.label == modem.label);
    let named = configured.and_then(|m| m.port());
    ModemView::of(modem, named.or(modem.port.as_deref()))
}

/// The modem of this id or label.
pub(super) fn find(context: &Context, name: &str) -> Result<ModemSnapshot, Problem> {
    let bank = context.bank.borrow();
    let is_called = |m: &&ModemSnapshot| m.label == name || m.modem.is_some_and(|id| id.to_string() == name);
    let found = bank.modems.iter().find(is_called);
    found
        .cloned()
        .ok_or_else(|| Problem::new(Code::NotFound, "there is no such modem"))
}

/// The bank.
pub(super) async fn list(State(context): State<Context>, caller: Caller) -> Result<Response, Problem> {
    caller.require(Scope::ModemsRead)?;
    let modems = context.bank.borrow().modems.clone();
    let views = modems.iter().map(|modem| view(&context, modem)).collect();
    Ok(Json(Listing::whole(views)).into_response())
}

/// One modem, by id or label.
pub(super) async fn one(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsRead)?;
    let modem = find(&context, &name)?;
    Ok(Json(view(&context, &modem)).into_response())
}

/// Orders that need no more than their name.
async fn plain(
    context: Context,
    caller: Caller,
    name: &str,
    action: &'static str,
    order: Order,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsWrite)?;
    let modem = find(&context, name)?;
    let act = Act::on(action, &modem.label);
    act::done(act::order(&context, &caller, &modem.label, order, act).await?)
}

/// Restarts a modem by its own command.
pub(super) async fn restart(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    plain(context, caller, &name, "modem.restart", Order::Restart).await
}

/// Ends all talk to a modem until it is enabled.
pub(super) async fn disable(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    plain(context, caller, &name, "modem.disable", Order::Disable).await
}

/// Undoes `disable` and `drain`.
pub(super) async fn enable(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    plain(context, caller, &name, "modem.enable", Order::Enable).await
}

/// Lets a modem finish and begin nothing new; it goes on receiving.
pub(super) async fn drain(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    plain(context, caller, &name, "modem.drain", Order::Drain).await
}

/// Sends one line of the list of harmless ones and tells what was answered.
pub(super) async fn line(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsConsole)?;
    let mut fields = read(request).await?;
    let line = fields.required_text("line").and_then(|text| {
        let line = AtLine::from_text(&text);
        if line.is_none() {
            let detail = "must be one line of printable ASCII characters that a modem takes, as AT+CSQ";
            fields.fail("line", Code::InvalidValue, detail);
        }
        line
    });
    fields.finish()?;
    let line = line.ok_or_else(Problem::not_noted)?;
    let modem = find(&context, &name)?;
    let act = Act::on("modem.at", &modem.label).with(line.as_str());
    let result = act::order(&context, &caller, &modem.label, Order::Line(line), act).await?;
    Ok(Json(json!({ "lines": act::lines(result)? })).into_response())
}

/// What was said to the modem and by it lately.
pub(super) async fn trace(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsConsole)?;
    let modem = find(&context, &name)?;
    let act = Act::on("modem.trace", &modem.label);
    let result = act::order(&context, &caller, &modem.label, Order::ReadTrace, act).await?;
    Ok(Json(json!({ "lines": act::lines(result)? })).into_response())
}

/// Keeps the trace whole for some minutes, or ends that.
pub(super) async fn trace_raw(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsConsole)?;
    let mut fields = read(request).await?;
    let minutes = fields.required_number("minutes", 0, RAW_MINUTES);
    fields.finish()?;
    let minutes = minutes.ok_or_else(Problem::not_noted)?;
    let modem = find(&context, &name)?;
    let until = (context.clock)().utc + Duration::from_secs(minutes * 60);
    let act = Act::on("modem.trace_raw", &modem.label).with(&format!("{minutes} min"));
    act::done(act::order(&context, &caller, &modem.label, Order::TraceRaw { until }, act).await?)
}

/// The fields of a request's body.
pub(super) async fn read(request: Request) -> Result<Fields, Problem> {
    let (parts, body) = request.into_parts();
    Fields::parse(&read_json(&parts.headers, body).await?)
}
