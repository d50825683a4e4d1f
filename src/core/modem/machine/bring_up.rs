//! Following the steps of a profile: one after the other, each tried as often as it says, and what each leaves behind.

use alloc::sync::Arc;
use core::time::Duration;

use super::{Job, Modem, Phase};
use crate::at::{FinalResult, Outcome, Request};
use crate::base::{Now, PhoneNumber};
use crate::modem::cursor::{Cursor, List, Task};
use crate::modem::ladder::Fault;
use crate::modem::network::{CentreTask, OperatorTask};
use crate::modem::profile::{Action, Learn, Step};
use crate::modem::sim::SimTask;
use crate::modem::state::{Registration, State};
use crate::modem::storage::{NotificationTask, StorageTask};
use crate::modem::task::{AttentionTask, SendTask, Verdict};
use crate::modem::trouble::Next;
use crate::modem::verbs::{Event, Identity};
use crate::modem::why::Why;

/// Steps in a row without any answer after which the modem counts as gone.
const SILENT_STEPS: u8 = 3;

/// A modem that never named a SIM is asked again after this.
const NAMELESS_PAUSE: Duration = Duration::from_secs(1);

/// A card that is not in its holder is asked for every second at first, then only every so many tries.
const MISSING_AFTER: u8 = 20;
const MISSING_STRIDE: u8 = 10;

impl Modem {
    /// Begins bring-up; `state` is shown until it ends.
    pub(super) fn bring_up(&mut self, now: Now, state: State) {
        self.trouble.settings_lost = false;
        self.trouble.second_start = false;
        self.trouble.refused_name = false;
        self.trouble.strays = 0;
        self.inbox.forget_entries(now.monotonic);
        self.identified = false;
        // Another SIM may be in it, another network around it.
        self.identity.iccid = None;
        self.identity.imsi = None;
        self.identity.number = None;
        self.identity.service_centre = None;
        self.stats.forget();
        self.health.registration = Registration::Unknown;
        self.phase = Phase::Steps(Cursor::new(List::BringUp, now.monotonic));
        self.enter(state);
    }

    /// Sends what the step under way wants sent, or begins the next one.
    pub(super) fn next_step(&mut self, now: Now) {
        loop {
            let Phase::Steps(cursor) = &mut self.phase else { return };
            if now.monotonic < cursor.wait_until {
                return;
            }
            if core::mem::take(&mut cursor.drain) {
                cursor.draining = true;
                self.run(now, Job::Step, Request::drain());
                return;
            }
            let steps = match cursor.list {
                List::BringUp => &self.profile.steps,
                List::Resync | List::RadioOff | List::RadioOn | List::Restart => &self.own_steps,
            };
            let Some(step) = steps.get(cursor.step) else {
                self.steps_passed(now);
                if matches!(self.phase, Phase::Serving) {
                    self.next_business(now);
                    return;
                }
                continue;
            };
            if !step.is_for(self.settings.wiring) {
                cursor.step += 1;
                continue;
            }
            let timeout = step.timeout;
            if cursor.task.is_none() {
                let action = step.action.clone();
                let task = self.task(&action);
                if let Phase::Steps(cursor) = &mut self.phase {
                    cursor.task = task;
                    if cursor.task.is_none() {
                        // Nothing to do, as without a configured service centre.
                        cursor.step += 1;
                        continue;
                    }
                }
            }
            let Phase::Steps(cursor) = &mut self.phase else { return };
            match cursor.task.as_ref().and_then(|task| task.request(timeout)) {
                Some(request) => {
                    self.run(now, Job::Step, request);
                    return;
                }
                None => {
                    cursor.task = None;
                    cursor.step += 1;
                }
            }
        }
    }

