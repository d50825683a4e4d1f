//! One place of the bank: a modem, the SIM in it, its pace, and the part it works on.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::groups::Member;
use super::line::Line;
use super::snapshot::{ModemSnapshot, ModemState, SignalPeriod};
use super::{SlotSettings, translate};
use crate::base::{AttemptId, Ban, Instant, MessageId, ModemId, Now, SimId, UtcTime};
use crate::dispatch::prefer::{Card, Ranks};
use crate::dispatch::taker::{Known, Leaning};
use crate::dispatch::{Pace, Pool, Preference, Score, Taker};
use crate::modem::{self, Identity, Modem, Place, SubmitResult, Tpdu};
use crate::queue::lane::Way;
use crate::queue::plan::{Met, Plan};
use crate::queue::state::Priority;
use crate::queue::verbs::{DueMessage, DuePart, Introduce, Introduced, KeepPast};

/// Received TPDUs that may wait for the modem to be introduced: as many as the largest storage holds.
const EARLY_MAX: usize = 256;

/// What a part takes, until some were sent.
const AIRTIME: Duration = Duration::from_secs(4);

/// A SIM is in one modem: either it was moved while nobody looked, or two ports lead to one modem.
const MOVED: &str = "another modem tells the same SIM";

/// Said of a modem whose SIM is suspected.
const DROPPED: &str =
    "its texts are accepted, but not half as many delivery reports as usual come: its operator may be dropping them";

/// At this score and above it is as good as any.
const WELL: u8 = 60;

/// Which of several free SIMs goes first: a well one, the one with most of its budget left, the least loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Merit {
    pub(super) ill: bool,
    used: u8,
    recent: usize,
}

/// The part a slot works on, until the modem has a result and the store has answered.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) message: MessageId,
    pub(super) part: DuePart,
    pub(super) begin: BeginState,
    pub(super) result: Option<SubmitResult>,
    /// When it was begun.
    pub(super) since: Instant,
    /// A delivery report was asked for.
    pub(super) report: bool,
    /// It is in the pace of its slot, its last attempt.
    pub(super) counted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BeginState {
    /// The store has not answered.
    Asked,
    /// The attempt is on disk, its recipient counted.
    Written(AttemptId, Met),
    /// The store said no; the message is out of the window.
    Withdrawn,
    /// The store could not write, or counted one recipient too many; the part goes back into the window.
    NotNow,
}

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) label: String,
    pub(super) modem: Line,
    /// The plan of a SIM that has none of its own.
    plan: Plan,
    pub(super) identity: Option<Identity>,
    /// Ids of modem and SIM, once the store knows them.
    pub(super) who: Option<(ModemId, SimId)>,
    /// Another modem told of its SIM since, so that it has none until it tells again.
    pub(super) moved: bool,
    pub(super) pace: Pace,
    /// The store is asked anew for plan and budget of its SIM; nothing is begun until it answers.
    pub(super) recount: bool,
    /// A person keeps this SIM for what comes in.
    pub(super) receive_only: bool,
    /// The ways it serves, once its SIM is known.
    pub(super) ways: Vec<Way>,
    /// Its SIM is kept for emergencies.
    pub(super) reserve: bool,
    /// What the rules of the site say of its SIM.
    pub(super) ranks: Ranks,
    /// The modem says that it can send.
    pub(super) ready: bool,
    pub(super) job: Option<Job>,
    last_tp_mr: Option<u8>,
    /// The last attempt, while its outcome is unknown: a late result settles it.
    pub(super) unknown: Option<AttemptId>,
    pub(super) score: Score,
    pub(super) member: Member,
    /// Others have its trouble too.
    pub(super) shared: Option<modem::Shared>,
    pub(super) early: VecDeque<(Tpdu, Place)>,
    /// From the begin of a part to its acceptance, of late.
    airtime: Duration,
    /// What its SIM sends is dropped silently, as it seems.
    pub(super) dropped: bool,
    sent: u64,
    failed: u64,
    received: u64,
    last_sent_at: Option<UtcTime>,
    last_received_at: Option<UtcTime>,
    pub(super) restarts: u32,
    /// What the store was last told of its past: the ban, and how often what recovery learned had changed.
    kept: (Option<Ban>, u32),
}

