//! Orders of people: each waits for its moment, is carried out, and ends in exactly one result.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Job, Modem, Phase};
use crate::at::request::Text;
use crate::at::{FinalResult, Outcome, Request, parse};
use crate::base::{Ban, Instant, Now, Past};
use crate::modem::allow;
use crate::modem::errand::{Business, Dialogue, Errand, STATUS, WAITING};
use crate::modem::forbidden::{ForbiddenTask, Progress, Purpose};
use crate::modem::ladder::{Fault, Level};
use crate::modem::order::{Code, Order, OrderResult};
use crate::modem::sim::{SimTask, WRITING};
use crate::modem::state::State;
use crate::modem::task::Verdict;
use crate::modem::ussd;
use crate::modem::verbs::{Event, PinAnswer, PinTry, Silence};
use crate::modem::why::{Answer, Why};

/// How long an order may wait for its moment: a submit's hard limit and some.
const PATIENCE: Duration = Duration::from_secs(200);

/// How long the network may take to answer a USSD code.
const USSD: Duration = Duration::from_secs(120);

impl Modem {
    pub(super) fn order(&mut self, now: Now, token: u64, order: Order) {
        if let Some(result) = self.at_once(now, &order) {
            return self.answer(token, result);
        }
        let business = match self.business_of(order) {
            Ok(business) => business,
            Err(result) => return self.answer(token, result),
        };
        if let Some(why) = self.stands_in_the_way(&business) {
            return self.answer(token, OrderResult::NotNow(why));
        }
        match business {
            Business::Drain => self.errands.ban = Some(Ban::Drained),
            Business::Disable => self.errands.ban = Some(Ban::Disabled),
            Business::Ask { .. }
            | Business::Line(_)
            | Business::Ussd(_)
            | Business::Pin(..)
            | Business::PukTries(..)
            | Business::Puk(..)
            | Business::Forbidden(_)
            | Business::Restart => {}
        }
        self.judge();
        let errand = Errand {
            token,
            business,
            until: now.monotonic + PATIENCE,
            lines: Vec::new(),
        };
        if let Err(errand) = self.errands.waiting.push_back(errand) {
            self.answer(errand.token, OrderResult::NotNow(Why::Busy));
        }
        if self.is_portless() {
            self.refuse_errands(Why::NoPort);
        }
    }

    /// The result of what needs no moment.
    fn at_once(&mut self, now: Now, order: &Order) -> Option<OrderResult> {
        match order {
            Order::Enable => {
                self.enable(now);
                Some(OrderResult::Done)
            }
            Order::ReadTrace => Some(OrderResult::Lines(self.trace.lines(now))),
            Order::TraceRaw { until } => {
                self.trace.keep_whole(now, *until);
                Some(OrderResult::Done)
            }
            Order::Restart
            | Order::Disable
            | Order::Drain
            | Order::GivePin(_)
            | Order::GivePuk { .. }
            | Order::Ussd(_)
            | Order::Line(_)
            | Order::ReadForbidden
            | Order::ClearForbidden
            | Order::ReadStatus => None,
        }
    }

    fn business_of(&self, order: Order) -> Result<Business, OrderResult> {
        match order {
            Order::Restart => Ok(Business::Restart),
            Order::Drain => Ok(Business::Drain),
            Order::Disable => Ok(Business::Disable),
            Order::Ussd(code) => Ok(Business::Ussd(ussd::request(
                code.as_str(),
                self.profile.quirks.ussd_packed,
            ))),
            Order::ReadForbidden => Ok(Business::Forbidden(ForbiddenTask::new(Purpose::Read))),
            Order::ClearForbidden => Ok(Business::Forbidden(ForbiddenTask::new(Purpose::Clear))),
            Order::ReadStatus => Ok(Business::Ask { at: 0 }),
            Order::Line(line) => {
                let known = allow::allowed(&line).or_else(|| self.profile.provisioned(line.as_str()));
                let line = known.ok_or(OrderResult::NotAllowed(allow::NOT_ON_THE_LIST))?;
                if self.profile.forbids(line) {
                    return Err(OrderResult::NotAllowed(allow::HARMS));
                }
                Ok(Business::Line(Text::try_from(line).unwrap_or_default()))
            }
            Order::GivePin(code) => {
                self.may_give(&code, &[Why::PinNeeded, Why::PinRefused])?;
                let task = SimTask::by_person(code, alloc::sync::Arc::clone(&self.profile));
                Ok(Business::Pin(task))
            }
            Order::GivePuk { puk, pin } => {
                self.may_give(&puk, &[Why::Locked])?;
                Ok(Business::PukTries(puk, pin))
            }
            Order::Enable | Order::ReadTrace | Order::TraceRaw { .. } => Err(OrderResult::Done),
        }
    }

