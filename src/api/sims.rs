//! `/v1/sims`: the SIMs ever seen, what people note of them, and what a person may do with the one in a modem.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wardwire_core::base::PhoneNumber;
use wardwire_core::gateway::snapshot::ModemSnapshot;
use wardwire_core::modem::{Code as SimCode, Order, OrderResult, UssdText};
use wardwire_core::queue::plan::KEYS;

use super::Context;
use super::act::{self, Act};
use super::auth::{Caller, Scope};
use super::fields::Fields;
use super::list::Listing;
use super::modems::{self, read};
use super::pools;
use super::problem::{Code, Problem};
use super::views::SimView;
use crate::store::{NewBalance, Replaced, SimEdit, SimRecord};

/// Digits of an ICCID that are enough to name a SIM, when no other ends in them.
const TAIL: usize = 4;

/// The modem a SIM is in now.
fn home(context: &Context, sim: &SimRecord) -> Option<ModemSnapshot> {
    let bank = context.bank.borrow();
    bank.modems.iter().find(|modem| modem.sim == Some(sim.id)).cloned()
}

fn view(context: &Context, sim: &SimRecord) -> SimView {
    let home = home(context, sim);
    let pools = home
        .as_ref()
        .map(|modem| pools::of_slot(&context.bank.borrow(), &modem.label));
    SimView::of(sim, home.as_ref(), pools.unwrap_or_default())
}

async fn all(context: &Context) -> Result<Vec<SimRecord>, Problem> {
    let now = (context.clock)().utc;
    Ok(context.store.read(move |r| r.sims(now)).await?)
}

/// The SIM of this name: its id, its ICCID or the end of it, or the modem it is in.
async fn find(context: &Context, name: &str) -> Result<SimRecord, Problem> {
    let sims = all(context).await?;
    let in_modem = modems::find(context, name).ok().and_then(|modem| modem.sim);
    let by_id = |sim: &&SimRecord| sim.id.to_string() == name || Some(sim.id) == in_modem;
    if let Some(sim) = sims.iter().find(by_id) {
        return Ok(sim.clone());
    }
    let digits = name.len() >= TAIL && name.bytes().all(|b| b.is_ascii_digit());
    let ends = |sim: &&SimRecord| digits && sim.iccid.as_deref().is_some_and(|iccid| iccid.ends_with(name));
    let mut named = sims.iter().filter(ends);
    match (named.next(), named.next()) {
        (Some(sim), None) => Ok(sim.clone()),
        (Some(_), Some(_)) => Err(Problem::new(
            Code::NotFound,
            "several SIMs end in these digits: give more of them",
        )),
        (None, _) => Err(Problem::new(Code::NotFound, "there is no such SIM")),
    }
}

/// All SIMs, the last seen first.
pub(super) async fn list(State(context): State<Context>, caller: Caller) -> Result<Response, Problem> {
    caller.require(Scope::ModemsRead)?;
    let sims = all(&context).await?;
    let views = sims.iter().map(|sim| view(&context, sim)).collect();
    Ok(Json(Listing::whole(views)).into_response())
}

/// One SIM.
pub(super) async fn one(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsRead)?;
    let sim = find(&context, &name).await?;
    Ok(Json(view(&context, &sim)).into_response())
}

/// Changes what is noted of a SIM.
pub(super) async fn edit(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsWrite)?;
    let mut fields = read(request).await?;
    let edit = edit_of(&mut fields);
    fields.finish()?;
    let sim = find(&context, &name).await?;
    let (store, orders, id) = (context.store.clone(), context.orders.clone(), sim.id);
    let (receive_only, replanned) = (edit.receive_only, !edit.caps.is_empty());
    let act = Act::on("sim.edit", sim.id).with(&caps_told(&edit.caps));
    let work = async move {
        let found = store.edit_sim(id, edit).await?;
        if let Some(receive_only) = receive_only {
            orders.receive_only(id, receive_only).await;
        }
        if replanned {
            orders.replanned(id).await;
        }
        Ok::<_, Problem>(found)
    };
    act::recorded(&context, &caller, act, work, told).await?;
    let sim = find(&context, &sim.id.to_string()).await?;
    Ok(Json(view(&context, &sim)).into_response())
}

