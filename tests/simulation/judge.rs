//! Safety and liveness of a world that came to its end, from the air's side: what the SMSC saw against what the store says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::time::Duration;

use wardwire::store::MessageRecord;
use wardwire_core::base::Instant;
use wardwire_core::gateway::snapshot::ModemState;
use wardwire_core::queue::error::ErrorCode;
use wardwire_core::queue::plan::Plan;
use wardwire_core::queue::state::{HoldReason, MessageStatus, OnUnknown};
use wardwire_core::simulator::{Air, AirEvent, Fault};

use super::world::{BEGIN, CLOSED, Plot, World, is_set_aside};

/// What was found; `faults` is empty when every promise held.
#[derive(Default)]
pub struct Verdict {
    pub faults: Vec<String>,
    pub messages: usize,
    pub delivered: usize,
    pub copies: usize,
    /// Taken by the network, and never on the air.
    pub dropped: usize,
    pub unknown: usize,
    pub failed: usize,
    /// Answers that the network still holds for a modem that does not hear.
    pub kept_by_network: usize,
    pub inbound: usize,
    pub injected: BTreeMap<&'static str, usize>,
    /// Unknown outcomes that were settled, by what.
    pub settled: BTreeMap<&'static str, usize>,
    pub steps: u64,
    pub resets: usize,
    /// Modems set aside some minutes after the faults stopped, by reason.
    pub set_aside: BTreeMap<String, usize>,
}

impl Verdict {
    pub fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.delivered += other.delivered;
        self.copies += other.copies;
        self.dropped += other.dropped;
        self.unknown += other.unknown;
        self.failed += other.failed;
        self.inbound += other.inbound;
        self.kept_by_network += other.kept_by_network;
        self.steps += other.steps;
        self.resets += other.resets;
        for (reason, count) in &other.set_aside {
            *self.set_aside.entry(reason.clone()).or_default() += count;
        }
        for (fault, count) in &other.injected {
            *self.injected.entry(fault).or_default() += count;
        }
        for (by, count) in &other.settled {
            *self.settled.entry(by).or_default() += count;
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} messages, {} delivered, {} possible copies, {} dropped, {} unknown, {} failed, {} inbound, {} waiting, {} resets, set aside {:?}, \
             {} steps, unknown outcomes settled by {:?}, faults {:?}",
            self.messages,
            self.delivered,
            self.copies,
            self.dropped,
            self.unknown,
            self.failed,
            self.inbound,
            self.kept_by_network,
            self.resets,
            self.set_aside,
            self.steps,
            self.settled,
            self.injected
        )
    }
}

/// A message whose outcome stayed unknown this often is given to a person.
const UNKNOWN_TRIES: u32 = 3;

/// Only a person and the operator end these.
const REFUSED_BY_NETWORK: [Fault; 3] = [Fault::Barred, Fault::NoCredit, Fault::Denied];

/// Part of a message as the air knows it: recipient and 1-based place.
type OnAir = (String, u8);

/// What the network did with the parts of messages.
#[derive(Default)]
struct Outbound {
    /// How often it took each.
    taken: BTreeMap<OnAir, usize>,
    /// It said yes to these and let them fall.
    dropped: BTreeSet<OnAir>,
    /// A report that says "delivered" reached the modem for one of their submissions.
    reached: BTreeSet<OnAir>,
}

impl Outbound {
    fn of(world: &World) -> Self {
        let mut outbound = Self::default();
        let mut submissions: BTreeMap<u64, OnAir> = BTreeMap::new();
        for event in &world.air {
            match &event.what {
                Air::Accepted(accepted) => {
                    let place = accepted.concat.map_or(1, |(_, _, place)| place);
                    let part = (accepted.recipient.clone(), place);
                    submissions.insert(accepted.submission, part.clone());
                    *outbound.taken.entry(part).or_default() += 1;
                }
                Air::Dropped { recipient, place, .. } => drop(outbound.dropped.insert((recipient.clone(), *place))),
                Air::Reported {
                    submission: Some(submission),
                    tp_st: 0x00,
                    ..
                } => outbound.reached.extend(submissions.get(submission).cloned()),
                Air::Reported { .. }
                | Air::Refused { .. }
                | Air::Sent { .. }
                | Air::ReportLost { .. }
                | Air::Stored { .. }
                | Air::Routed { .. }
                | Air::Deleted { .. }
                | Air::Fault(_) => {}
            }
        }
        outbound
    }
}