    /// Why this cannot even wait for its moment.
    fn stands_in_the_way(&self, business: &Business) -> Option<Why> {
        let always = matches!(business, Business::Drain | Business::Disable);
        if self.stopping {
            Some(Why::Stopping)
        } else if always {
            None
        } else if self.errands.ban == Some(Ban::Disabled) {
            Some(Why::Disabled)
        } else {
            self.is_portless().then_some(Why::NoPort)
        }
    }

    /// A code is given only where it is wanted, and none that was refused before.
    fn may_give(&self, code: &Code, wanted: &[Why]) -> Result<(), OrderResult> {
        match self.state {
            _ if self.errands.refused.contains(code) => Err(OrderResult::NotNow(Why::CodeAtRisk)),
            State::Failed(why) if wanted.contains(&why) => Ok(()),
            State::Failed(why) | State::Degraded(why) | State::Recovering(why) | State::Quarantined(why) => {
                Err(OrderResult::NotNow(why))
            }
            State::Absent | State::Starting | State::Ready | State::Drained | State::Disabled => {
                Err(OrderResult::NotAllowed("the SIM does not ask for it"))
            }
        }
    }

    const fn is_portless(&self) -> bool {
        matches!(self.phase, Phase::Absent | Phase::Away { .. } | Phase::Reopening { .. })
    }

    fn answer(&mut self, token: u64, result: OrderResult) {
        self.tell(Event::Ordered { token, result });
    }

    fn enable(&mut self, now: Now) {
        let was = self.errands.ban.take();
        if was == Some(Ban::Disabled) && self.state == State::Disabled {
            if self.errands.port_open {
                self.bring_up(now, State::Starting);
            } else {
                self.enter(State::Absent);
            }
        }
        self.judge();
    }

    /// Begins the order that waits longest, if this is its moment. True when it took the moment.
    pub(super) fn start_errand(&mut self, now: Now) -> bool {
        let ready = self
            .errands
            .waiting
            .front()
            .is_some_and(|errand| self.waiting.is_none() || !errand.keeps_clear_of_submits());
        if !ready || self.errands.holds_the_line() {
            return self.errands.holds_the_line();
        }
        let Some(errand) = self.errands.waiting.pop_front() else {
            return false;
        };
        match errand.text() {
            Some(text) => {
                if matches!(errand.business, Business::Ussd(_)) {
                    self.enter(State::Degraded(Why::Busy));
                }
                let timeout = self.profile.timing.command.max(Duration::from_secs(15));
                match Request::plain(&text, timeout) {
                    Some(request) => self.run(now, Job::Errand(errand), request),
                    None => self.answer(errand.token, OrderResult::NotAllowed("too long for this modem")),
                }
                true
            }
            None => self.act(now, &errand),
        }
    }

    /// What needs no command of its own. True when the modem's business is another one now.
    fn act(&mut self, now: Now, errand: &Errand) -> bool {
        self.answer(errand.token, OrderResult::Done);
        match errand.business {
            Business::Restart => self.take_ordered(now, Level::Restart, Fault::Refusing, Why::Restarting),
            // Enabled again while it waited.
            Business::Disable if self.errands.ban != Some(Ban::Disabled) => return false,
            Business::Disable => self.fall_silent(now),
            Business::Drain
            | Business::Ask { .. }
            | Business::Line(_)
            | Business::Ussd(_)
            | Business::Pin(..)
            | Business::PukTries(..)
            | Business::Puk(..)
            | Business::Forbidden(_) => return false,
        }
        true
    }

