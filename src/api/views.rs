//! How the store's records look in JSON. The only place that knows; field order is the order of the documentation.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use wardwire_core::base::{Body, Originator, PhoneNumber, UtcTime};
use wardwire_core::gateway::snapshot::{ModemSnapshot, SignalPeriod};
use wardwire_core::queue::hours::Window;
use wardwire_core::queue::plan::{Budget, Cap, KEYS};
use wardwire_core::queue::state::{Category, HoldReason, MessageStatus, OnUnknown, Priority};
use wardwire_core::sms::Alphabet;

use crate::store::{
    ApiKeyRecord, AttemptRecord, BatchRecord, EventRecord, InboundRecord, MessageError, MessageRecord, PartRecord,
    SimRecord, Subject,
};

/// The version of event payloads.
const EVENTS_VERSION: &str = "2026-06-01";

pub(super) const PRIORITIES: [(&str, Priority); 4] = [
    ("emergency", Priority::Emergency),
    ("high", Priority::High),
    ("normal", Priority::Normal),
    ("bulk", Priority::Bulk),
];

pub(super) const ON_UNKNOWN: [(&str, OnUnknown); 3] = [
    ("hold", OnUnknown::Hold),
    ("retry", OnUnknown::Retry),
    ("auto", OnUnknown::Auto),
];

/// The word of a value in a table of words.
pub(super) fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, v)| v == value).map_or("", |(w, _)| w)
}

fn alphabet(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::Gsm7 => "gsm7",
        Alphabet::Ucs2 => "ucs2",
        Alphabet::Octets => "octets",
    }
}

fn time(at: Option<UtcTime>) -> Option<String> {
    at.map(|t| t.to_string())
}

fn id(id: &impl ToString) -> String {
    id.to_string()
}

#[derive(Serialize)]
struct ErrorView {
    code: &'static str,
    detail: &'static str,
    network_code: Option<String>,
    retryable: bool,
}

impl ErrorView {
    fn of(error: &MessageError) -> Self {
        Self {
            code: error.code.as_str(),
            detail: error.code.detail(),
            network_code: error.network_code.as_ref().map(ToString::to_string),
            retryable: error.code.retryable(),
        }
    }
}

/// An outbound message.
#[derive(Serialize)]
pub(super) struct MessageView<'a> {
    id: String,
    service_id: String,
    direction: &'static str,
    status: &'static str,
    r#final: bool,
    hold_reason: Option<&'static str>,
    to: Option<&'a str>,
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Option<&'a str>>,
    category: Option<&'static str>,
    priority: &'static str,
    encoding: &'static str,
    part_count: u8,
    parts_accepted: u8,
    parts_delivered: u8,
    units: u32,
    sim_id: Option<String>,
    attempts: u32,
    delivery: &'static str,
    delivery_report: bool,
    on_unknown: &'static str,
    possible_copy: bool,
    batch_id: Option<String>,
    reference: Option<&'a str>,
    metadata: Option<Value>,
    error: Option<ErrorView>,
    created_at: String,
    scheduled_for: Option<String>,
    window: Option<WindowView<'a>>,
    valid_until: String,
    queued_at: Option<String>,
    submitted_at: Option<String>,
    sent_at: Option<String>,
    delivered_at: Option<String>,
    final_at: Option<String>,
    cost: Option<()>,
    links: Links,
}

#[derive(Serialize)]
struct WindowView<'a> {
    start: String,
    finish: String,
    tz: &'a str,
}

impl<'a> WindowView<'a> {
    fn of(window: &'a Window) -> Self {
        Self {
            start: window.start().to_string(),
            finish: window.finish().to_string(),
            tz: window.zone().name(),
        }
    }
}

#[derive(Serialize)]
struct Links {
    #[serde(rename = "self")]
    this: String,
    parts: String,
}