/// What handsets sent, by who sent it: that must be listed, and that may be.
fn answers(world: &World, plot: Plot) -> BTreeMap<String, (usize, usize)> {
    let well: Vec<bool> = world
        .modems()
        .iter()
        .map(|modem| modem.state == ModemState::Ready)
        .collect();
    let mut arrived: BTreeMap<u64, usize> = BTreeMap::new();
    for event in &world.air {
        if let Air::Stored { inbound, .. } | Air::Routed { inbound } = &event.what {
            *arrived.entry(*inbound).or_default() += 1;
        }
    }
    let mut heard: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for event in &world.air {
        if let Air::Sent {
            inbound, from, parts, ..
        } = &event.what
        {
            let (due, sent) = heard.entry(from.clone()).or_default();
            // What the network keeps for a modem that is deaf, or what lies in one that is out of order, is not lost yet.
            let came = arrived.get(inbound).is_some_and(|came| *came >= usize::from(*parts));
            *due += usize::from(!plot.lasting || came && well[event.modem]);
            *sent += 1;
        }
    }
    heard
}

pub fn judge(world: &World, plot: Plot) -> Verdict {
    let mut verdict = Verdict {
        steps: world.steps,
        resets: world.resets,
        settled: world.settled.clone(),
        ..Verdict::default()
    };
    for event in &world.air {
        if let Air::Fault(fault) = &event.what {
            *verdict.injected.entry(fault.as_str()).or_default() += 1;
        }
    }
    let outbound = Outbound::of(world);
    let messages = world.messages();
    verdict.messages = messages.len();
    for message in &messages {
        let found = verdict.faults.len();
        judge_message(message, &outbound, plot, &mut verdict);
        if verdict.faults.len() > found {
            verdict.faults.push(story(world, message));
        }
    }
    if plot.hours {
        judge_hours(world, &messages, &mut verdict);
    }
    for (recipient, id) in &world.accepted {
        if !messages.iter().any(|message| message.id == *id) {
            verdict
                .faults
                .push(format!("{id} to {recipient} is lost from the store"));
        }
    }
    for (recipient, _) in outbound.taken.keys() {
        if !world.accepted.contains_key(recipient) {
            verdict
                .faults
                .push(format!("the air saw a text to {recipient} that nobody asked for"));
        }
    }
    judge_inbound(world, &answers(world, plot), &mut verdict);
    judge_modems(world, &mut verdict);
    judge_plan(world, plot, &mut verdict);
    verdict
}

/// From the writing of an attempt to its arrival on the air at most: by the times of the air an hour may hold this much more.
const ON_ITS_WAY: Duration = Duration::from_secs(120);

/// Whatever modem it was in, no SIM put more on the air in an hour, a day or a billing month than its plan says, nor wrote to more
/// people in that.
fn judge_plan(world: &World, plot: Plot, verdict: &mut Verdict) {
    let mut sent: Vec<Vec<(Instant, &str)>> = vec![Vec::new(); plot.modems];
    for event in &world.air {
        let (card, recipient) = match &event.what {
            Air::Accepted(part) => (Some(&part.iccid), &part.recipient),
            Air::Dropped { recipient, .. } | Air::Refused { recipient, .. } => (None, recipient),
            Air::Reported { .. }
            | Air::Sent { .. }
            | Air::ReportLost { .. }
            | Air::Stored { .. }
            | Air::Routed { .. }
            | Air::Deleted { .. }
            | Air::Fault(_) => continue,
        };
        let at = event.at.monotonic;
        // What was on its way while its SIM was moved is still of that SIM.
        let sim = match card {
            Some(iccid) => world.cards.iter().position(|card| card == iccid),
            None => {
                let seated = world.seated.iter().rev().find(|(since, _)| *since <= at);
                seated.map(|(_, seated)| seated[event.modem])
            }
        };
        sent[sim.expect("a SIM of this bank")].push((at, recipient));
    }
    let (hour, day) = (Duration::from_secs(3_600), Duration::from_secs(86_400));
    for (sim, sent) in sent.iter().enumerate() {
        judge_month(sim, sent, plot, verdict);
        let times: Vec<Instant> = sent.iter().map(|(at, _)| *at).collect();
        let (hourly, first_day) = (plot.plan.per_hour as usize, plot.plan.per_day.min(20) as usize);
        let over = |run: &&[Instant]| run[hourly].since(run[0]) < hour - ON_ITS_WAY;
        if let Some(run) = times.windows(hourly + 1).find(over).filter(|_| hourly > 0) {
            let from = run[0].as_micros() / 1_000_000;
            verdict.faults.push(format!(
                "SIM {sim} sent more than {hourly} in the hour from second {from} on"
            ));
        }
        let began = times.iter().filter(|at| **at < Instant::ZERO + day).count();
        if first_day > 0 && began > first_day {
            verdict
                .faults
                .push(format!("SIM {sim} sent {began} on its first day, not {first_day}"));
        }
    }
}