fn edit_of(fields: &mut Fields) -> SimEdit {
    let number = fields.patch("number", 16).and_then(|text| match text {
        None => Some(None),
        Some(text) => {
            let number = PhoneNumber::from_e164(&text);
            if number.is_err() {
                fields.fail(
                    "number",
                    Code::InvalidValue,
                    "must be a number in E.164, as +353871234567",
                );
            }
            number.ok().map(Some)
        }
    });
    SimEdit {
        number,
        operator: fields.patch("operator", 64),
        plan: fields.patch("plan", 200),
        note: fields.patch("note", 1_000),
        receive_only: fields.flag("receive_only"),
        caps: caps_of(fields),
        balance: None,
    }
}

/// The numbers of its plan: an object by the names of the configuration; `null` takes one back to what that says.
fn caps_of(fields: &mut Fields) -> Vec<(&'static str, Option<u32>)> {
    let mut caps = Vec::new();
    let object = match fields.value("caps") {
        None => return caps,
        Some(Value::Object(object)) => object,
        Some(_) => {
            fields.fail("caps", Code::InvalidValue, "must be an object, as {\"per_day\": 100}");
            return caps;
        }
    };
    for (name, value) in object {
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            let known: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
            let detail = format!("has a field that is not known; known are {}", known.join(", "));
            fields.fail("caps", Code::UnknownField, detail);
            continue;
        };
        let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
        match number.filter(|n| key.range.contains(n)) {
            Some(number) => caps.push((key.name, Some(number))),
            None if value.is_null() => caps.push((key.name, None)),
            None => {
                let (least, most) = (key.range.start, key.range.end.saturating_sub(1));
                let detail = format!("must be a whole number from {least} to {most}, or null");
                fields.fail(&format!("caps/{}", key.name), Code::InvalidValue, detail);
            }
        }
    }
    caps
}

/// Of a change, for the record: numbers of the plan, nothing of a person.
fn caps_told(caps: &[(&'static str, Option<u32>)]) -> String {
    let told = caps.iter().map(|(key, value)| match value {
        Some(value) => format!("{key}={value}"),
        None => format!("{key} as configured"),
    });
    told.collect::<Vec<_>>().join(" ")
}

/// Puts another SIM in the place of this one.
pub(super) async fn replace(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsWrite)?;
    let mut fields = read(request).await?;
    let by = fields.required_text("by");
    fields.finish()?;
    let by = by.ok_or_else(Problem::not_noted)?;
    let (old, new) = (find(&context, &name).await?, find(&context, &by).await?);
    let (store, orders, ids) = (context.store.clone(), context.orders.clone(), (old.id, new.id));
    let work = async move {
        let replaced = store.replace_sim(ids.0, ids.1).await?;
        let refused = match replaced {
            Replaced::Done => {
                orders.receive_only(ids.0, true).await;
                return Ok(());
            }
            Replaced::NotFound => Problem::new(Code::NotFound, "there is no such SIM"),
            Replaced::Same => Problem::new(Code::NotNow, "a SIM cannot take its own place"),
            Replaced::NewReceivesOnly => {
                let detail = "the new SIM is kept for what comes in itself: set its receive_only to false first";
                Problem::new(Code::NotNow, detail)
            }
        };
        Err(refused)
    };
    let act = Act::on("sim.replace", old.id).with(&format!("by {}", new.id));
    act::recorded(&context, &caller, act, work, told).await?;
    let old = find(&context, &old.id.to_string()).await?;
    Ok(Json(view(&context, &old)).into_response())
}

/// For the record.
pub(super) fn told<T>(result: &Result<T, Problem>) -> String {
    match result {
        Ok(_) => "done".to_owned(),
        Err(problem) => problem.code().as_str().to_owned(),
    }
}

/// Where an order for a SIM goes: it may be locked and tell nothing, so the modem it is in is a name for it, too.
async fn place(context: &Context, name: &str) -> Result<(ModemSnapshot, Option<SimRecord>), Problem> {
    match find(context, name).await {
        Ok(sim) => {
            let absent = || Problem::new(Code::NotNow, "this SIM is in no modem now");
            Ok((home(context, &sim).ok_or_else(absent)?, Some(sim)))
        }
        Err(not_found) => modems::find(context, name)
            .map(|modem| (modem, None))
            .map_err(|_| not_found),
    }
}

/// Gives the SIM its PIN, or unlocks it with its PUK. Once, and only with tries to spare.
pub(super) async fn pin(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsConsole)?;
    let mut fields = read(request).await?;
    let pin = code(&mut fields, "pin", 4);
    let puk = code(&mut fields, "puk", 8);
    let new_pin = code(&mut fields, "new_pin", 4);
    let order = match (pin, puk, new_pin) {
        (Some(pin), None, None) => Some((Order::GivePin(pin), "sim.pin")),
        (None, Some(puk), Some(pin)) => Some((Order::GivePuk { puk, pin }, "sim.puk")),
        (None | Some(_), None | Some(_), None | Some(_)) => {
            if fields.sound() {
                fields.fail("pin", Code::MissingField, "is needed, or puk and new_pin together");
            }
            None
        }
    };
    fields.finish()?;
    let (order, action) = order.ok_or_else(Problem::not_noted)?;
    let (modem, _) = place(&context, &name).await?;
    let act = Act::on(action, &modem.label);
    act::done(act::order(&context, &caller, &modem.label, order, act).await?)
}