impl<'a> MessageView<'a> {
    /// `with_body`: the caller may read texts; else the field is left out.
    pub(super) fn of(m: &'a MessageRecord, with_body: bool) -> Self {
        let path = format!("/v1/messages/{}", m.id);
        Self {
            id: id(&m.id),
            service_id: id(&m.service),
            direction: "outbound",
            status: m.status.as_str(),
            r#final: m.is_final,
            hold_reason: m.held.map(HoldReason::as_str),
            to: m.recipient.as_ref().map(PhoneNumber::as_e164),
            from: m.from.as_ref().map(PhoneNumber::as_e164),
            body: with_body.then(|| m.body.as_ref().map(Body::reveal)),
            category: m.category.map(Category::as_str),
            priority: word(&PRIORITIES, &m.priority),
            encoding: alphabet(m.alphabet),
            part_count: m.part_count,
            parts_accepted: m.parts_accepted,
            parts_delivered: m.parts_delivered,
            units: m.units,
            sim_id: m.sim.as_ref().map(id),
            attempts: m.attempts,
            delivery: m.delivery.as_str(),
            delivery_report: m.delivery_report,
            on_unknown: word(&ON_UNKNOWN, &m.on_unknown),
            possible_copy: m.possible_copy,
            batch_id: m.batch.as_ref().map(id),
            reference: m.reference.as_deref(),
            metadata: m.metadata.as_deref().and_then(|t| serde_json::from_str(t).ok()),
            error: m.error.as_ref().map(ErrorView::of),
            created_at: m.created_at.to_string(),
            scheduled_for: time(m.scheduled_for),
            window: m.window.as_ref().map(WindowView::of),
            valid_until: m.valid_until.to_string(),
            queued_at: time(m.queued_at),
            submitted_at: time(m.submitted_at),
            sent_at: time(m.sent_at),
            delivered_at: time(m.delivered_at),
            final_at: time(m.final_at),
            cost: None,
            links: Links {
                parts: format!("{path}/parts"),
                this: path,
            },
        }
    }
}

/// A batch.
#[derive(Serialize)]
pub(super) struct BatchView<'a> {
    id: String,
    service_id: String,
    status: &'static str,
    r#final: bool,
    name: Option<&'a str>,
    reference: Option<&'a str>,
    category: Option<&'static str>,
    priority: &'static str,
    recipients: u32,
    prepared: u32,
    duplicates: u32,
    invalid: u32,
    parts: u32,
    counts: BTreeMap<&'static str, u32>,
    created_at: String,
    scheduled_for: Option<String>,
    valid_until: String,
    estimated_finish_at: Option<String>,
    completed_at: Option<String>,
    links: BatchLinks,
}

#[derive(Serialize)]
struct BatchLinks {
    #[serde(rename = "self")]
    this: String,
    messages: String,
}

impl<'a> BatchView<'a> {
    pub(super) fn of(b: &'a BatchRecord) -> Self {
        let path = format!("/v1/batches/{}", b.id);
        Self {
            id: id(&b.id),
            service_id: id(&b.service),
            status: b.status.as_str(),
            r#final: b.completed_at.is_some(),
            name: b.name.as_deref(),
            reference: b.reference.as_deref(),
            category: b.category.map(Category::as_str),
            priority: word(&PRIORITIES, &b.priority),
            recipients: b.recipients,
            prepared: b.prepared,
            duplicates: b.duplicates,
            invalid: b.invalid,
            parts: b.parts,
            counts: b
                .counts
                .iter()
                .map(|(status, count)| (status.as_str(), *count))
                .collect(),
            created_at: b.created_at.to_string(),
            scheduled_for: time(b.scheduled_for),
            valid_until: b.valid_until.to_string(),
            estimated_finish_at: None,
            completed_at: time(b.completed_at),
            links: BatchLinks {
                messages: format!("{path}/messages"),
                this: path,
            },
        }
    }

    /// With the time it will be out, as far as known.
    pub(super) fn finishing(mut self, at: Option<UtcTime>) -> Self {
        self.estimated_finish_at = time(at);
        self
    }
}