/// No attempt at an appointment begins while they wait. The parts of a long one follow each other.
fn judge_hours(world: &World, messages: &[MessageRecord], verdict: &mut Verdict) {
    let [ends, begins] = [CLOSED.start, CLOSED.end].map(|minute| Instant::ZERO + Duration::from_secs(60 * minute));
    for event in &world.air {
        let Air::Accepted(accepted) = &event.what else { continue };
        let of_it = |message: &&MessageRecord| {
            let recipient = message.recipient.as_ref();
            recipient.is_some_and(|recipient| recipient.as_e164() == accepted.recipient)
        };
        let keeps = messages
            .iter()
            .find(of_it)
            .is_some_and(|message| message.category.is_some());
        let closed = (ends + UNDER_WAY..begins).contains(&event.at.monotonic);
        if keeps && closed && accepted.concat.is_none() {
            let fault = format!("an appointment went at {} to {}", event.at.utc, accepted.recipient);
            verdict.faults.push(fault);
        }
    }
}

/// What was begun before reaches the air within this.
const UNDER_WAY: Duration = Duration::from_secs(180);

/// The billing month that the world begins in, and the next one.
fn judge_month(sim: usize, sent: &[(Instant, &str)], plot: Plot, verdict: &mut Verdict) {
    let month = plot.plan.month(BEGIN);
    let ends = Instant::ZERO + month.end.begin().since(BEGIN);
    let (first, next): (Vec<_>, Vec<_>) = sent.iter().partition(|(at, _)| *at < ends);
    // What was begun in the old month may reach the air in the new one: one part.
    for (name, sent, spare) in [("month", first, 0), ("next month", next, 1)] {
        let people: BTreeSet<&str> = sent.iter().map(|(_, who)| *who).collect();
        let counts = [
            ("parts", sent.len(), plot.plan.per_month),
            ("people", people.len(), plot.plan.recipients_per_month),
        ];
        for (what, count, limit) in counts {
            if limit > 0 && count > limit as usize + spare {
                let fault = format!("SIM {sim} sent {count} {what} in the {name}, not {limit}");
                verdict.faults.push(fault);
            }
        }
    }
}

/// Some minutes after the faults stopped: ready, or set aside with a reason. And no PIN was given twice that was refused.
fn judge_modems(world: &World, verdict: &mut Verdict) {
    for (modem, snapshot) in world.healed.iter().enumerate() {
        let aside = match snapshot.state {
            ModemState::Ready => continue,
            // Its device left the bus for good: there is nothing to be brought back.
            ModemState::Absent => !world.is_present(modem),
            ModemState::Quarantined | ModemState::Failed => true,
            // The modem is well: the network will not have its SIM, or it rests after failures and is tried again.
            ModemState::Degraded => {
                let refused = world.stricken[modem]
                    .iter()
                    .any(|fault| REFUSED_BY_NETWORK.contains(fault));
                refused || is_set_aside(snapshot)
            }
            // Its ladder is climbed once more, in vain: the network bars its SIM for good.
            ModemState::Recovering => {
                snapshot.reason.contains("nothing it sends is taken")
                    && world.stricken[modem]
                        .iter()
                        .any(|fault| REFUSED_BY_NETWORK.contains(fault))
            }
            ModemState::Starting | ModemState::Drained | ModemState::Disabled => false,
        };
        let told = format!("{}: {}", snapshot.state.as_str(), snapshot.reason);
        if !aside || snapshot.reason.is_empty() {
            let label = &snapshot.label;
            verdict
                .faults
                .push(format!("{label} is neither ready nor set aside with a reason: {told}"));
        }
        *verdict.set_aside.entry(told).or_default() += 1;
    }
    for (modem, left) in world.tries_left().filter(|(_, left)| *left < 2) {
        verdict.faults.push(format!(
            "m{modem}: a refused PIN was given again, {left} tries are left"
        ));
    }
}

/// The parts of a message with their attempts, for whoever must find out.
fn story(world: &World, message: &MessageRecord) -> String {
    let parts = world
        .store
        .read()
        .parts(world.service, message.id)
        .ok()
        .flatten()
        .unwrap_or_default();
    let attempt = |a: &wardwire::store::AttemptRecord| {
        format!(
            "{} {:?} mr {:?} {:?} at {}",
            a.state.as_str(),
            a.sim,
            a.tp_mr,
            a.network_code,
            a.written_at
        )
    };
    let part = |p: &wardwire::store::PartRecord| {
        let attempts: Vec<String> = p.attempts.iter().map(attempt).collect();
        format!(
            "\n    part {} {}: {}",
            p.sequence,
            p.state.as_str(),
            attempts.join("; ")
        )
    };
    parts.iter().map(part).collect()
}