    fn task(&mut self, action: &Action) -> Option<Task> {
        let resync = matches!(&self.phase, Phase::Steps(cursor) if cursor.list == List::Resync);
        Some(match action {
            Action::Attention if resync => Task::Attention(AttentionTask::escaping()),
            Action::Attention => Task::Attention(AttentionTask::new()),
            // A modem that never told its IMEI cannot be known by it.
            Action::Send { learn: Learn::Imei, .. } if resync && self.identity.imei.is_none() => return None,
            Action::Send {
                commands,
                expect,
                remedy,
                learn,
            } => {
                // An empty own number is usual; everything else that is asked for is there or refused.
                let wants = !matches!(learn, Learn::Nothing | Learn::Number);
                Task::Send(SendTask::new(commands, expect.clone(), remedy.clone(), wants))
            }
            Action::Profile => {
                self.choose_profile();
                return None;
            }
            Action::Sim => Task::Sim(SimTask::new(&self.settings, &self.pin, Arc::clone(&self.profile))),
            Action::ServiceCentre => Task::Centre(CentreTask::new(self.settings.smsc.clone())),
            Action::Operator => Task::Operator(OperatorTask::default()),
            Action::Storage => Task::Storage(StorageTask::new(&self.profile.storages, self.profile.quirks)),
            Action::Notification => Task::Notification(NotificationTask::new(&self.profile.notifications)),
        })
    }

    /// The modem has said what it is: the steps that follow are those of its own profile.
    fn choose_profile(&mut self) {
        let Identity {
            manufacturer,
            model,
            firmware,
            ..
        } = &self.identity;
        self.profile = Arc::clone(self.profiles.choose(manufacturer, model, firmware));
        self.inbox.paced_by(&self.profile.timing);
    }

    fn current(&self) -> Option<&Step> {
        let Phase::Steps(cursor) = &self.phase else { return None };
        match cursor.list {
            List::BringUp => self.profile.steps.get(cursor.step),
            List::Resync | List::RadioOff | List::RadioOn | List::Restart => self.own_steps.get(cursor.step),
        }
    }

    fn learns(&self) -> Learn {
        match self.current().map(|step| &step.action) {
            Some(Action::Send { learn, .. }) => *learn,
            Some(
                Action::Attention
                | Action::Profile
                | Action::Sim
                | Action::ServiceCentre
                | Action::Storage
                | Action::Notification
                | Action::Operator,
            )
            | None => Learn::Nothing,
        }
    }

    /// A line of the step's answer.
    pub(super) fn step_info(&mut self, line: &str) {
        let learn = self.learns();
        let resync = matches!(&self.phase, Phase::Steps(cursor) if cursor.list == List::Resync);
        let learned = if resync && learn == Learn::Imei {
            self.is_same_imei(line)
        } else {
            self.learn(learn, line)
        };
        let Phase::Steps(cursor) = &mut self.phase else { return };
        match &mut cursor.task {
            Some(Task::Send(task)) => task.info(line, learned),
            Some(Task::Sim(task)) => task.info(line),
            Some(Task::Storage(task)) => task.info(line),
            Some(Task::Notification(task)) => task.info(line),
            Some(Task::Centre(task)) => task.info(line),
            Some(Task::Operator(task)) => task.info(line),
            Some(Task::Attention(_)) | None => {}
        }
    }

    /// The step's command ended.
    pub(super) fn step_done(&mut self, now: Now, outcome: Outcome) {
        let Phase::Steps(cursor) = &mut self.phase else { return };
        if core::mem::take(&mut cursor.draining) {
            return;
        }
        let Some(task) = &mut cursor.task else { return };
        let verdict = task.done(outcome);
        self.sim_step_done(now, verdict);
        self.step_judged(now, verdict, outcome);
    }

