//! Between the words of modem and codec and those of the queue. Nothing is decided here.

use super::snapshot::ModemState;
use crate::base::{ModemId, Originator, SimId, UtcTime};
use crate::dispatch::score::Ended;
use crate::modem::{self, SubmitResult, Tpdu};
use crate::queue::classify::{History, Verdict, classify};
use crate::queue::verbs::{
    Answer, AttemptResult, Concat, DueMessage, DuePart, InboundPart, PinEnd, PinTried, Report, Request, Silence,
};
use crate::sms::{self, Deliver, Direction, Reading, StatusReport, SubmitOptions};

/// The SMS-SUBMIT for a part; what is left of the validity goes along. `None` for a part no codec of ours made.
pub(super) fn submit(message: &DueMessage, part: &DuePart, now: UtcTime) -> Option<Tpdu> {
    let options = SubmitOptions {
        tp_mr: 0,
        validity: Some(message.valid_until.since(now)),
        status_report: message.delivery_report,
    };
    let octets = sms::submit(&part.content, &message.recipient, options).ok()?;
    Tpdu::from_slice(&octets).ok()
}

pub(super) fn attempt_result(result: &SubmitResult) -> AttemptResult {
    match result {
        SubmitResult::Accepted { tp_mr, ack } => AttemptResult::Accepted {
            tp_mr: *tp_mr,
            smsc_timestamp: ack.as_ref().and_then(|ack| acknowledged_at(ack.as_octets())),
        },
        SubmitResult::NotSent(why) => AttemptResult::NotSent(answer(*why)),
        SubmitResult::Failed { answer: why, took } => AttemptResult::Failed {
            answer: answer(*why),
            took: *took,
        },
        SubmitResult::NoAnswer(silence) => AttemptResult::NoAnswer(match silence {
            modem::Silence::Timeout => Silence::Timeout,
            modem::Silence::ModemReset => Silence::ModemReset,
            modem::Silence::PortLost => Silence::PortLost,
        }),
    }
}

/// What a result tells of the SIM: a refusal that would follow the message to any SIM tells nothing.
pub(super) fn ended(result: &SubmitResult, report: bool) -> Ended {
    let history = History { attempts: 1, seed: 0 };
    match classify(attempt_result(result), history) {
        Verdict::Accepted { .. } => Ended::Accepted { report },
        Verdict::Unknown => Ended::Unknown,
        Verdict::Never => Ended::NotItsFault,
        Verdict::NotSent { .. } if matches!(result, SubmitResult::NotSent(modem::Answer::Withdrawn)) => {
            Ended::NotItsFault
        }
        Verdict::Later { .. } | Verdict::OtherSim { .. } | Verdict::NotSent { .. } => Ended::Failed,
    }
}

fn answer(answer: modem::Answer) -> Answer {
    match answer {
        modem::Answer::Cms(code) => Answer::Cms(code),
        modem::Answer::Cme(code) => Answer::Cme(code),
        modem::Answer::Error => Answer::Error,
        modem::Answer::NoPrompt => Answer::NoPrompt,
        modem::Answer::Withdrawn => Answer::Withdrawn,
    }
}

/// TP-SCTS of an SMS-SUBMIT-REPORT (23.040 clause 9.2.2.2a), where it can be read.
fn acknowledged_at(octets: &[u8]) -> Option<UtcTime> {
    match sms::decode(octets, Direction::Inbound, Reading::Tolerant).ok()?.tpdu {
        sms::Tpdu::SubmitReport(report) => report.scts.to_utc(),
        sms::Tpdu::Deliver(_)
        | sms::Tpdu::DeliverReport(_)
        | sms::Tpdu::Submit(_)
        | sms::Tpdu::StatusReport(_)
        | sms::Tpdu::Command(_) => None,
    }
}

/// What the store is to keep of a received TPDU. What cannot be read is kept as it came: nothing is dropped here.
pub(super) fn received((modem, sim): (ModemId, SimId), tpdu: &Tpdu) -> Request {
    match sms::decode(tpdu, Direction::Inbound, Reading::Tolerant).map(|decoded| decoded.tpdu) {
        Ok(sms::Tpdu::StatusReport(report)) => Request::Report(status_report(sim, &report, tpdu)),
        Ok(sms::Tpdu::Deliver(deliver)) => Request::Receive(inbound(modem, sim, &deliver, tpdu)),
        Ok(sms::Tpdu::DeliverReport(_) | sms::Tpdu::Submit(_) | sms::Tpdu::SubmitReport(_) | sms::Tpdu::Command(_))
        | Err(_) => Request::Receive(InboundPart {
            sim,
            modem,
            from: Originator::new(""),
            smsc_timestamp: None,
            concat: None,
            raw: tpdu.to_vec(),
        }),
    }
}

fn status_report(sim: SimId, report: &StatusReport, raw: &Tpdu) -> Report {
    Report {
        sim,
        tp_mr: report.tp_mr,
        recipient: Originator::from(&report.recipient),
        tp_st: report.status.0,
        smsc_timestamp: report.scts.to_utc(),
        discharged_at: report.discharge_time.to_utc(),
        raw: raw.to_vec(),
    }
}

fn inbound(modem: ModemId, sim: SimId, deliver: &Deliver, raw: &Tpdu) -> InboundPart {
    let concat = deliver.user_data.concatenation().map(|element| Concat {
        reference: element.reference.value(),
        bits: element.reference.bits(),
        total: element.total,
        sequence: element.sequence,
    });
    InboundPart {
        sim,
        modem,
        from: Originator::from(&deliver.originator),
        smsc_timestamp: deliver.scts.to_utc(),
        concat,
        raw: raw.to_vec(),
    }
}

/// What the store says to a PIN, in the modem's words.
pub(super) const fn pin_answer(tried: PinTried) -> modem::PinAnswer {
    match tried {
        PinTried::Written => modem::PinAnswer::Give,
        PinTried::Refused => modem::PinAnswer::Refused,
        PinTried::Unanswered => modem::PinAnswer::Unanswered,
    }
}

/// What became of a PIN, in the store's words.
pub(super) const fn pin_end(end: modem::PinEnd) -> PinEnd {
    match end {
        modem::PinEnd::Taken => PinEnd::Taken,
        modem::PinEnd::Refused => PinEnd::Refused,
        modem::PinEnd::NotGiven => PinEnd::NotGiven,
    }
}

pub(super) const fn state(state: modem::State) -> ModemState {
    match state {
        modem::State::Absent => ModemState::Absent,
        modem::State::Starting => ModemState::Starting,
        modem::State::Ready => ModemState::Ready,
        modem::State::Degraded(_) => ModemState::Degraded,
        modem::State::Recovering(_) => ModemState::Recovering,
        modem::State::Failed(_) => ModemState::Failed,
        modem::State::Quarantined(_) => ModemState::Quarantined,
        modem::State::Drained => ModemState::Drained,
        modem::State::Disabled => ModemState::Disabled,
    }
}
