//! A submit under way, and what the link it kept owes to what comes in.

use super::profile::Timing;
use super::verbs::{AckPdu, Silence, SubmitResult, Tpdu};
use super::why::Answer;
use crate::at::{parse, pdu};
use crate::base::Instant;

/// What the kept link owes to what comes in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Air {
    /// Texts in a row, the link held all along.
    texts: u16,
    /// When the last of them ended.
    pub(super) last: Instant,
    pub(super) until: Instant,
}

impl Air {
    /// A text begins: after a pause as long the link was let go in between.
    pub(super) fn begins(&mut self, now: Instant, timing: &Timing) {
        if now.since(self.last) >= timing.air {
            self.texts = 0;
        }
    }

    /// A text went out.
    pub(super) fn ends(&mut self, now: Instant, timing: &Timing) {
        self.last = now;
        self.texts = self.texts.saturating_add(1);
        if self.texts >= timing.air_every {
            self.texts = 0;
            self.until = now + timing.air;
        }
    }
}

/// A submit under way.
pub(super) struct Submission {
    pub(super) tpdu: Tpdu,
    pub(super) committed: bool,
    pub(super) prompted: bool,
    /// When Ctrl-Z was written.
    pub(super) written_at: Option<Instant>,
    /// Lines that nobody here asked for, until Ctrl-Z was written.
    pub(super) strange_lines: u64,
    /// From `+CMGS`.
    pub(super) told: Option<(u8, Option<AckPdu>)>,
}

impl core::fmt::Debug for Submission {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Submission({} octets, {:?})", self.tpdu.len(), self.written_at)
    }
}

impl Submission {
    pub(super) fn is_written(&self) -> bool {
        self.written_at.is_some()
    }

    /// How it ends when nothing more will be heard.
    pub(super) fn abandoned(&self, silence: Silence) -> SubmitResult {
        match (self.told, self.written_at) {
            (Some((tp_mr, ack)), _) => SubmitResult::Accepted {
                tp_mr: Some(tp_mr),
                ack,
            },
            (None, Some(_)) => SubmitResult::NoAnswer(silence),
            (None, None) => SubmitResult::NotSent(Answer::NoPrompt),
        }
    }

    /// A line of the answer.
    pub(super) fn info(&mut self, line: &str) {
        let rest = parse::split_prefix(line).map_or("", |(_, rest)| rest);
        if let Some((tp_mr, ack)) = parse::submitted(rest) {
            let ack = ack
                .filter(|hex| parse::is_hex(hex))
                .and_then(|hex| AckPdu::from_octets(&acknowledgement(hex)));
            self.told = Some((tp_mr, ack));
        }
    }
}

/// The TPDU in an `<ackpdu>`. Its length is told nowhere: it is what follows the service-centre address.
fn acknowledgement(hex: &str) -> Tpdu {
    let centre = hex
        .get(..2)
        .and_then(|octet| u16::from_str_radix(octet, 16).ok())
        .unwrap_or_default();
    let octets = u16::try_from(hex.len() / 2).unwrap_or_default();
    pdu::pdu(hex, octets.saturating_sub(centre + 1)).tpdu
}
