//! Requests to the store that are not answered yet, and what each was for. A request whose loss would lose a fact
//! is asked again when the store could not write.

use alloc::collections::{BTreeMap, VecDeque};

use super::SlotIndex;
use crate::base::MessageId;
use crate::modem::{PinTry, Place};
use crate::queue::verbs::Request;

/// What a request was for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    Introduce(SlotIndex),
    TakeDue,
    Begin(SlotIndex),
    /// `ahead`: the result was an acceptance, so the gateway went on without waiting for the answer.
    Close {
        message: MessageId,
        ahead: bool,
    },
    /// A result after its attempt was closed as unknown.
    Late,
    Store(SlotIndex, Place),
    TryPin(SlotIndex, PinTry),
    EndPin,
    KeepPast,
    Release,
    Sweep,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    next_token: u64,
    open: BTreeMap<u64, (Purpose, Request)>,
    fresh: VecDeque<u64>,
    /// Waiting for the store to be able to write again.
    stuck: VecDeque<u64>,
}

impl Ledger {
    pub(super) fn ask(&mut self, purpose: Purpose, request: Request) {
        let token = self.next_token;
        self.next_token += 1;
        self.open.insert(token, (purpose, request));
        self.fresh.push_back(token);
    }

    /// The next request to hand out.
    pub(super) fn poll(&mut self) -> Option<(u64, Request)> {
        let token = self.fresh.pop_front()?;
        self.open.get(&token).map(|(_, request)| (token, request.clone()))
    }

    /// What the answered request was for; `None` for a token never given or answered before.
    pub(super) fn answered(&mut self, token: u64) -> Option<Purpose> {
        self.open.remove(&token).map(|(purpose, _)| purpose)
    }

    pub(super) fn purpose(&self, token: u64) -> Option<Purpose> {
        self.open.get(&token).map(|(purpose, _)| purpose.clone())
    }

    /// Keeps the request for [`Ledger::retry`].
    pub(super) fn keep(&mut self, token: u64) {
        self.stuck.push_back(token);
    }

    /// Hands out again what is stuck.
    pub(super) fn retry(&mut self) {
        self.fresh.append(&mut self.stuck);
    }

    /// Whether the result of an attempt, what became of a PIN or what a modem learned is still on its way to disk.
    pub(super) fn results_open(&self) -> bool {
        self.open.values().any(|(purpose, _)| {
            matches!(
                purpose,
                Purpose::Close { .. } | Purpose::Late | Purpose::Begin(_) | Purpose::EndPin | Purpose::KeepPast
            )
        })
    }

    /// Whether this very try is being written already.
    pub(super) fn trying_pin(&self, slot: SlotIndex, of: &PinTry) -> bool {
        self.open
            .values()
            .any(|(purpose, _)| matches!(purpose, Purpose::TryPin(s, tried) if *s == slot && tried == of))
    }

    /// Whether this stored place of this modem is being written already (a second `+CMTI` for it).
    pub(super) fn storing(&self, slot: SlotIndex, place: &Place) -> bool {
        self.open
            .values()
            .any(|(purpose, _)| matches!(purpose, Purpose::Store(s, p) if *s == slot && p == place))
    }
}