    /// Where the step goes from here.
    pub(super) fn step_judged(&mut self, now: Now, verdict: Verdict, outcome: Outcome) {
        if outcome == Outcome::Silent && self.trouble.second_start {
            return self.bring_up(now, self.state);
        }
        let learn = self.learns();
        let Phase::Steps(cursor) = &mut self.phase else { return };
        match verdict {
            Verdict::More | Verdict::Await => {
                if outcome != Outcome::Silent {
                    cursor.silent = 0;
                }
            }
            Verdict::Passed => {
                cursor.silent = 0;
                self.step_passed();
            }
            Verdict::Refused => {
                cursor.silent = 0;
                self.trouble.refused_name |=
                    matches!(learn, Learn::Imsi | Learn::Iccid) && outcome != Outcome::Final(FinalResult::Ok);
                // OK without the digits: the answers may be one behind.
                cursor.drain = learn == Learn::Imei && outcome == Outcome::Final(FinalResult::Ok);
                // A modem that says OK and nothing else, or the same again, will not say more the next time.
                let may_say_more = match &cursor.task {
                    Some(Task::Send(task)) => cursor.tries == 0 && (task.told || cursor.drain),
                    Some(
                        Task::Attention(_)
                        | Task::Sim(_)
                        | Task::Storage(_)
                        | Task::Notification(_)
                        | Task::Centre(_)
                        | Task::Operator(_),
                    )
                    | None => true,
                };
                let again = match outcome {
                    Outcome::Final(FinalResult::Ok) => may_say_more,
                    Outcome::Final(result) => result.is_busy(),
                    Outcome::Settled | Outcome::Silent | Outcome::Escaped => true,
                };
                self.step_refused(now, again);
            }
            Verdict::Silent => {
                cursor.silent += 1;
                cursor.drain = true;
                if cursor.silent >= SILENT_STEPS || matches!(cursor.task, Some(Task::Attention(_))) {
                    self.steps_failed(now, Why::NotAnswering);
                } else {
                    self.step_refused(now, true);
                }
            }
            Verdict::Blocked(why) => self.blocked(now, why),
        }
    }

    /// Keeps what the step found and goes to the next.
    fn step_passed(&mut self) {
        let Phase::Steps(cursor) = &mut self.phase else { return };
        cursor.step += 1;
        cursor.tries = 0;
        match cursor.task.take() {
            Some(Task::Storage(task)) => self.inbox.chosen(task.chosen, task.readable()),
            Some(Task::Notification(task)) => self.inbox.notified(task.parameters(), task.stores_reports()),
            // Some firmware leaves the plus out.
            Some(Task::Centre(task)) => {
                let digits = task.told.trim_start_matches('+');
                self.identity.service_centre = PhoneNumber::from_e164(&alloc::format!("+{digits}")).ok();
            }
            Some(Task::Attention(_) | Task::Send(_) | Task::Sim(_) | Task::Operator(_)) | None => {}
        }
    }

    /// Tries the step again, goes without it, or gives up. `again`: its answer gives hope.
    fn step_refused(&mut self, now: Now, again: bool) {
        let (tries, pause, essential, action) = match self.current() {
            Some(step) => (step.tries, step.pause, step.essential, step.action.clone()),
            None => return,
        };
        let Phase::Steps(cursor) = &mut self.phase else { return };
        let missing = matches!(&cursor.task, Some(Task::Sim(task)) if task.why == Why::NoSim);
        let stride = if missing && cursor.tries >= MISSING_AFTER {
            MISSING_STRIDE
        } else {
            1
        };
        cursor.tries += stride;
        if cursor.tries < tries && (again || essential) {
            cursor.wait_until = now.monotonic + pause * u32::from(stride);
            // The SIM's task counts what it saw; every other one begins anew.
            if action != Action::Sim {
                cursor.task = None;
            }
            return;
        }
        if let Some(Task::Sim(task)) = &cursor.task {
            let why = task.why;
            self.blocked(now, why);
        } else if essential {
            self.steps_failed(now, Why::SetupRefused);
        } else {
            if action == Action::Notification {
                self.inbox.notified(None, false);
            } else if action == Action::Storage {
                self.inbox.chosen(None, heapless::Vec::new());
            }
            cursor.task = None;
            cursor.tries = 0;
            cursor.step += 1;
        }
    }