    /// Nothing is said to it any more.
    fn fall_silent(&mut self, now: Now) {
        self.refuse_errands(Why::Disabled);
        self.abandon(now, Silence::Timeout);
        self.phase = Phase::Absent;
        self.enter(State::Disabled);
    }

    /// It is a modem that something is known of.
    pub(super) fn recall(&mut self, now: Now, past: &Past) {
        self.climb.ladder.recall(&past.steps);
        self.errands.ban = self.errands.ban.max(past.ban);
        match self.errands.ban {
            Some(Ban::Disabled) if self.state != State::Disabled => self.fall_silent(now),
            Some(Ban::Disabled | Ban::Drained) | None => self.judge(),
        }
    }

    /// The command of an order ended.
    pub(super) fn errand_done(&mut self, now: Now, mut errand: Errand, outcome: Outcome) {
        let token = errand.token;
        let lines = core::mem::take(&mut errand.lines);
        let refused = match outcome {
            Outcome::Final(FinalResult::Ok) | Outcome::Settled => None,
            Outcome::Final(result) => Some(OrderResult::Refused(super::submit::answer(result))),
            Outcome::Silent | Outcome::Escaped => Some(OrderResult::NotNow(Why::NotAnswering)),
        };
        let result = match (errand.business, refused) {
            (Business::Pin(task), _) => return self.pin_done(now, errand.until, token, task, outcome),
            (Business::Ask { at }, refused) => match refused {
                Some(silent @ OrderResult::NotNow(_)) => silent,
                // A question it does not know is no reason to ask no more.
                _ if at + 1 < STATUS.len() => {
                    return self.go_on(token, Business::Ask { at: at + 1 }, errand.until, lines);
                }
                _ => OrderResult::Lines(lines),
            },
            (Business::Ussd(_), None) => {
                return match lines.first() {
                    Some(_) => self.ussd_ended(token, OrderResult::Lines(lines)),
                    None => {
                        self.errands.ussd = Some(Dialogue {
                            token,
                            until: now.monotonic + USSD,
                        });
                    }
                };
            }
            (Business::Ussd(_), Some(result)) => return self.ussd_ended(token, result),
            (Business::PukTries(puk, pin), None) => {
                let left = lines.iter().find_map(|line| puk_tries(line));
                if left.is_some_and(|left| left >= 2) {
                    return self.go_on(token, Business::Puk(puk, pin), errand.until, Vec::new());
                }
                OrderResult::NotNow(Why::CodeAtRisk)
            }
            (Business::PukTries(..), Some(_)) => OrderResult::NotNow(Why::CodeAtRisk),
            (Business::Puk(puk, pin), refused) => self.puk_done(now, puk, &pin, refused),
            (Business::Forbidden(_), Some(silent @ OrderResult::NotNow(_))) => silent,
            (Business::Forbidden(mut task), refused) => {
                let progress = match refused {
                    None => task.answered(lines.iter().map(String::as_str)),
                    Some(_) => task.refused(),
                };
                match progress {
                    Progress::More => {
                        return self.go_on(token, Business::Forbidden(task), errand.until, Vec::new());
                    }
                    Progress::Told(networks) => OrderResult::Networks(networks),
                    Progress::Cleared => {
                        self.answer(token, OrderResult::Done);
                        return self.take_ordered(now, Level::Radio, Fault::Network, Why::Restarting);
                    }
                    Progress::Refused => refused.unwrap_or(OrderResult::Refused(Answer::Error)),
                }
            }
            (Business::Line(_), None) => OrderResult::Lines(lines),
            (Business::Line(_) | Business::Restart | Business::Drain | Business::Disable, refused) => {
                refused.unwrap_or(OrderResult::Done)
            }
        };
        self.answer(token, result);
    }

    /// The next command of the same order, before any other.
    fn go_on(&mut self, token: u64, business: Business, until: Instant, lines: Vec<String>) {
        let errand = Errand {
            token,
            business,
            until,
            lines,
        };
        if let Err(errand) = self.errands.waiting.push_front(errand) {
            self.answer(errand.token, OrderResult::NotNow(Why::Busy));
        }
    }