/// One part with its attempts.
#[derive(Serialize)]
pub(super) struct PartView {
    id: String,
    sequence: u8,
    status: &'static str,
    tp_mr: Option<u8>,
    sim_id: Option<String>,
    error: Option<ErrorView>,
    tp_st: Option<u8>,
    possible_copy: bool,
    accepted_at: Option<String>,
    reported_at: Option<String>,
    smsc_timestamp: Option<String>,
    discharged_at: Option<String>,
    attempts: Vec<AttemptView>,
}

#[derive(Serialize)]
struct AttemptView {
    id: String,
    status: &'static str,
    modem_id: String,
    sim_id: String,
    tp_mr: Option<u8>,
    network_code: Option<String>,
    written_at: String,
    ended_at: Option<String>,
}

impl PartView {
    pub(super) fn of(p: &PartRecord) -> Self {
        Self {
            id: id(&p.id),
            sequence: p.sequence,
            status: p.state.as_str(),
            tp_mr: p.tp_mr,
            sim_id: p.sim.as_ref().map(id),
            error: p.error.as_ref().map(ErrorView::of),
            tp_st: p.tp_st,
            possible_copy: p.possible_copy,
            accepted_at: time(p.accepted_at),
            reported_at: time(p.reported_at),
            smsc_timestamp: time(p.smsc_timestamp),
            discharged_at: time(p.discharged_at),
            attempts: p.attempts.iter().map(AttemptView::of).collect(),
        }
    }
}

impl AttemptView {
    fn of(a: &AttemptRecord) -> Self {
        Self {
            id: id(&a.id),
            status: a.state.as_str(),
            modem_id: id(&a.modem),
            sim_id: id(&a.sim),
            tp_mr: a.tp_mr,
            network_code: a.network_code.as_ref().map(ToString::to_string),
            written_at: a.written_at.to_string(),
            ended_at: time(a.ended_at),
        }
    }
}

/// A received message.
#[derive(Serialize)]
pub(super) struct InboundView<'a> {
    id: String,
    service_id: String,
    direction: &'static str,
    from: Option<&'a str>,
    to: Option<&'a str>,
    sim_id: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    octets: Option<Option<&'a str>>,
    parts: u8,
    incomplete: bool,
    received_at: String,
    smsc_timestamp: Option<String>,
}

impl<'a> InboundView<'a> {
    /// `with_body`: the caller may read texts; else the field is left out. What is no text has `octets` instead.
    pub(super) fn of(m: &'a InboundRecord, with_body: bool) -> Self {
        Self {
            id: id(&m.id),
            service_id: id(&m.service),
            direction: "inbound",
            from: m.from.as_ref().map(Originator::reveal),
            to: m.to.as_ref().map(PhoneNumber::as_e164),
            sim_id: id(&m.sim),
            kind: m.kind.as_str(),
            body: (with_body && m.kind.is_text()).then(|| m.body.as_ref().map(Body::reveal)),
            octets: (with_body && !m.kind.is_text()).then(|| m.body.as_ref().map(Body::reveal)),
            parts: m.parts,
            incomplete: m.incomplete,
            received_at: m.received_at.to_string(),
            smsc_timestamp: time(m.smsc_timestamp),
        }
    }
}

/// An API key; `key` only in the answer that creates it.
#[derive(Serialize)]
pub(super) struct KeyView<'a> {
    id: String,
    service_id: String,
    label: &'a str,
    scopes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    created_at: String,
    revoked_at: Option<String>,
}

impl<'a> KeyView<'a> {
    pub(super) fn of(k: &'a ApiKeyRecord, key: Option<String>) -> Self {
        Self {
            id: id(&k.id),
            service_id: id(&k.service),
            label: &k.label,
            scopes: &k.scopes,
            key,
            created_at: k.created_at.to_string(),
            revoked_at: time(k.revoked_at),
        }
    }
}

/// An event, thin: no number, no text.
#[derive(Serialize)]
pub(super) struct EventView<'a> {
    id: String,
    sequence: u64,
    r#type: &'static str,
    created_at: String,
    service_id: String,
    api_version: &'static str,
    data: EventData<'a>,
}

