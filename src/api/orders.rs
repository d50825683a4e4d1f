//! The way by which a person's order reaches a modem: a bounded queue into the bank's event loop, one answer for each order. It
//! knows neither who asks nor whether he may.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use wardwire_core::base::SimId;
use wardwire_core::dispatch::Pool;
use wardwire_core::modem::{Order, OrderResult};

/// Orders that may wait for the event loop.
const WAITING: usize = 32;

/// The longest an order takes: a submit to its end (180 s), then a USSD dialogue (120 s), and some seconds.
const PATIENCE: Duration = Duration::from_secs(330);

/// What is on its way to the event loop.
#[derive(Debug)]
pub enum Asked {
    /// An order.
    Order {
        /// Label of the modem.
        modem: String,
        /// What.
        order: Order,
        /// Where its result goes; `Err` when there is no such modem.
        answer: oneshot::Sender<Result<OrderResult, OrderError>>,
    },
    /// A SIM is kept for what comes in from now on, or not any more; the store has it already.
    ReceiveOnly {
        /// Which.
        sim: SimId,
        /// Nothing goes out through it.
        receive_only: bool,
        /// Told, or dropped, when it is so and shown.
        done: oneshot::Sender<()>,
    },
    /// The store has another plan for this SIM.
    Replanned(SimId),
    /// These are the pools from now on; the store has them already.
    Shared {
        /// That of all among them.
        pools: Vec<Pool>,
        /// Told, or dropped, when it is so and shown.
        done: oneshot::Sender<()>,
    },
}

/// Why an order has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// No modem has this label.
    #[error("there is no such modem")]
    NoSuchModem,
    /// Too many orders wait; nothing was done.
    #[error("too many orders wait")]
    Busy,
    /// The bank is stopping, or no bank runs.
    #[error("the bank does not run")]
    Gone,
}

/// Sends orders to the bank. Clones share it.
#[derive(Clone, Debug)]
pub struct Orders(mpsc::Sender<Asked>);

impl Orders {
    /// The two ends: one for whoever orders, one for the event loop.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<Asked>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Where no bank runs: every order ends in [`OrderError::Gone`].
    #[must_use]
    pub fn none() -> Self {
        Self::channel().0
    }

    /// Gives an order and waits for its result, at most 330 s.
    ///
    /// # Errors
    /// [`OrderError`]; after [`OrderError::Gone`] it may or may not have been carried out.
    pub async fn give(&self, modem: &str, order: Order) -> Result<OrderResult, OrderError> {
        let (answer, result) = oneshot::channel();
        let modem = modem.to_owned();
        self.0
            .try_send(Asked::Order { modem, order, answer })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => OrderError::Busy,
                mpsc::error::TrySendError::Closed(_) => OrderError::Gone,
            })?;
        match tokio::time::timeout(PATIENCE, result).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(OrderError::Gone),
        }
    }

    /// Tells the bank that the store has another plan for a SIM: from the bank's next look there, it holds. A bank that does not
    /// run reads it when it does.
    pub async fn replanned(&self, sim: SimId) {
        let _ = self.0.send(Asked::Replanned(sim)).await;
    }

    /// Tells the bank its pools, and returns when the snapshot shows them, after 330 s at most. A bank that does not run reads
    /// them from the store when it does.
    pub async fn shared(&self, pools: Vec<Pool>) {
        let (done, shown) = oneshot::channel();
        if self.0.send(Asked::Shared { pools, done }).await.is_ok() {
            let _ = tokio::time::timeout(PATIENCE, shown).await;
        }
    }

    /// Tells the bank what was decided about a SIM, and returns when the snapshot shows it, after 330 s at most. A bank that
    /// does not run reads it from the store when it does.
    pub async fn receive_only(&self, sim: SimId, receive_only: bool) {
        let (done, shown) = oneshot::channel();
        let asked = Asked::ReceiveOnly {
            sim,
            receive_only,
            done,
        };
        if self.0.send(asked).await.is_ok() {
            let _ = tokio::time::timeout(PATIENCE, shown).await;
        }
    }
}