impl Slot {
    pub(super) fn new(settings: SlotSettings, seed: u64) -> Self {
        Self {
            kept: (settings.modem.past.ban, 0),
            label: settings.label,
            modem: Line::new(Modem::new(settings.profiles, settings.modem, seed)),
            plan: settings.plan,
            identity: None,
            who: None,
            moved: false,
            pace: Pace::new(settings.plan, None, &[], &[]),
            recount: false,
            receive_only: false,
            ways: Vec::new(),
            reserve: false,
            ranks: Ranks::default(),
            ready: false,
            job: None,
            last_tp_mr: None,
            unknown: None,
            score: Score::default(),
            member: Member::default(),
            shared: None,
            early: VecDeque::new(),
            airtime: AIRTIME,
            dropped: false,
            sent: 0,
            failed: 0,
            received: 0,
            last_sent_at: None,
            last_received_at: None,
            restarts: 0,
        }
    }

    pub(super) fn introduction(&self, identity: &Identity) -> Introduce {
        Introduce {
            label: self.label.clone(),
            imei: identity.imei.clone(),
            iccid: identity.iccid.clone(),
            imsi: identity.imsi.clone(),
            number: identity.number.clone(),
            manufacturer: identity.manufacturer.clone(),
            model: identity.model.clone(),
            firmware: identity.firmware.clone(),
            plan: self.plan,
        }
    }

    pub(super) fn introduced(&mut self, who: Introduced, preference: &Preference) {
        // An attempt that was refused while the store counted is not among those it tells; one of another SIM neither.
        let same = self.who == Some((who.modem, who.sim));
        if let Some(job) = &mut self.job {
            job.counted = same && matches!(job.begin, BeginState::Written(..));
        }
        self.ranks = preference.ranks(Card {
            iccid: self.iccid(),
            imsi: self.identity.as_ref().and_then(|identity| identity.imsi.as_deref()),
        });
        self.who = Some((who.modem, who.sim));
        self.moved = false;
        self.recount = false;
        self.pace = Pace::new(who.plan, who.first_used_at, &who.sends, &who.days);
        self.last_tp_mr = who.last_tp_mr;
        self.receive_only = who.receive_only;
    }

    /// These are the pools, and ways that all serve: which ways its SIM serves, and whether it is kept for emergencies. What
    /// it works on it ends.
    pub(super) fn share(&mut self, pools: &[Pool], orphans: &[Way]) {
        let Some((_, sim)) = self.who else { return };
        let mut ways: Vec<Way> = pools.iter().filter(|pool| self.is_in(pool)).map(Pool::way).collect();
        ways.extend(orphans);
        ways.push(Way::Sim(sim));
        self.ways = ways;
        self.reserve = pools.iter().any(|pool| self.is_reserve_of(pool));
    }

    /// What of its modem must be kept; none while that has not changed.
    pub(super) fn past_to_keep(&mut self) -> Option<KeepPast> {
        let state = (self.modem.ban(), self.modem.ladder().changes());
        (core::mem::replace(&mut self.kept, state) != state).then(|| KeepPast {
            label: self.label.clone(),
            imei: self.modem.identity().imei.clone(),
            past: self.modem.past(),
        })
    }

    /// Nothing has happened to the modem here that would have to be kept.
    pub(super) const fn has_no_past(&self) -> bool {
        matches!(self.kept, (None, 0))
    }

    /// The SIM that could take a part now, its pace apart.
    pub(super) fn free_sim(&self, now: Instant) -> Option<SimId> {
        let rested = self.score.rests_until(now).is_none();
        (self.serves() && self.job.is_none() && rested && !self.recount).then_some(self.who?.1)
    }

    /// Ready, introduced and there for sending, busy or not.
    pub(super) fn serves(&self) -> bool {
        self.ready && self.who.is_some() && !self.receive_only
    }

    /// Whether it is in this pool, as far as is known of it.
    pub(super) fn is_in(&self, pool: &Pool) -> bool {
        pool.holds(&self.label, self.iccid())
    }

    /// Whether it is the one of this pool that is kept for emergencies.
    pub(super) fn is_reserve_of(&self, pool: &Pool) -> bool {
        pool.keeps(&self.label, self.iccid())
    }

