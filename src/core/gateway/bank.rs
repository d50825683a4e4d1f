//! The machine itself.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::groups::Groups;
use super::ledger::{Ledger, Purpose};
use super::slot::{BeginState, Job, Slot};
use super::snapshot::{PoolSnapshot, Snapshot};
use super::{Command, Event, SlotIndex, SlotSettings, Transmit, WakeReason, monotonic, translate};
use crate::base::{Instant, MessageId, ModemId, Now, Past, SimId, limits};
use crate::dispatch::{Pool, Preference, Rules, Window};
use crate::modem::{self, Identity, OrderResult, Place, SubmitResult, Tpdu};
use crate::queue::lane::Way;
use crate::queue::verbs::{Begun, Closed, Reply, Request};

/// Time-driven work of the store runs at least this often.
pub(super) const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Pause after the store could not write.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// Pools that were taken away and are remembered.
const ORPHANS: usize = 32;

/// Messages held of each lane for each modem, so that a free one never waits for the store.
const DEPTH_PER_MODEM: usize = 8;
const DEPTH_MIN: usize = 64;

/// The free SIMs that found nothing to do, and when.
#[derive(Debug)]
pub(super) struct Idle {
    pub(super) free: Vec<(SlotIndex, SimId)>,
    pub(super) revision: u64,
    pub(super) at: Instant,
}

/// The running bank.
#[derive(Debug)]
pub struct Gateway {
    pub(super) slots: Vec<Slot>,
    pub(super) groups: Groups,
    /// Seeds of the modems still to come.
    seeds: fastrand::Rng,
    pub(super) window: Window,
    pub(super) pools: Vec<Pool>,
    pub(super) preference: Preference,
    /// Ways of pools that are no more: the window may hold something of them yet, which is everybody's.
    orphans: Vec<Way>,
    /// Messages held of each lane.
    pub(super) depth: usize,
    pub(super) ledger: Ledger,
    pub(super) events: VecDeque<Event>,
    /// There may be due messages in the store, of ways that are served, that the window does not hold.
    pub(super) more_due: bool,
    pub(super) taking: bool,
    due_at: Option<Instant>,
    pub(super) sweep_at: Option<Instant>,
    pub(super) pace_at: Option<Instant>,
    pub(super) store_retry_at: Option<Instant>,
    /// SIMs whose texts are dropped silently, in whatever modem they are.
    pub(super) dropped: Vec<SimId>,
    /// While this stands, giving work out again would find none.
    pub(super) idle: Option<Idle>,
    pub(super) draining: bool,
    drained: bool,
    pub(super) changed: bool,
}

impl Gateway {
    /// A bank of these modems in one pool, all ports closed. `seed` drives what little is random.
    #[must_use]
    pub fn new(settings: Vec<SlotSettings>, seed: u64) -> Self {
        Self::with_rules(settings, Rules::default(), seed)
    }

    /// The same, shared by these rules.
    #[must_use]
    pub fn with_rules(settings: Vec<SlotSettings>, rules: Rules, seed: u64) -> Self {
        let mut seeds = fastrand::Rng::with_seed(seed);
        let slots: Vec<Slot> = settings.into_iter().map(|s| Slot::new(s, seeds.u64(..))).collect();
        Self {
            depth: depth(slots.len()),
            slots,
            groups: Groups::default(),
            seeds,
            window: Window::new(rules.bulk_share).with_zones(rules.preference.zones().clone()),
            pools: rules.pools,
            preference: rules.preference,
            orphans: Vec::new(),
            ledger: Ledger::default(),
            events: VecDeque::new(),
            more_due: true,
            taking: false,
            due_at: None,
            sweep_at: Some(Instant::ZERO),
            pace_at: None,
            store_retry_at: None,
            dropped: Vec::new(),
            idle: None,
            draining: false,
            drained: false,
            changed: false,
        }
    }