#[derive(Serialize)]
struct EventData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inbound_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sim_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cap: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    reference: Option<&'a str>,
}

impl<'a> EventView<'a> {
    pub(super) fn of(e: &'a EventRecord) -> Self {
        let (message_id, inbound_id, sim_id, batch_id) = match &e.subject {
            Subject::Message(m) => (Some(id(m)), None, None, None),
            Subject::Inbound(m) => (None, Some(id(m)), None, None),
            Subject::Sim(sim) => (None, None, Some(id(sim)), None),
            Subject::Batch(b) => (None, None, None, Some(id(b))),
        };
        Self {
            id: id(&e.id),
            sequence: e.sequence,
            r#type: e.kind.as_str(),
            created_at: e.created_at.to_string(),
            service_id: id(&e.service),
            api_version: EVENTS_VERSION,
            data: EventData {
                message_id,
                inbound_id,
                sim_id,
                cap: e.kind.cap().map(Cap::as_str),
                batch_id,
                status: e.kind.status().map(MessageStatus::as_str),
                reference: e.reference.as_deref(),
            },
        }
    }
}

/// A modem; its IMEI is masked.
#[derive(Serialize)]
pub(crate) struct ModemView {
    id: Option<String>,
    slot: String,
    label: String,
    port: Option<String>,
    imei: Option<String>,
    manufacturer: String,
    model: String,
    firmware: String,
    profile: String,
    state: &'static str,
    reason: String,
    score: u8,
    step: &'static str,
    resets_today: u32,
    service_centre: Option<String>,
    receive_only: bool,
    sim_id: Option<String>,
    number: Option<String>,
    signal: Option<Signal>,
    signal_history: Vec<SignalView>,
    registration: &'static str,
    operator: String,
    access: &'static str,
    busy: bool,
    paced_until: Option<String>,
    sent: u64,
    failed: u64,
    received: u64,
    restarts: u32,
    last_sent_at: Option<String>,
    last_received_at: Option<String>,
}

#[derive(Serialize)]
struct Signal {
    dbm: i16,
    quality: &'static str,
}

#[derive(Serialize)]
struct SignalView {
    from: String,
    weakest_dbm: i16,
    mean_dbm: i16,
}

impl ModemView {
    /// `port` as the configuration names it.
    pub(super) fn of(m: &ModemSnapshot, port: Option<&str>) -> Self {
        Self {
            id: m.modem.as_ref().map(id),
            slot: m.label.clone(),
            label: m.label.clone(),
            port: port.map(ToOwned::to_owned),
            imei: m.imei.as_deref().map(mask),
            manufacturer: m.manufacturer.clone(),
            model: m.model.clone(),
            firmware: m.firmware.clone(),
            profile: m.profile.clone(),
            state: m.state.as_str(),
            reason: m.reason.clone(),
            score: m.score,
            step: m.step,
            resets_today: m.resets_today,
            service_centre: m.service_centre.clone(),
            receive_only: m.receive_only,
            sim_id: m.sim.as_ref().map(id),
            number: m.number.clone(),
            signal: m.signal_dbm.map(|dbm| Signal {
                dbm,
                quality: quality(dbm),
            }),
            signal_history: m.signal_history.iter().map(signal_view).collect(),
            registration: m.registration,
            operator: m.operator.clone(),
            access: m.access,
            busy: m.busy,
            paced_until: time(m.paced_until),
            sent: m.sent,
            failed: m.failed,
            received: m.received,
            restarts: m.restarts,
            last_sent_at: time(m.last_sent_at),
            last_received_at: time(m.last_received_at),
        }
    }
}

fn signal_view(period: &SignalPeriod) -> SignalView {
    SignalView {
        from: period.from.to_string(),
        weakest_dbm: period.weakest_dbm,
        mean_dbm: period.mean_dbm,
    }
}