    fn iccid(&self) -> Option<&str> {
        self.identity.as_ref()?.iccid.as_deref()
    }

    /// How its SIM asks for work, none beside it.
    pub(super) fn taker(&self, now: Now, sim: SimId, others: bool) -> Taker<'_> {
        Taker {
            sim,
            ways: &self.ways,
            reserve: self.reserve,
            others,
            free: &[],
            rests: self.rests(now),
            known: self.known(now),
            leaning: Leaning::default(),
        }
    }

    /// Whether a part of this priority may go now.
    pub(super) fn may_send(&self, now: Now, priority: Priority) -> bool {
        self.paced_until(now, priority) <= now.utc
    }

    /// When a part of this priority may go, by pace, and by what its modem owes to what comes in: an emergency waits for
    /// that no more than for another text.
    pub(super) fn paced_until(&self, now: Now, priority: Priority) -> UtcTime {
        let paced = self.pace.ready_at(now.utc, priority);
        let air = self
            .modem
            .airs_until(now.monotonic)
            .filter(|_| priority != Priority::Emergency);
        air.map_or(paced, |at| paced.max(now.utc + at.since(now.monotonic)))
    }

    /// When a message of this priority may begin.
    pub(super) fn begins_at(&self, now: Now, priority: Priority) -> UtcTime {
        self.paced_until(now, priority)
            .max(self.pace.message_at(now.utc, priority))
    }

    /// Whether this message's recipient is not one too many for its SIM.
    pub(super) fn takes(&self, now: Now, message: &DueMessage) -> bool {
        let own = self
            .who
            .and_then(|(_, sim)| message.counted.iter().find(|(known, _)| *known == sim));
        self.pace
            .takes(now.utc, message.lane.priority, own.map(|(_, day)| *day))
    }

    /// Whether this message's recipient would be one more of the people its SIM writes to this month.
    pub(super) fn is_stranger(&self, now: Now, message: &DueMessage) -> bool {
        let circle = self.pace.circle(now.utc, message.lane.priority);
        let own = self
            .who
            .and_then(|(_, sim)| message.counted.iter().find(|(known, _)| *known == sim));
        circle.is_some_and(|circle| own.is_none_or(|(_, day)| *day < circle.from))
    }

    /// Whether the gap after its last part is not over: nothing but an emergency is begun.
    pub(super) fn rests(&self, now: Now) -> bool {
        self.pace.message_at(now.utc, Priority::Normal) > self.pace.ready_at(now.utc, Priority::Normal)
    }

    /// The people its SIM may still write to; `None` when one more is not one too many.
    pub(super) fn known(&self, now: Now) -> Option<Known> {
        let full = |priority| !self.pace.takes(now.utc, priority, None);
        let circle = self.pace.circle(now.utc, Priority::Normal)?;
        full(Priority::Normal).then(|| Known {
            since: circle.from,
            emergencies: full(Priority::Emergency),
        })
    }

    /// The TP-MR this SIM will probably use next (23.040 clause 9.2.3.6: last used plus one).
    pub(super) fn expected_tp_mr(&self) -> Option<u8> {
        self.last_tp_mr.map(|last| last.wrapping_add(1))
    }

    /// Holds a received TPDU until the modem is introduced; false when there is no room.
    pub(super) fn hold_early(&mut self, tpdu: Tpdu, place: Place) -> bool {
        let room = self.early.len() < EARLY_MAX;
        if room {
            self.early.push_back((tpdu, place));
        }
        room
    }

    pub(super) fn count_received(&mut self, now: Now) {
        self.received += 1;
        self.last_received_at = Some(now.utc);
    }

    /// Learns how long an accepted part took.
    pub(super) fn learn_airtime(&mut self, took: Duration) {
        self.airtime = (self.airtime * 7 + took) / 8;
    }

    /// Counts a result.
    pub(super) fn count_result(&mut self, now: Now, result: &SubmitResult) {
        if let SubmitResult::Accepted { tp_mr, .. } = result {
            self.sent += 1;
            self.last_sent_at = Some(now.utc);
            self.last_tp_mr = tp_mr.or(self.last_tp_mr);
        } else {
            self.failed += 1;
        }
    }

    /// Where it stands and why, for people: a modem that says that it is ready may be taken out all the same.
    fn standing(&self, now: Now) -> (ModemState, String) {
        let state = self.modem.state();
        let dbm = self.modem.health().signal_dbm;
        if state != modem::State::Ready {
            return (translate::state(state), String::from(state.reason()));
        }
        if self.moved {
            return (ModemState::Degraded, String::from(MOVED));
        }
        if self.score.is_mute(dbm) {
            return (ModemState::Degraded, String::from(modem::Why::Mute.as_str()));
        }
        if self.score.is_out() {
            let row = self.score.row();
            let reason = format!("taken out after failures ({row} in a row); tried again with one message at a time");
            return (ModemState::Degraded, reason);
        }
        let reason = if self.score.is_deaf(now.monotonic) {
            modem::Why::Deaf.as_str()
        } else if self.dropped {
            DROPPED
        } else {
            ""
        };
        (ModemState::Ready, String::from(reason))
    }

    /// How it compares with other free ones, the best first.
    pub(super) fn merit(&self, now: Now) -> Merit {
        let ill = self.dropped || self.score.points(self.modem.health().signal_dbm) < WELL;
        Merit {
            ill,
            used: self.pace.used_tenths(now.utc),
            recent: self.pace.recent(now.utc),
        }
    }

    /// What is being done to bring it back, for people.
    fn step(&self) -> &'static str {
        let step = self.modem.recovery().map_or("", modem::Level::as_str);
        match self.shared {
            Some(modem::Shared::Hub) => "waiting: several modems of its hub fail together",
            Some(modem::Shared::Operator) if step.is_empty() => {
                "waiting: its operator's network is away for others too"
            }
            Some(modem::Shared::Operator) | None => step,
        }
    }

    pub(super) fn snapshot(&self, now: Now) -> ModemSnapshot {
        let (state, reason) = self.standing(now);
        let health = self.modem.health();
        let until = self.modem.next_step_at().or(self.score.rests_until(now.monotonic));
        let period = |period: &modem::history::Period| SignalPeriod {
            from: period.from,
            weakest_dbm: period.weakest_dbm,
            mean_dbm: period.mean_dbm(),
        };
        let identity = self.identity.as_ref();
        let paced = self.begins_at(now, Priority::Normal);
        ModemSnapshot {
            label: self.label.clone(),
            port: None,
            modem: self.who.map(|who| who.0),
            sim: self.who.map(|who| who.1),
            imei: identity.and_then(|i| i.imei.clone()),
            number: identity
                .and_then(|i| i.number.as_ref())
                .map(|n| String::from(n.as_e164())),
            manufacturer: identity.map(|i| i.manufacturer.clone()).unwrap_or_default(),
            model: identity.map(|i| i.model.clone()).unwrap_or_default(),
            firmware: identity.map(|i| i.firmware.clone()).unwrap_or_default(),
            profile: self.modem.profile().name.clone(),
            state,
            reason,
            signal_dbm: health.signal_dbm,
            registration: health.registration.as_str(),
            operator: String::from(health.operator.as_str()),
            access: health.access.as_str(),
            service_centre: self
                .modem
                .identity()
                .service_centre
                .as_ref()
                .map(|n| String::from(n.as_e164())),
            receive_only: self.receive_only,
            dropped: self.dropped,
            busy: self.job.is_some(),
            paced_until: (paced > now.utc).then_some(paced),
            pace: self.who.map(|_| self.pace.clone()),
            sends: self.serves(),
            airtime: self.airtime,
            budgets: if self.who.is_some() {
                self.pace.budgets(now.utc)
            } else {
                Vec::new()
            },
            sent: self.sent,
            failed: self.failed,
            received: self.received,
            last_sent_at: self.last_sent_at,
            last_received_at: self.last_received_at,
            restarts: self.restarts,
            score: self.score.points(health.signal_dbm),
            signal_history: self.modem.history().iter().map(period).collect(),
            step: self.step(),
            next_step_at: until.map(|at| now.utc + at.since(now.monotonic)),
            resets_today: self.modem.ladder().resets_on(now.utc),
        }
    }
}