    fn pin_done(&mut self, now: Now, until: Instant, token: u64, mut task: SimTask, outcome: Outcome) {
        let verdict = task.done(outcome);
        let gives = (verdict == Verdict::Await).then(|| task.awaited().cloned()).flatten();
        self.tell_pin(task.take_ended(), gives);
        self.pin_judged(now, until, token, task, verdict, outcome);
    }

    /// Where a PIN's order goes from here.
    fn pin_judged(
        &mut self,
        now: Now,
        until: Instant,
        token: u64,
        mut task: SimTask,
        verdict: Verdict,
        outcome: Outcome,
    ) {
        let unanswered = task.open.is_some();
        match verdict {
            Verdict::More => self.go_on(token, Business::Pin(task), until, Vec::new()),
            Verdict::Await => {
                self.errands.asking = Some(Errand {
                    token,
                    business: Business::Pin(task),
                    until: until.min(now.monotonic + WRITING),
                    lines: Vec::new(),
                });
            }
            Verdict::Passed => self.unlocked(now, token),
            Verdict::Refused if task.taken => self.unlocked(now, token),
            // Its answer was lost: the SIM's state and its counter are asked.
            Verdict::Refused if unanswered && task.looks_again() => {
                self.go_on(token, Business::Pin(task), until, Vec::new());
            }
            Verdict::Blocked(_) | Verdict::Refused | Verdict::Silent if unanswered => {
                self.pin.open = task.open.take();
                self.answer(token, OrderResult::Unknown);
            }
            Verdict::Blocked(Why::PinRefused) if !task.is_refused_before() => {
                let result = match outcome {
                    Outcome::Final(result) if result != FinalResult::Ok => super::submit::answer(result),
                    // The answer was lost, and the counter gave it: as the standard would have it said (27.007 clause 9.2).
                    Outcome::Final(_) | Outcome::Settled | Outcome::Silent | Outcome::Escaped => Answer::Cme(16),
                };
                self.answer(token, OrderResult::Refused(result));
            }
            Verdict::Blocked(Why::PinNeeded | Why::PinRefused) => {
                self.answer(token, OrderResult::NotNow(Why::CodeAtRisk));
            }
            Verdict::Refused => self.answer(token, OrderResult::NotNow(task.why)),
            Verdict::Blocked(why) => self.answer(token, OrderResult::NotNow(why)),
            Verdict::Silent => self.answer(token, OrderResult::NotNow(Why::NotAnswering)),
        }
    }

    /// Whether a person's PIN may be given. False when none waits for that.
    pub(super) fn errand_pin_answered(&mut self, now: Now, of: &PinTry, answer: PinAnswer) -> bool {
        let awaits = |errand: &Errand| matches!(&errand.business, Business::Pin(task) if task.awaited() == Some(of));
        let Some(errand) = self.errands.asking.take_if(|errand| awaits(errand)) else {
            return false;
        };
        if let Business::Pin(mut task) = errand.business {
            let verdict = task.permitted(answer);
            let until = now.monotonic + PATIENCE;
            self.pin_judged(now, until, errand.token, task, verdict, Outcome::Settled);
        }
        true
    }

    fn puk_done(&mut self, now: Now, puk: Code, pin: &Code, refused: Option<OrderResult>) -> OrderResult {
        if let Some(result) = refused {
            self.remember_refused(puk);
            // Its answer was lost.
            let lost = matches!(result, OrderResult::NotNow(_));
            return if lost { OrderResult::Unknown } else { result };
        }
        self.pin.set_by_puk = Some(pin.clone());
        self.bring_up(now, State::Recovering(Why::SimBusy));
        OrderResult::Done
    }

    fn unlocked(&mut self, now: Now, token: u64) {
        self.answer(token, OrderResult::Done);
        self.bring_up(now, State::Recovering(Why::SimBusy));
    }

    fn remember_refused(&mut self, code: Code) {
        if self.errands.refused.is_full() {
            self.errands.refused.remove(0);
        }
        let _ = self.errands.refused.push(code);
    }