    /// Octets from a modem's port.
    pub fn handle_input(&mut self, now: Now, slot: SlotIndex, octets: &[u8]) {
        if let Some(place) = self.slots.get_mut(slot) {
            place.modem.handle_input(now, octets);
            self.follow_modem(now, slot);
        }
    }

    /// A fact or an order.
    pub fn handle_command(&mut self, now: Now, command: Command) {
        match command {
            Command::PortOpened(slot) => self.tell_modem(now, slot, modem::Command::PortOpened),
            Command::PortLost(slot) => self.tell_modem(now, slot, modem::Command::PortLost),
            Command::Reply { token, reply } => self.handle_reply(now, token, reply),
            Command::Order { slot, token, order } if slot < self.slots.len() => {
                self.tell_modem(now, slot, modem::Command::Order { token, order });
            }
            Command::Order { slot, token, .. } => {
                let result = OrderResult::NotNow(modem::Why::NoPort);
                self.events.push_back(Event::Ordered { slot, token, result });
            }
            Command::Placed { slot, hub, means } => self.placed(now, slot, hub, means),
            Command::SlotAdded(settings) => {
                if self.slots.len() < limits::MODEMS {
                    self.slots.push(Slot::new(*settings, self.seeds.u64(..)));
                    self.depth = depth(self.slots.len());
                    self.changed = true;
                }
            }
            Command::ReceiveOnly { sim, receive_only } => {
                if let Some(slot) = self.with_sim(sim) {
                    slot.receive_only = receive_only;
                    self.idle = None;
                    self.more_due = true;
                    self.changed = true;
                }
                self.assign(now);
            }
            Command::Replanned(sim) => {
                let holds = |place: &Slot| place.who.is_some_and(|who| who.1 == sim);
                if let Some(slot) = self.slots.iter().position(holds) {
                    self.recount(slot);
                }
            }
            Command::Shared(pools) => self.shared(now, pools),
            Command::WorkArrived => {
                self.more_due = true;
                self.refill();
            }
            Command::Drain => {
                self.draining = true;
                for id in self.window.clear() {
                    self.ledger.ask(Purpose::Release, Request::Release(id));
                }
                self.changed = true;
                self.check_drained();
            }
        }
    }

