//! A bounded queue between tasks and a thread: tasks wait for room without blocking, the thread waits for work without
//! spinning. Two lanes; the first is always emptied before the second.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A queue of jobs with a weight each (how many ops it holds).
#[derive(Debug)]
pub(super) struct Jobs<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    room: Arc<Semaphore>,
}

#[derive(Debug)]
struct State<T> {
    first: VecDeque<T>,
    second: VecDeque<(T, OwnedSemaphorePermit)>,
    first_bound: usize,
    closed: bool,
}

/// What a thread gets when it waited.
pub(super) enum Taken<T> {
    /// Jobs, the first lane's before the second's.
    Jobs(Vec<T>),
    /// Nothing came for the time it was ready to wait.
    Idle,
    /// Closed, and nothing is left.
    Closed,
}

impl<T> Jobs<T> {
    /// A queue that holds at most `first` and `second` jobs in its lanes.
    pub(super) fn new(first: usize, second: usize) -> Self {
        Self {
            state: Mutex::new(State {
                first: VecDeque::new(),
                second: VecDeque::new(),
                first_bound: first,
                closed: false,
            }),
            arrived: Condvar::new(),
            room: Arc::new(Semaphore::new(second)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics while holding the lock; a poisoned one holds whole data.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job into the first lane.
    ///
    /// # Errors
    /// Gives the job back when the lane is full or the queue closed.
    pub(super) fn push_first(&self, job: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.closed || state.first.len() >= state.first_bound {
            return Err(job);
        }
        state.first.push_back(job);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Puts a job into the second lane once there is room.
    ///
    /// # Errors
    /// Gives the job back when the queue is closed.
    pub(super) async fn push(&self, job: T) -> Result<(), T> {
        let Ok(permit) = Arc::clone(&self.room).acquire_owned().await else {
            return Err(job);
        };
        let mut state = self.lock();
        if state.closed {
            return Err(job);
        }
        state.second.push_back((job, permit));
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for jobs, at most `wait`; takes jobs while the weights fit into `most`, at least one, and leaves the
    /// second lane a share of `least` when it has something.
    pub(super) fn take(&self, wait: Duration, most: usize, least: usize, weight: impl Fn(&T) -> usize) -> Taken<T> {
        let state = self.lock();
        let idle = |s: &mut State<T>| s.first.is_empty() && s.second.is_empty() && !s.closed;
        let (mut state, _) = self
            .arrived
            .wait_timeout_while(state, wait, idle)
            .unwrap_or_else(PoisonError::into_inner);
        let mut jobs = Vec::new();
        let mut held = 0;
        while held < most {
            let Some(job) = state.first.pop_front() else { break };
            held += weight(&job);
            jobs.push(job);
        }
        let mut share = most.saturating_sub(held).max(least);
        while share > 0 {
            let Some((job, permit)) = state.second.pop_front() else {
                break;
            };
            share = share.saturating_sub(weight(&job));
            jobs.push(job);
            drop(permit);
        }
        match (jobs.is_empty(), state.closed) {
            (false, _) => Taken::Jobs(jobs),
            (true, false) => Taken::Idle,
            (true, true) => Taken::Closed,
        }
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        let state = self.lock();
        state.first.len() + state.second.len()
    }

    /// Takes no more jobs; those inside are still handed out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.close();
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::task::{Context, Waker};

    use super::*;

    fn taken(jobs: &Jobs<u32>, most: usize, least: usize) -> Vec<u32> {
        match jobs.take(Duration::ZERO, most, least, |_| 1) {
            Taken::Jobs(jobs) => jobs,
            Taken::Idle | Taken::Closed => Vec::new(),
        }
    }

    #[tokio::test]
    async fn the_first_lane_goes_first_and_the_second_keeps_its_share() {
        let jobs = Jobs::new(8, 8);
        for n in 0..3 {
            jobs.push(100 + n).await.unwrap();
            jobs.push_first(n).unwrap();
        }
        assert_eq!(taken(&jobs, 2, 1), [0, 1, 100]);
        assert_eq!(taken(&jobs, 9, 1), [2, 101, 102]);
    }

    #[tokio::test]
    async fn both_lanes_are_bounded() {
        let jobs = Jobs::new(1, 1);
        assert_eq!(jobs.push_first(1), Ok(()));
        assert_eq!(jobs.push_first(2), Err(2));
        jobs.push(3).await.unwrap();
        let mut second = Box::pin(jobs.push(4));
        let mut context = Context::from_waker(Waker::noop());
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert_eq!(taken(&jobs, 9, 1), [1, 3]);
        assert_eq!(second.await, Ok(()));
    }

    #[tokio::test]
    async fn a_closed_queue_hands_out_what_it_has_and_then_ends() {
        let jobs = Jobs::new(4, 4);
        jobs.push(1).await.unwrap();
        jobs.close();
        assert_eq!(jobs.push(2).await, Err(2));
        assert_eq!(jobs.push_first(3), Err(3));
        assert_eq!(taken(&jobs, 9, 1), [1]);
        assert!(matches!(jobs.take(Duration::ZERO, 9, 1, |_| 1), Taken::Closed));
    }
}