    fn steps_passed(&mut self, now: Now) {
        let Phase::Steps(cursor) = &self.phase else { return };
        let (list, confirmed) = (cursor.list, cursor.silent == 0);
        self.phase = Phase::Serving;
        match list {
            List::Resync => self.resynchronised(now),
            List::RadioOff => self.radio_is_off(now),
            List::RadioOn => self.bring_up(now, self.state),
            List::Restart => self.restart_begun(now, confirmed),
            List::BringUp if self.asks_for_name_again(now) => return,
            List::BringUp => {
                self.is_up(now);
                self.identified = true;
                self.settle_pins();
                let identity = self.identity.clone();
                self.tell(Event::Identified(identity));
                self.tell_early();
                self.inbox.list_now(now.monotonic);
                self.stats.begin(now.monotonic);
            }
        }
        self.judge();
    }

    /// A SIM that tells neither ICCID nor IMSI may be any SIM, its budget used up by a text or not: true when it is asked again.
    /// A modem that never told of any and refused twice is taken as one that cannot, and so is one that says OK and no more.
    fn asks_for_name_again(&mut self, now: Now) -> bool {
        let trouble = &mut self.trouble;
        if self.identity.iccid.is_some() || self.identity.imsi.is_some() {
            trouble.names_sims = true;
            return false;
        }
        if trouble.names_sims {
            self.blocked(now, Why::SimNameless);
            return true;
        }
        if !trouble.refused_name || core::mem::replace(&mut trouble.asked_again, true) {
            return false;
        }
        self.enter(State::Degraded(Why::SimNameless));
        self.phase = Phase::Pause {
            until: now.monotonic + NAMELESS_PAUSE,
            then: Next::LookAtSim,
        };
        true
    }

    fn steps_failed(&mut self, now: Now, why: Why) {
        let list = match &self.phase {
            Phase::Steps(cursor) => cursor.list,
            Phase::Absent | Phase::Serving | Phase::Pause { .. } | Phase::Reopening { .. } | Phase::Away { .. } => {
                return;
            }
        };
        let silent = why == Why::NotAnswering;
        match list {
            List::Resync if silent && self.still_silent(now) => {}
            List::Resync if !silent => {
                if !self.came_back(now) {
                    self.bring_up(now, State::Recovering(why));
                }
            }
            List::BringUp if silent && self.is_booting(now) => {}
            List::Resync | List::BringUp | List::RadioOff | List::RadioOn | List::Restart => {
                let fault = if silent { Fault::Silent } else { Fault::Refusing };
                self.climb(now, fault, why);
            }
        }
    }

    /// The SIM cannot be used: alive, but of no use; looked at again later.
    fn blocked(&mut self, now: Now, why: Why) {
        let for_people = matches!(
            why,
            Why::PinNeeded | Why::PinRefused | Why::Locked | Why::OperatorLocked
        );
        self.climb.answers();
        if !for_people && self.climbs_for_sim(now, why) {
            return;
        }
        self.enter(if for_people {
            State::Failed(why)
        } else {
            State::Degraded(why)
        });
        self.phase = Phase::Pause {
            until: now.monotonic + super::recover::sim_pause(for_people),
            then: Next::LookAtSim,
        };
    }

    /// Ready or not, by what is known of the network.
    pub(super) fn judge(&mut self) {
        let at_work = matches!(self.phase, Phase::Serving) && !self.errands.holds_the_line();
        if !at_work || self.stopping || self.trouble.settings_lost {
            return;
        }
        let state = match self.health.registration {
            // A modem that cannot be asked is believed; the first message tells.
            Registration::Roaming if self.settings.refuse_roaming => State::Degraded(Why::Roaming),
            Registration::Home | Registration::Roaming | Registration::Unknown if self.errands.ban.is_some() => {
                State::Drained
            }
            Registration::Home | Registration::Roaming | Registration::Unknown => State::Ready,
            Registration::Denied => State::Degraded(Why::Denied),
            Registration::NotSearching | Registration::Searching | Registration::EmergencyOnly => {
                State::Degraded(Why::NotRegistered)
            }
        };
        self.enter(state);
    }
}