    fn shared(&mut self, now: Now, pools: Vec<Pool>) {
        let ways: Vec<Way> = pools.iter().map(Pool::way).collect();
        let before = self.pools.iter().map(Pool::way);
        self.orphans.extend(before.filter(|way| !ways.contains(way)));
        self.orphans.retain(|way| !ways.contains(way));
        let excess = self.orphans.len().saturating_sub(ORPHANS);
        self.orphans.drain(..excess);
        self.pools = pools;
        for slot in &mut self.slots {
            slot.share(&self.pools, &self.orphans);
        }
        self.idle = None;
        self.more_due = true;
        self.changed = true;
        self.assign(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        for slot in 0..self.slots.len() {
            let Some(place) = self.slots.get_mut(slot) else {
                continue;
            };
            if place.modem.due().is_some_and(|at| at <= now.monotonic) {
                place.modem.handle_timeout(now);
                self.follow_modem(now, slot);
            }
        }
        let due = |at: &mut Option<Instant>| at.take_if(|at| *at <= now.monotonic).is_some();
        if due(&mut self.store_retry_at) {
            self.ledger.retry();
            self.refill();
        }
        if due(&mut self.sweep_at) {
            self.ledger.ask(Purpose::Sweep, Request::Sweep);
        }
        if due(&mut self.due_at) {
            self.more_due = true;
            self.refill();
        }
        if due(&mut self.pace_at) {
            self.idle = None;
            self.assign(now);
        }
        if self.groups.next_at().is_some_and(|at| at <= now.monotonic) {
            self.look_at_groups(now);
        }
    }

    /// Octets for a port. Call until `None`.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.slots.iter_mut().enumerate().find_map(|(slot, place)| {
            let octets = place.modem.poll_transmit()?;
            Some(Transmit { slot, octets })
        })
    }

    /// Requests and news. Call until `None`; requests handed out in one go belong into one transaction.
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some((token, request)) = self.ledger.poll() {
            return Some(Event::Request { token, request });
        }
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        core::mem::take(&mut self.changed).then_some(Event::Changed)
    }

    /// When to call [`Gateway::handle_timeout`] next, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, WakeReason)> {
        let modems = self.slots.iter().enumerate().filter_map(|(slot, place)| {
            let at = place.modem.due()?;
            Some((at, WakeReason::Modem(slot)))
        });
        let own = [
            self.pace_at.map(|at| (at, WakeReason::Pace)),
            self.due_at.map(|at| (at, WakeReason::Due)),
            self.sweep_at.map(|at| (at, WakeReason::Sweep)),
            self.groups.next_at().map(|at| (at, WakeReason::Group)),
            self.store_retry_at.map(|at| (at, WakeReason::StoreRetry)),
        ];
        modems.chain(own.into_iter().flatten()).min()
    }

    /// How the bank looks now.
    #[must_use]
    pub fn snapshot(&self, now: Now) -> Snapshot {
        Snapshot {
            modems: self.slots.iter().map(|slot| slot.snapshot(now)).collect(),
            pools: self.pools.iter().map(|pool| self.look_at_pool(pool)).collect(),
            window: self.window.len(),
            draining: self.draining,
        }
    }

    fn look_at_pool(&self, pool: &Pool) -> PoolSnapshot {
        let of = |wanted: &dyn Fn(&Slot) -> bool| {
            let slots = self.slots.iter().enumerate().filter(|(_, slot)| wanted(slot));
            slots.map(|(place, _)| place).collect()
        };
        PoolSnapshot {
            name: pool.name.clone(),
            modems: of(&|slot| slot.is_in(pool)),
            ready: of(&|slot| slot.serves() && slot.is_in(pool)),
            reserves: of(&|slot| self.pools.iter().any(|of| slot.is_reserve_of(of)) && slot.is_in(pool)),
        }
    }

    pub(super) fn tell_modem(&mut self, now: Now, slot: SlotIndex, command: modem::Command) {
        if let Some(place) = self.slots.get_mut(slot) {
            place.modem.handle_command(now, command);
            self.follow_modem(now, slot);
        }
    }

    /// Takes in what a modem has to tell, and gives free SIMs work.
    fn follow_modem(&mut self, now: Now, slot: SlotIndex) {
        self.take_modem_events(now, slot);
        if let Some(keep) = self.slots.get_mut(slot).and_then(Slot::past_to_keep) {
            self.ledger.ask(Purpose::KeepPast, Request::KeepPast(keep));
        }
        self.assign(now);
    }

    /// Bounded: each event of a modem stems from bytes or a command given to it.
    fn take_modem_events(&mut self, now: Now, slot: SlotIndex) {
        while let Some(event) = self.slots.get_mut(slot).and_then(|place| place.modem.poll_event()) {
            match event {
                modem::Event::Identified(identity) => self.identified(slot, identity),
                modem::Event::Ready => {
                    self.readiness_changed(now, slot, None);
                    self.events.push_back(Event::Ready(slot));
                }
                modem::Event::NotReady(why) => {
                    self.readiness_changed(now, slot, Some(why));
                    self.events.push_back(Event::NotReady(slot, String::from(why.as_str())));
                }
                modem::Event::Submitted(result) => self.submitted(now, slot, result),
                modem::Event::LateResult { tp_mr } => self.late_result(slot, tp_mr),
                modem::Event::Received { tpdu, place } => self.received(now, slot, tpdu, place),
                modem::Event::Port(action) => self.events.push_back(Event::Port(slot, action)),
                modem::Event::Ordered { token, result } => {
                    self.events.push_back(Event::Ordered { slot, token, result });
                }
                modem::Event::GivesPin(of) => self.gives_pin(slot, of),
                modem::Event::PinEnded(of, end) => self.pin_ended(slot, &of, end),
                modem::Event::Restarted => {
                    if let Some(place) = self.slots.get_mut(slot) {
                        place.restarts = place.restarts.saturating_add(1);
                    }
                }
                modem::Event::Recovering(level) => self.recovering(slot, level),
                modem::Event::HealthChanged => {}
            }
            self.changed = true;
        }
    }

    fn identified(&mut self, slot: SlotIndex, identity: Identity) {
        let Some(place) = self.slots.get_mut(slot) else { return };
        if place.identity.as_ref() != Some(&identity) || place.who.is_none() {
            place.who = None;
            place.member.operator = identity
                .imsi
                .as_deref()
                .and_then(|imsi| imsi.get(..5))
                .map(String::from);
            let introduce = place.introduction(&identity);
            self.ledger
                .ask(Purpose::Introduce(slot), Request::Introduce(Box::new(introduce)));
            place.identity = Some(identity);
        }
    }

    /// A SIM is in one modem. The one it was in before forgets it: should it come back there, then what it sent elsewhere is
    /// to be counted first.
    fn moved_here(&mut self, slot: SlotIndex, sim: SimId) {
        for (other, place) in self.slots.iter_mut().enumerate() {
            if other != slot && place.who.is_some_and(|who| who.1 == sim) {
                place.who = None;
                place.moved = true;
            }
        }
    }

    fn received(&mut self, now: Now, slot: SlotIndex, tpdu: Tpdu, place: Place) {
        self.heard(now, slot);
        let Some(owner) = self.slots.get_mut(slot) else { return };
        owner.count_received(now);
        let Some(who) = owner.who else {
            if !owner.hold_early(tpdu, place) {
                owner.modem.handle_command(now, modem::Command::Keep(place));
            }
            return;
        };
        self.store_received(slot, who, &tpdu, place);
    }

    fn store_received(&mut self, slot: SlotIndex, who: (ModemId, SimId), tpdu: &Tpdu, place: Place) {
        // A routed TPDU has no place of its own, so two of them are never the same one.
        if place == Place::Routed || !self.ledger.storing(slot, &place) {
            self.ledger
                .ask(Purpose::Store(slot, place), translate::received(who, tpdu));
        }
    }

    fn submitted(&mut self, now: Now, slot: SlotIndex, result: SubmitResult) {
        if let Some(job) = self.slots.get_mut(slot).and_then(|place| place.job.as_mut()) {
            job.result = Some(result);
            self.settle(now, slot);
        }
    }

    /// A result that came after its attempt was given up as unknown: closing it again settles it.
    fn late_result(&mut self, slot: SlotIndex, tp_mr: u8) {
        let Some(attempt) = self.slots.get_mut(slot).and_then(|place| place.unknown.take()) else {
            return;
        };
        let result = SubmitResult::Accepted {
            tp_mr: Some(tp_mr),
            ack: None,
        };
        let close = Request::Close {
            attempt,
            result: translate::attempt_result(&result),
        };
        self.ledger.ask(Purpose::Late, close);
    }

    /// Ends the job of a slot once the modem has a result and the store has answered its begin.
    fn settle(&mut self, now: Now, slot: SlotIndex) {
        let Some(place) = self.slots.get_mut(slot) else { return };
        let complete = |job: &Job| job.result.is_some() && job.begin != BeginState::Asked;
        let Some(job) = place.job.take_if(|job| complete(job)) else {
            return;
        };
        let Some(result) = job.result else { return };
        if job.counted && !matches!(job.begin, BeginState::Written(..)) {
            place.pace.refund();
        }
        match job.begin {
            BeginState::Written(attempt, met) => {
                let ahead = matches!(result, SubmitResult::Accepted { .. });
                if ahead {
                    place.learn_airtime(now.monotonic.since(job.since));
                }
                if matches!(result, SubmitResult::NotSent(_)) && job.counted {
                    place.pace.refund();
                    place.pace.unmet(met);
                }
                place.unknown = matches!(result, SubmitResult::NoAnswer(_)).then_some(attempt);
                let rest = self.judge_result(now, slot, &result, job.report);
                self.wake_for_pace(rest);
                let close = Request::Close {
                    attempt,
                    result: translate::attempt_result(&result),
                };
                self.ledger.ask(
                    Purpose::Close {
                        message: job.message,
                        ahead,
                    },
                    close,
                );
                if ahead {
                    self.window.done(job.message);
                    self.refill();
                }
            }
            BeginState::NotNow => self.window.put_back(job.message, job.part),
            BeginState::Withdrawn | BeginState::Asked => {}
        }
        self.changed = true;
        self.check_drained();
    }

    fn handle_reply(&mut self, now: Now, token: u64, reply: Reply) {
        if matches!(reply, Reply::Unavailable) {
            self.handle_unavailable(now, token);
            return;
        }
        let Some(purpose) = self.ledger.answered(token) else {
            return;
        };
        match (purpose, reply) {
            (Purpose::Introduce(slot), Reply::Introduced(who)) => {
                self.moved_here(slot, who.sim);
                let Some(place) = self.slots.get_mut(slot) else { return };
                let ids = (who.modem, who.sim);
                // What happens in this life is newer than what was kept.
                let past = place
                    .has_no_past()
                    .then(|| who.past.clone())
                    .filter(|past| *past != Past::default());
                place.dropped = self.dropped.contains(&who.sim);
                place.introduced(*who, &self.preference);
                place.share(&self.pools, &self.orphans);
                self.idle = None;
                for (tpdu, from) in core::mem::take(&mut place.early) {
                    self.store_received(slot, ids, &tpdu, from);
                }
                if let Some(past) = past {
                    self.tell_modem(now, slot, modem::Command::Recall(past));
                }
                self.changed = true;
                self.more_due = true;
                self.refill();
            }
            (
                Purpose::TakeDue,
                Reply::Due {
                    messages,
                    more,
                    next_due,
                },
            ) => {
                self.taking = false;
                self.due_at = next_due.map(|at| monotonic(now, at));
                for message in messages {
                    if self.draining {
                        self.ledger.ask(Purpose::Release, Request::Release(message.id));
                    } else {
                        self.window.insert(now.monotonic, message);
                    }
                }
                self.window.set_more(&more);
            }
            (Purpose::Begin(slot), Reply::Begun(begun)) => self.begun(now, slot, begun),
            (Purpose::Close { message, ahead }, Reply::Closed(closed)) => self.closed(message, ahead, closed),
            (Purpose::Store(slot, place), Reply::Stored) => {
                self.tell_modem(now, slot, modem::Command::Stored(place));
            }
            (Purpose::TryPin(slot, of), Reply::PinTried(tried)) => {
                self.answer_pin(now, slot, of, translate::pin_answer(tried));
            }
            (Purpose::Sweep, swept @ Reply::Swept { .. }) => self.swept(now, swept),
            // A reply that does not fit its request would be an error of the store; nothing is built on it.
            _ => {}
        }
        self.assign(now);
        self.check_drained();
    }

    /// The store could not write. What must not be lost is asked again; an attempt that could not be written does not begin.
    fn handle_unavailable(&mut self, now: Now, token: u64) {
        self.store_retry_at.get_or_insert(now.monotonic + STORE_PAUSE);
        match self.ledger.purpose(token) {
            Some(Purpose::Begin(slot)) => {
                self.ledger.answered(token);
                self.refuse_begin(now, slot, BeginState::NotNow);
            }
            Some(Purpose::TryPin(slot, of)) => {
                self.ledger.answered(token);
                self.answer_pin(now, slot, of, modem::PinAnswer::NotNow);
            }
            Some(_) => self.ledger.keep(token),
            None => {}
        }
    }

    fn begun(&mut self, now: Now, slot: SlotIndex, begun: Begun) {
        match begun {
            Begun::Written { attempt, met } => {
                let Some(place) = self.slots.get_mut(slot) else { return };
                let Some(job) = place.job.as_mut() else { return };
                job.begin = BeginState::Written(attempt, met);
                place.pace.met(met);
                let counts = place.pace.plan().recipients_per_month > 0;
                let recipient = self
                    .window
                    .message(job.message)
                    .map(|message| message.recipient.clone());
                if let (Some(recipient), Some((_, sim))) = (recipient.filter(|_| counts), place.who) {
                    self.window.met(&recipient, sim, met.day);
                }
                if job.result.is_none() {
                    self.tell_modem(now, slot, modem::Command::Commit);
                } else {
                    self.settle(now, slot);
                }
            }
            Begun::NoRoom => {
                self.refuse_begin(now, slot, BeginState::NotNow);
                self.recount(slot);
            }
            Begun::Withdrawn => {
                if let Some(job) = self.slots.get(slot).and_then(|place| place.job.as_ref()) {
                    self.window.forget(job.message);
                }
                self.refuse_begin(now, slot, BeginState::Withdrawn);
            }
        }
    }

    /// Asks the store anew for plan and budget of the SIM in a slot, which begins nothing until the answer.
    fn recount(&mut self, slot: SlotIndex) {
        let Some(place) = self.slots.get_mut(slot) else { return };
        if let Some(identity) = place.identity.as_ref().filter(|_| place.who.is_some()) {
            let introduce = place.introduction(identity);
            place.recount = true;
            self.ledger
                .ask(Purpose::Introduce(slot), Request::Introduce(Box::new(introduce)));
        }
    }

    fn refuse_begin(&mut self, now: Now, slot: SlotIndex, begin: BeginState) {
        let Some(job) = self.slots.get_mut(slot).and_then(|place| place.job.as_mut()) else {
            return;
        };
        job.begin = begin;
        if job.result.is_none() {
            self.tell_modem(now, slot, modem::Command::Withdraw);
        } else {
            self.settle(now, slot);
        }
    }

    fn closed(&mut self, message: MessageId, ahead: bool, closed: Closed) {
        match closed {
            // After an acceptance the window went on already. Had it no part left, then one waits again that was not
            // given out with the others (its unknown outcome was given up meanwhile): the store must give it out.
            Closed::GoOn if ahead => {
                if self.window.message(message).is_none() {
                    self.ledger.ask(Purpose::Release, Request::Release(message));
                }
            }
            Closed::GoOn => self.window.done(message),
            Closed::Forget => self.window.forget(message),
        }
        // What was taken by the network leaves nothing to be given out; any other end may bring a new moment.
        self.more_due |= !ahead;
    }

    fn check_drained(&mut self) {
        let idle = self.slots.iter().all(|slot| slot.job.is_none()) && !self.ledger.results_open();
        if self.draining && !self.drained && idle {
            self.drained = true;
            self.events.push_back(Event::Drained);
        }
    }
}

/// For the log: what a slot is called.
impl Gateway {
    /// The slot with this label.
    #[must_use]
    pub fn slot(&self, label: &str) -> Option<SlotIndex> {
        self.slots.iter().position(|place| place.label == label)
    }

    /// Label of a slot; empty for an index that is none.
    #[must_use]
    pub fn label(&self, slot: SlotIndex) -> String {
        self.slots
            .get(slot)
            .map(|place| place.label.clone())
            .unwrap_or_default()
    }
}

/// Messages held of each lane for so many modems.
fn depth(modems: usize) -> usize {
    (modems * DEPTH_PER_MODEM).max(DEPTH_MIN)
}