fn judge_message(message: &MessageRecord, outbound: &Outbound, plot: Plot, verdict: &mut Verdict) {
    let recipient = message
        .recipient
        .as_ref()
        .map(|number| number.as_e164().to_owned())
        .unwrap_or_default();
    let parts: Vec<OnAir> = (1..=message.part_count)
        .map(|place| (recipient.clone(), place))
        .collect();
    let times: Vec<usize> = parts
        .iter()
        .map(|part| outbound.taken.get(part).copied().unwrap_or_default())
        .collect();
    let id = message.id;
    let mut fault = |what: &str| {
        verdict.faults.push(format!(
            "{id} {recipient} {:?} on air {times:?}: {what}",
            message.status
        ));
    };
    if times.iter().any(|count| *count > 1) {
        if !message.possible_copy {
            fault("repeated, and does not say that it may be a copy");
        }
        if plot.on_unknown == OnUnknown::Hold {
            fault("repeated, although at most once was asked for");
        }
    }
    let taken = |part: &OnAir| outbound.taken.contains_key(part);
    let acknowledged = parts.iter().all(|part| taken(part) || outbound.dropped.contains(part));
    match message.status {
        MessageStatus::Delivered => {
            verdict.delivered += 1;
            if !parts.iter().all(|part| outbound.reached.contains(part)) {
                fault("delivered, but no report of the network says so of every part");
            }
        }
        MessageStatus::Sent
        | MessageStatus::Undelivered
        | MessageStatus::PartiallyDelivered
        | MessageStatus::Expired => {
            if !acknowledged {
                fault("sent, but the network never said yes to every part");
            }
        }
        MessageStatus::Unknown => {
            verdict.unknown += 1;
            // With another part refused for good the text cannot be whole: its unknown part is not sent again.
            let refused = message
                .error
                .is_some_and(|error| error.code != ErrorCode::OutcomeUnknown);
            if plot.on_unknown == OnUnknown::Retry && message.attempts < UNKNOWN_TRIES && !refused {
                fault("still unknown at the end, although it was to be sent again");
            }
        }
        MessageStatus::Failed | MessageStatus::PartiallySent => verdict.failed += 1,
        // Nobody may send for hours where every plan is used up: what had its moment meanwhile waits for a person.
        MessageStatus::Held if message.held == Some(HoldReason::Stale) && plot.plan != Plan::default() => {}
        MessageStatus::Queued
        | MessageStatus::Assigned
        | MessageStatus::Submitting
        | MessageStatus::Scheduled
        | MessageStatus::Held
        | MessageStatus::Blocked
        | MessageStatus::Canceled => fault("stuck: not at rest at the end"),
    }
    verdict.dropped += usize::from(acknowledged && !parts.iter().all(taken));
    verdict.copies += usize::from(times.iter().any(|count| *count > 1));
}

/// What became of the answers of a number.
fn story_of_answers(world: &World, number: &str) -> String {
    let of_number = |event: &&AirEvent| matches!(&event.what, Air::Sent { from, .. } if from == number);
    let mut told = String::new();
    for event in world.air.iter().filter(of_number) {
        let Air::Sent { inbound: sent, .. } = &event.what else {
            continue;
        };
        let of_it = |event: &&AirEvent| match &event.what {
            Air::Sent { inbound, .. } | Air::Stored { inbound, .. } | Air::Routed { inbound } => inbound == sent,
            Air::Deleted { inbound, .. } => *inbound == Some(*sent),
            _ => false,
        };
        for event in world.air.iter().filter(of_it) {
            let _ = write!(
                told,
                "\n    {} s m{} {:?}",
                event.at.monotonic.as_micros() / 1_000_000,
                event.modem,
                event.what
            );
        }
    }
    told
}

/// Every answer of a handset is listed exactly once, none invented.
fn judge_inbound(world: &World, heard: &BTreeMap<String, (usize, usize)>, verdict: &mut Verdict) {
    let mut listed: BTreeMap<String, usize> = BTreeMap::new();
    for row in world.inbound() {
        verdict.inbound += 1;
        let from = row.from.map(|from| from.reveal().to_owned()).unwrap_or_default();
        *listed.entry(from).or_default() += 1;
    }
    for (from, (due, sent)) in heard {
        let got = listed.get(from).copied().unwrap_or_default();
        verdict.kept_by_network += sent.saturating_sub(got);
        if !(*due..=*sent).contains(&got) {
            let told = format!("{from} answered {sent} times, {due} to be listed, listed {got} times");
            verdict.faults.push(told + &story_of_answers(world, from));
        }
    }
    for from in listed.keys().filter(|from| !heard.contains_key(*from)) {
        verdict
            .faults
            .push(format!("an inbound message of {from} that nobody sent"));
    }
}
