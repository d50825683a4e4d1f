//! Which steps are followed, and where in them the modem is.

use core::time::Duration;

use super::network::{CentreTask, OperatorTask};
use super::sim::SimTask;
use super::storage::{NotificationTask, StorageTask};
use super::task::{AttentionTask, SendTask, Verdict};
use crate::at::{Outcome, Request};
use crate::base::Instant;

/// Which steps are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// The profile's.
    BringUp,
    /// Those that bring commands and answers into step.
    Resync,
    /// Radio off.
    RadioOff,
    /// Radio on.
    RadioOn,
    /// The modem's own restart.
    Restart,
}

/// Where in its steps the modem is.
#[derive(Debug)]
pub(super) struct Cursor {
    pub(super) list: List,
    pub(super) step: usize,
    pub(super) tries: u8,
    pub(super) task: Option<Task>,
    pub(super) wait_until: Instant,
    /// What came too late is drained before the next command.
    pub(super) drain: bool,
    pub(super) draining: bool,
    pub(super) silent: u8,
}

impl Cursor {
    pub(super) fn new(list: List, now: Instant) -> Self {
        Self {
            list,
            step: 0,
            tries: 0,
            task: None,
            wait_until: now,
            drain: false,
            draining: false,
            silent: 0,
        }
    }

    pub(super) fn wait_until(&self) -> Instant {
        self.wait_until
    }

    pub(super) fn wait(&mut self, until: Instant) {
        self.wait_until = until;
    }

    /// The step with the SIM, if that is under way.
    pub(super) fn sim_task(&mut self) -> Option<&mut SimTask> {
        match &mut self.task {
            Some(Task::Sim(task)) => Some(task),
            Some(
                Task::Attention(_)
                | Task::Send(_)
                | Task::Storage(_)
                | Task::Notification(_)
                | Task::Centre(_)
                | Task::Operator(_),
            )
            | None => None,
        }
    }

    /// Nothing but the first answer has been asked for.
    pub(super) fn is_at_start(&self) -> bool {
        self.step == 0
    }
}

/// A step under way.
#[derive(Debug)]
pub(super) enum Task {
    Attention(AttentionTask),
    Send(SendTask),
    Sim(SimTask),
    Storage(StorageTask),
    Notification(NotificationTask),
    Centre(CentreTask),
    Operator(OperatorTask),
}

impl Task {
    /// The next command.
    pub(super) fn request(&self, timeout: Duration) -> Option<Request> {
        match self {
            Self::Attention(task) => task.request(),
            Self::Send(task) => Request::plain(task.text()?, timeout),
            Self::Sim(task) => Request::plain(&task.text(), timeout),
            Self::Storage(task) => Request::plain(&task.text(), timeout),
            Self::Notification(task) => Request::plain(&task.text(), timeout),
            Self::Centre(task) => Request::plain(&task.text(), timeout),
            Self::Operator(task) => Request::plain(&task.text(), timeout),
        }
    }

    /// Its command ended.
    pub(super) fn done(&mut self, outcome: Outcome) -> Verdict {
        match self {
            Self::Attention(task) => task.done(outcome),
            Self::Send(task) => task.done(outcome),
            Self::Sim(task) => task.done(outcome),
            Self::Storage(task) => task.done(outcome),
            Self::Notification(task) => task.done(outcome),
            Self::Centre(task) => task.done(outcome),
            Self::Operator(task) => task.done(outcome),
        }
    }
}
