//! `/v1/modems/{id}/loopback-tests`: a text from a SIM to its own number, through the queue like any other; it passes when
//! it came back in and its delivery report came.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use wardwire_core::base::{Body, LoopbackId, UtcTime};
use wardwire_core::queue::loopback::judge;
use wardwire_core::queue::state::{OnUnknown, Priority, Sensitivity};
use wardwire_core::queue::verbs::NewMessage;
use wardwire_core::sms::{SegmentOptions, segment};

use super::Context;
use super::act::{self, Act};
use super::auth::{Caller, Scope};
use super::envelope::fresh_id;
use super::modems;
use super::problem::{Code, Problem};
use crate::store::{LoopbackRecord, NewLoopback};

/// The text goes out within this time or not at all: shorter than a message waits for its SIM before it takes another.
const VALID: Duration = Duration::from_secs(5 * 60);
/// And is waited for this long.
const WAIT: Duration = Duration::from_secs(10 * 60);
/// Characters of a test's token: the random end of an id, 50 bits.
const TOKEN: usize = 10;

#[derive(Serialize)]
struct LoopbackView {
    id: String,
    sim_id: String,
    message_id: String,
    state: &'static str,
    reason: Option<&'static str>,
    created_at: String,
    ends_at: String,
    submit_ms: Option<u64>,
    arrive_ms: Option<u64>,
    report_ms: Option<u64>,
}

impl LoopbackView {
    fn of(test: &LoopbackRecord, now: UtcTime) -> Self {
        let state = judge(&test.facts, now);
        let after = |at: Option<UtcTime>| {
            let took = at?.since(test.created_at).as_millis();
            u64::try_from(took).ok()
        };
        Self {
            id: test.id.to_string(),
            sim_id: test.sim.to_string(),
            message_id: test.message.to_string(),
            state: state.as_str(),
            reason: state.reason(),
            created_at: test.created_at.to_string(),
            ends_at: test.facts.ends_at.to_string(),
            submit_ms: after(test.facts.sent_at),
            arrive_ms: after(test.facts.arrived_at),
            report_ms: after(test.facts.reported_at),
        }
    }
}

async fn read(context: &Context, id: LoopbackId) -> Result<LoopbackRecord, Problem> {
    let found = context.store.read(move |r| r.loopback(id)).await?;
    found.ok_or_else(|| Problem::new(Code::NotFound, "there is no such test"))
}

/// Begins a test.
pub(super) async fn create(
    State(context): State<Context>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsWrite)?;
    let modem = modems::find(&context, &name)?;
    let now = (context.clock)().utc;
    let sims = context.store.read(move |r| r.sims(now)).await?;
    let sim = sims.into_iter().find(|sim| modem.sim == Some(sim.id));
    let sim = sim.ok_or_else(|| Problem::new(Code::NotNow, "the SIM of this modem is not known yet"))?;
    if sim.receive_only {
        return Err(Problem::new(
            Code::NotNow,
            "nothing goes out through this SIM: it is kept for what comes in",
        ));
    }
    let number = sim.number.ok_or_else(|| {
        let detail = "the SIM does not know its own number: note it with PATCH /v1/sims/{id}";
        Problem::new(Code::NotNow, detail)
    })?;
    let id = fresh_id().to_string();
    let token = id.get(id.len().saturating_sub(TOKEN)..).unwrap_or_default().to_owned();
    let text = format!("Wardwire test {token}");
    let cut = segment(&text, &SegmentOptions::default()).map_err(|_| Problem::not_noted())?;
    let message = NewMessage {
        service: context.service_of(&caller).await?,
        recipient: number,
        body: Body::new(text),
        parts: cut.parts,
        alphabet: cut.alphabet,
        units: cut.units,
        category: None,
        priority: Priority::High,
        send_at: None,
        window: None,
        valid_until: now + VALID,
        delivery_report: true,
        on_unknown: OnUnknown::Hold,
        held: None,
        sim: Some(sim.id),
        reference: None,
        metadata: None,
        sensitivity: Sensitivity::Usual,
    };
    let new = NewLoopback {
        message,
        token,
        ends_at: now + WAIT,
    };
    let store = context.store.clone();
    let work = async move { store.begin_loopback(new).await };
    let act = Act::on("modem.loopback", &modem.label);
    let begun = act::recorded(&context, &caller, act, work, |result| match result {
        Ok(_) => "begun".to_owned(),
        Err(error) => error.to_string(),
    });
    let id = begun.await?.ok_or_else(Problem::not_noted)?;
    let view = LoopbackView::of(&read(&context, id).await?, now);
    let location = format!("/v1/modems/{}/loopback-tests/{id}", modem.label);
    let mut response = (StatusCode::CREATED, Json(view)).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// How a test stands.
pub(super) async fn one(
    State(context): State<Context>,
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    caller.require(Scope::ModemsRead)?;
    modems::find(&context, &name)?;
    let not_found = || Problem::new(Code::NotFound, "there is no such test");
    let test = read(&context, id.parse().map_err(|_| not_found())?).await?;
    Ok(Json(LoopbackView::of(&test, (context.clock)().utc)).into_response())
}