    /// What the network answers to a USSD code, or says by itself.
    pub(super) fn ussd_told(&mut self, rest: &str) {
        if let Some(Job::Errand(errand)) = &mut self.job
            && matches!(errand.business, Business::Ussd(_))
        {
            errand.info(&ussd::text(rest, self.profile.quirks.ussd_packed));
        } else if let Some(open) = self.errands.ussd.take() {
            let lines = [ussd::text(rest, self.profile.quirks.ussd_packed)].to_vec();
            self.ussd_ended(open.token, OrderResult::Lines(lines));
        }
    }

    fn ussd_ended(&mut self, token: u64, result: OrderResult) {
        self.errands.ussd = None;
        self.answer(token, result);
        self.judge();
    }

    /// Time passed: what waited too long ends.
    pub(super) fn end_late_errands(&mut self, now: Now) {
        let late = |errand: &Errand| errand.until <= now.monotonic;
        for _ in 0..WAITING {
            match self.errands.waiting.pop_front() {
                Some(errand) if late(&errand) => self.answer(errand.token, OrderResult::NotNow(Why::Busy)),
                Some(errand) => drop(self.errands.waiting.push_back(errand)),
                None => break,
            }
        }
        if let Some(errand) = self.errands.asking.take_if(|errand| late(errand)) {
            self.answer(errand.token, OrderResult::NotNow(Why::Busy));
        }
        if let Some(open) = self.errands.ussd.take_if(|open| open.until <= now.monotonic) {
            self.ussd_ended(open.token, OrderResult::NotNow(Why::NotAnswering));
            if self.engine.is_idle() {
                self.run_plain(now, Job::Leaving, "AT+CUSD=2");
            }
        }
    }

    /// What is under way by order ends with what else is under way.
    pub(super) fn errand_abandoned(&mut self, errand: Option<Errand>, silence: Silence) {
        let why = match silence {
            Silence::Timeout => Why::NotAnswering,
            Silence::ModemReset => Why::Restarted,
            Silence::PortLost => Why::NoPort,
        };
        for errand in errand.into_iter().chain(self.errands.asking.take()) {
            self.errand_broken_off(errand, why);
        }
        if let Some(open) = self.errands.ussd.take() {
            self.answer(open.token, OrderResult::NotNow(why));
        }
    }

    /// The modem went away in the middle of an order. A code that was on its way may have been taken.
    fn errand_broken_off(&mut self, errand: Errand, why: Why) {
        let result = match errand.business {
            Business::Pin(SimTask { open: Some(open), .. }) => {
                self.pin.open = Some(open);
                OrderResult::Unknown
            }
            Business::Puk(puk, _) => {
                self.remember_refused(puk);
                OrderResult::Unknown
            }
            Business::Pin(_)
            | Business::Ask { .. }
            | Business::Line(_)
            | Business::Ussd(_)
            | Business::PukTries(..)
            | Business::Forbidden(_)
            | Business::Restart
            | Business::Drain
            | Business::Disable => OrderResult::NotNow(why),
        };
        self.answer(errand.token, result);
    }

    /// No order that waits will have its moment.
    pub(super) fn refuse_errands(&mut self, why: Why) {
        while let Some(errand) = self.errands.waiting.pop_front() {
            let result = match errand.business {
                // Without a port there is nothing to finish.
                Business::Drain => OrderResult::Done,
                Business::Disable => {
                    self.phase = Phase::Absent;
                    self.enter(State::Disabled);
                    OrderResult::Done
                }
                Business::Ask { .. }
                | Business::Line(_)
                | Business::Ussd(_)
                | Business::Pin(..)
                | Business::PukTries(..)
                | Business::Puk(..)
                | Business::Forbidden(_)
                | Business::Restart => OrderResult::NotNow(why),
            };
            self.answer(errand.token, result);
        }
    }
}

/// Tries of the PUK left, from the answer to `AT+CPINR`.
fn puk_tries(line: &str) -> Option<u16> {
    let (_, rest) = parse::split_prefix(line)?;
    let params = parse::params(rest);
    let is_puk = params.first()?.eq_ignore_ascii_case("SIM PUK");
    parse::number(params.get(1)?).filter(|_| is_puk)
}
