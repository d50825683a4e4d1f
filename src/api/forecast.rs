//! `POST /v1/forecast`: what a broadcast to so many people would need of each SIM, and when it would be through; nothing is sent. And
//! the same for what waits now, as `/v1/status` tells it.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use wardwire_core::base::UtcTime;
use wardwire_core::dispatch::forecast::{Load, Outcome, Sender, forecast};
use wardwire_core::gateway::snapshot::{ModemSnapshot, Snapshot};
use wardwire_core::queue::state::{MessageStatus, Priority};

use super::Context;
use super::auth::{Caller, Scope};
use super::modems::read;
use super::problem::Problem;
use super::views::{BudgetView, PRIORITIES, word};
use crate::store::{BatchRecord, BatchStatus, Waiting};

const MINUTE: i64 = 60_000;

/// When each lane of the queue will be through, most urgent first; lanes nothing waits in are left out.
pub(super) fn of_queue(now: UtcTime, bank: &Snapshot, waiting: &[Waiting]) -> Vec<(Waiting, Option<UtcTime>)> {
    let (_, mut senders) = senders(now, bank);
    let loads: Vec<Load> = waiting.iter().map(load).collect();
    let outcomes = forecast(now, &mut senders, &loads);
    waiting.iter().copied().zip(outcomes.iter().map(ready)).collect()
}

/// When a batch will be out: with what waits before it and beside it, as if it were the last of its lane. `None` when it is not
/// under way, or when that cannot be foretold.
pub(super) fn of_batch(now: UtcTime, bank: &Snapshot, waiting: &[Waiting], batch: &BatchRecord) -> Option<UtcTime> {
    let queued = |(status, _): &(MessageStatus, u32)| matches!(status, MessageStatus::Queued | MessageStatus::Assigned);
    let unprepared = batch.recipients.saturating_sub(batch.prepared);
    let later = batch.scheduled_for.is_some_and(|at| at > now);
    if batch.status != BatchStatus::Running || later || (unprepared == 0 && !batch.counts.iter().any(queued)) {
        return None;
    }
    let (_, mut senders) = senders(now, bank);
    let before = waiting.iter().filter(|lane| lane.priority <= batch.priority).map(load);
    let rest = Load {
        priority: batch.priority,
        messages: unprepared,
        parts_each: batch.parts.div_ceil(batch.recipients.max(1)),
        strangers: true,
    };
    let loads: Vec<Load> = before.chain((unprepared > 0).then_some(rest)).collect();
    forecast(now, &mut senders, &loads).last().and_then(ready)
}

/// To the minute, so that a display that asks every second is told something new once a minute.
fn ready(outcome: &Outcome) -> Option<UtcTime> {
    let up = |at: UtcTime| at.as_millis().saturating_add(MINUTE - 1).div_euclid(MINUTE) * MINUTE;
    outcome.ready_at.map(up).map(UtcTime::from_millis)
}

fn load(waiting: &Waiting) -> Load {
    Load {
        priority: waiting.priority,
        messages: u32::try_from(waiting.messages).unwrap_or(u32::MAX),
        parts_each: waiting.parts_each,
        strangers: false,
    }
}

/// The modems that send, each with its SIM's plan.
fn senders(now: UtcTime, bank: &Snapshot) -> (Vec<&ModemSnapshot>, Vec<Sender>) {
    let sends = |modem: &&ModemSnapshot| modem.sends;
    let modems: Vec<&ModemSnapshot> = bank.modems.iter().filter(sends).collect();
    let sender = |modem: &&ModemSnapshot| Some(Sender::new(modem.pace.clone()?, modem.airtime, now));
    let senders = modems.iter().filter_map(sender).collect();
    (modems, senders)
}

#[derive(Serialize)]
struct ForecastView {
    recipients: u32,
    parts_each: u32,
    priority: &'static str,
    ready_at: Option<String>,
    estimated_seconds: Option<u64>,
    waiting_before: u64,
    sims: Vec<ShareView>,
}

#[derive(Serialize)]
struct ShareView {
    slot: String,
    sim_id: Option<String>,
    recipients: u32,
    parts: u64,
    budget: Vec<BudgetView>,
}

/// What these people would need.
pub(super) async fn preview(
    State(context): State<Context>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Scope::MessagesSend)?;
    let mut fields = read(request).await?;
    let recipients = fields.required_number("recipients", 1, 1_000_000);
    let parts = fields.number("parts_each", 1, 10).unwrap_or(1);
    let priority = fields.word("priority", &PRIORITIES).unwrap_or(Priority::Bulk);
    let known = fields.boolean("known", false);
    fields.finish()?;
    let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let wanted = Load {
        priority,
        messages: small(recipients.ok_or_else(Problem::not_noted)?),
        parts_each: small(parts),
        strangers: !known,
    };
    let now = (context.clock)().utc;
    let waiting = context.store.read(move |r| r.waiting(now)).await?;
    let before: Vec<Waiting> = waiting.into_iter().filter(|w| w.priority <= priority).collect();
    let bank = context.bank.borrow().clone();
    let (modems, mut senders) = senders(now, &bank);
    let loads: Vec<Load> = before.iter().map(load).chain([wanted]).collect();
    let outcome = forecast(now, &mut senders, &loads).pop();
    let shares = outcome.as_ref().map(|o| o.shares.clone()).unwrap_or_default();
    let share = |(modem, recipients): (&&ModemSnapshot, u32)| ShareView {
        slot: modem.label.clone(),
        sim_id: modem.sim.map(|sim| sim.to_string()),
        recipients,
        parts: u64::from(recipients) * u64::from(wanted.parts_each),
        budget: modem.budgets.iter().map(BudgetView::of).collect(),
    };
    let ready_at = outcome.as_ref().and_then(ready);
    let view = ForecastView {
        recipients: wanted.messages,
        parts_each: wanted.parts_each,
        priority: word(&PRIORITIES, &priority),
        ready_at: ready_at.map(|at| at.to_string()),
        estimated_seconds: ready_at.map(|at| seconds(at.since(now))),
        waiting_before: before.iter().map(|w| w.messages).sum(),
        sims: modems.iter().zip(shares).map(share).collect(),
    };
    Ok(Json(view).into_response())
}

/// Whole seconds, rounded up.
pub(super) fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