/// A SIM; its identities are masked.
#[derive(Serialize)]
pub(super) struct SimView {
    id: String,
    iccid: Option<String>,
    imsi: Option<String>,
    number: Option<String>,
    operator: Option<String>,
    plan: Option<String>,
    note: Option<String>,
    slot: String,
    modem_id: String,
    state: &'static str,
    reason: String,
    receive_only: bool,
    /// Pools it is in now.
    pools: Vec<String>,
    /// Kept for emergencies.
    reserve: bool,
    replaced_by: Option<String>,
    balance: Option<BalanceView>,
    caps: Option<BTreeMap<&'static str, u32>>,
    caps_entered: BTreeMap<String, u32>,
    budget: Vec<BudgetView>,
    sent_24h: u32,
    failed_24h: u32,
    first_seen_at: String,
    last_seen_at: String,
}

/// One budget of a SIM; `frees_at` only while nothing of it is left but what is kept for emergencies.
#[derive(Serialize)]
pub(super) struct BudgetView {
    cap: &'static str,
    limit: u32,
    used: u32,
    frees_at: Option<String>,
}

impl BudgetView {
    pub(super) fn of(budget: &Budget) -> Self {
        Self {
            cap: budget.cap.as_str(),
            limit: budget.limit,
            used: budget.used,
            frees_at: budget.free_at.map(|at| at.to_string()),
        }
    }
}

#[derive(Serialize)]
struct BalanceView {
    text: String,
    at: String,
    /// As `12.40`, in the unit the text means.
    amount: Option<String>,
    low: bool,
    low_since: Option<String>,
}

impl SimView {
    /// `home`: the modem it is in now, the pools it is in there, and whether it is kept for emergencies.
    pub(super) fn of(s: &SimRecord, home: Option<&ModemSnapshot>, (pools, reserve): (Vec<String>, bool)) -> Self {
        let network = home.map(|m| m.operator.clone()).filter(|name| !name.is_empty());
        Self {
            id: id(&s.id),
            iccid: s.iccid.as_deref().map(mask),
            imsi: s.imsi.as_deref().map(mask),
            number: s.number.as_ref().map(|number| number.as_e164().to_owned()),
            operator: s.operator.clone().or(network),
            plan: s.plan.clone(),
            note: s.note.clone(),
            slot: s.slot.clone(),
            modem_id: id(&s.modem),
            state: home.map_or("absent", |m| m.state.as_str()),
            reason: home.map_or_else(|| "in no modem now".to_owned(), |m| m.reason.clone()),
            receive_only: s.receive_only,
            pools,
            reserve,
            replaced_by: s.replaced_by.as_ref().map(id),
            balance: s.balance.as_ref().map(|balance| BalanceView {
                text: balance.text.clone(),
                at: balance.at.to_string(),
                amount: balance.amount.map(hundredths),
                low: balance.low_since.is_some(),
                low_since: balance.low_since.map(|at| at.to_string()),
            }),
            caps: home
                .and_then(|m| m.pace.as_ref())
                .map(|pace| KEYS.iter().map(|key| (key.name, key.of(pace.plan()))).collect()),
            caps_entered: s.caps.iter().cloned().collect(),
            budget: home.map_or_else(Vec::new, |m| m.budgets.iter().map(BudgetView::of).collect()),
            sent_24h: s.sent_lately,
            failed_24h: s.failed_lately,
            first_seen_at: s.created_at.to_string(),
            last_seen_at: s.seen_at.to_string(),
        }
    }
}

fn hundredths(amount: i64) -> String {
    let (sign, whole) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
    format!("{sign}{}.{:02}", whole / 100, whole % 100)
}

/// What a signal is good for: SMS still works well at -95 dBm and hardly below -105 dBm.
fn quality(dbm: i16) -> &'static str {
    match dbm {
        -84.. => "good",
        -100..=-85 => "fair",
        _ => "poor",
    }
}

/// The last four digits.
pub(super) fn mask(imei: &str) -> String {
    let shown = imei.len().saturating_sub(4);
    imei.chars()
        .enumerate()
        .map(|(i, c)| if i < shown { '*' } else { c })
        .collect()
}
