//! What a person decides about a message: that an outcome nobody knows was one or the other, that a message whose moment
//! has passed goes out all the same or not at all.

use wardwire_core::base::{MessageId, ServiceId, UtcTime};
use wardwire_core::queue::error::ErrorCode;
use wardwire_core::queue::state::{HoldReason, MessageStatus, PartState};
use wardwire_core::queue::transition::PartEvent;

use super::handle::{StoreError, StoreHandle};
use super::life::Life;
use super::ops::{Answer, Op};
use super::records::MessageError;
use super::turn::{OpError, Turn};

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The SMSC took every part whose outcome is unknown (P8).
    Accepted,
    /// None of them was sent: they go out again while they may, marked as possible copies (P9), else never (P10).
    NotSent,
    /// A message held as stale goes out after all.
    Release,
    /// A message held as stale never goes out.
    Drop,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It is so.
    Done,
    /// The message is not one to decide this about.
    Conflict(MessageStatus),
    /// It had ended before, this way.
    AlreadyFinal(MessageStatus),
    /// The service has no such message.
    NotFound,
}

/// Decides and writes it.
pub(super) fn decide(
    turn: &mut Turn<'_>,
    service: ServiceId,
    id: MessageId,
    decision: Decision,
) -> Result<Decided, OpError> {
    let Some(mut life) = Life::load(turn, id)?.filter(|life| life.service == service) else {
        return Ok(Decided::NotFound);
    };
    if life.derived.is_final {
        return Ok(Decided::AlreadyFinal(life.derived.status));
    }
    let now = turn.now.utc;
    let fits = match decision {
        Decision::Accepted | Decision::NotSent => unknown(&life).next().is_some(),
        Decision::Release | Decision::Drop => {
            life.derived.status == MessageStatus::Held && life.held == Some(HoldReason::Stale)
        }
    };
    if !fits {
        return Ok(Decided::Conflict(life.derived.status));
    }
    match decision {
        Decision::Accepted => {
            for part in unknown(&life).collect::<Vec<_>>() {
                life.step(part, PartEvent::Accepted, now);
            }
        }
        Decision::NotSent => not_sent(&mut life, now),
        Decision::Release => life.release(now),
        Decision::Drop => life.withdrawn = true,
    }
    life.pass_time(turn);
    life.save(turn)?;
    Ok(Decided::Done)
}

fn unknown(life: &Life) -> impl Iterator<Item = u8> {
    life.parts
        .iter()
        .filter(|part| part.state == PartState::Unknown)
        .map(|part| part.sequence)
}

fn not_sent(life: &mut Life, now: UtcTime) {
    let over = if life.withdrawn {
        Some(ErrorCode::CanceledByUser)
    } else {
        (now >= life.valid_until).then_some(ErrorCode::ExpiredInQueue)
    };
    for part in unknown(life).collect::<Vec<_>>() {
        match over {
            Some(code) => {
                life.step(part, PartEvent::Refused, now);
                let error = MessageError {
                    code,
                    network_code: None,
                };
                life.note(part, |part| part.error = Some(error));
            }
            // The person decides for a moment that has passed, too.
            None => {
                life.release(now);
                life.send_again(part, now);
            }
        }
    }
}

impl StoreHandle {
    /// Writes down what a person decided about a message.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    pub async fn decide(
        &self,
        service: ServiceId,
        message: MessageId,
        decision: Decision,
    ) -> Result<Decided, StoreError> {
        let op = Op::Decide {
            service,
            message,
            decision,
        };
        let Answer::Decided(decided) = self.call(op).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(decided)
    }
}