/// A code; a mistake in it is noted, never repeated.
fn code(fields: &mut Fields, field: &str, least: usize) -> Option<SimCode> {
    let digits = fields.text(field)?;
    let code = SimCode::from_digits(&digits).filter(|_| digits.len() >= least);
    if code.is_none() {
        let detail = format!("must be {least} to 8 digits");
        fields.fail(field, Code::InvalidValue, detail);
    }
    code
}

/// The networks that the SIM was turned away from, as it keeps them.
pub(super) async fn forbidden_networks(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let read = (Order::ReadForbidden, "sim.forbidden.read");
    let networks = act::lines(forbidden(&context, &caller, &name, read).await?)?;
    Ok(Json(json!({ "networks": networks })).into_response())
}

/// Empties that list; then the modem looks for its network anew.
pub(super) async fn clear_forbidden_networks(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let clear = (Order::ClearForbidden, "sim.forbidden.clear");
    act::done(forbidden(&context, &caller, &name, clear).await?)
}

async fn forbidden(
    context: &Context,
    caller: &Caller,
    name: &str,
    (order, action): (Order, &'static str),
) -> Result<OrderResult, Problem> {
    caller.require(Scope::ModemsConsole)?;
    let (modem, _) = place(context, name).await?;
    let act = Act::on(action, &modem.label);
    act::order(context, caller, &modem.label, order, act).await
}

/// Asks the network something; with `balance` its answer is kept as the SIM's credit.
pub(super) async fn ussd(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsConsole)?;
    let mut fields = read(request).await?;
    let code = fields.required_text("code").and_then(|text| {
        let code = UssdText::from_text(&text);
        if code.is_none() {
            fields.fail("code", Code::InvalidValue, "must be digits, * and #, as *100#");
        }
        code
    });
    let balance = fields.boolean("balance", false);
    fields.finish()?;
    let code = code.ok_or_else(Problem::not_noted)?;
    let (modem, sim) = place(&context, &name).await?;
    let act = Act::on("sim.ussd", &modem.label).with(code.as_str());
    let result = act::order(&context, &caller, &modem.label, Order::Ussd(code), act).await?;
    let text = act::lines(result)?.join("\n");
    if let Some(sim) = sim.filter(|_| balance) {
        let credit = context.config.credit_of(sim.iccid.as_deref(), sim.imsi.as_deref());
        let edit = SimEdit {
            balance: Some(NewBalance::of(text.clone(), credit)),
            ..SimEdit::default()
        };
        context.store.edit_sim(sim.id, edit).await?;
    }
    Ok(Json(json!({ "text": text })).into_response())
}
