//! Which attempt a delivery report speaks of. TP-MR has 8 bits and wraps, reports come late, early, twice or with the
//! number in another form; so a report is weighed against the few attempts that it may mean.

use core::time::Duration;

use crate::base::UtcTime;

/// Our clock and the SMSC's may differ by this when a report is matched to an accepted attempt.
const CLOCKS: Duration = Duration::from_secs(15 * 60);
/// The same for an attempt whose outcome is unknown: there the time is half of the evidence.
const CLOCKS_OF_UNKNOWN: Duration = Duration::from_secs(3 * 60);
/// A report may seem to come before its attempt by this: the clock was set back.
const AHEAD: Duration = Duration::from_secs(2 * 60);

/// What a report says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportFacts {
    /// TP-Message-Reference.
    pub tp_mr: u8,
    /// TP-Service-Centre-Time-Stamp, where it is a time.
    pub smsc_timestamp: Option<UtcTime>,
    /// When it came, by our clock.
    pub received_at: UtcTime,
}

/// What is known of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was accepted, and its report is still awaited.
    Accepted,
    /// The modem has not answered yet.
    InFlight,
    /// The modem gave no answer.
    Unknown,
}

/// An attempt of the same SIM whose fate is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What is known of it.
    pub fate: Fate,
    /// TP-MR it was accepted under.
    pub tp_mr: Option<u8>,
    /// TP-MR that was expected when it was written.
    pub expected_tp_mr: Option<u8>,
    /// When it was written, by our clock.
    pub written_at: UtcTime,
    /// Reports for it are believed until then: validity plus 48 h.
    pub wait_until: UtcTime,
    /// SMSC time stamp of its acceptance, where the modem told.
    pub smsc_timestamp: Option<UtcTime>,
    /// Whether the report's number is the recipient; `None` when the report has no number to compare.
    pub same_number: Option<bool>,
}

/// Whether a number in the report's form is the recipient's: they agree in their last nine digits, or in as many as the
/// shorter one has.
#[must_use]
pub fn same_number(recipient: &str, reported: &str) -> Option<bool> {
    let reported = reported.strip_prefix('+').unwrap_or(reported);
    let recipient = recipient.strip_prefix('+').unwrap_or(recipient);
    if reported.is_empty() || !reported.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // A national form may begin with a trunk prefix (0, in some plans 8 or 06): it is no part of the number.
    let trimmed = reported.trim_start_matches('0');
    let length = recipient.len().min(trimmed.len()).min(9);
    let end = |digits: &str| -> Option<u64> { digits.get(digits.len().checked_sub(length)?..)?.parse().ok() };
    Some(length > 0 && end(recipient) == end(trimmed))
}

/// The place of the attempt in `candidates` that the report speaks of; `None` when none fits well enough.
///
/// An accepted attempt with this TP-MR goes before an unknown one. `candidates` hold the accepted ones with this TP-MR, and
/// of the report's number all without an outcome and all accepted ones whose report is still awaited.
#[must_use]
pub fn match_report(report: ReportFacts, candidates: &[Candidate]) -> Option<usize> {
    let open = || {
        candidates
            .iter()
            .enumerate()
            .filter(|(_, c)| c.written_at <= report.received_at + AHEAD && report.received_at <= c.wait_until)
    };
    let referenced = || open().filter(|(_, c)| c.fate == Fate::Accepted && c.tp_mr == Some(report.tp_mr));
    if let Some(at) = report.smsc_timestamp
        && let Some((place, _)) = referenced().find(|(_, c)| c.smsc_timestamp == Some(at))
    {
        return Some(place);
    }
    let numbered = || referenced().filter(|(_, c)| c.same_number != Some(false));
    let timely = || numbered().filter(|(_, c)| within(report, c, CLOCKS));
    if let Some(place) = nearest(report, timely()) {
        return Some(place);
    }
    // The SMSC's clock may be wrong by hours: then only a single one is believed.
    let mut rest = numbered();
    if let (Some((place, _)), None) = (rest.next(), rest.next()) {
        return Some(place);
    }
    unknown(report, open())
}

/// Evidence for an attempt without an outcome. A report proves it only when it can speak of nothing else: another attempt
/// to the same number that still waits for its own word (in flight, unknown too, or accepted under a reference that a
/// lying modem made up) may be meant as well, and a wrong "delivered" is worse than an honest "unknown". Such a report is
/// held, and weighed again when the other has had its word.
fn unknown<'a>(report: ReportFacts, open: impl Iterator<Item = (usize, &'a Candidate)>) -> Option<usize> {
    let mut fitting = open
        .filter(|(_, c)| c.same_number != Some(false))
        .filter(|(_, c)| within(report, c, CLOCKS_OF_UNKNOWN));
    let (place, candidate) = fitting.next()?;
    // The modem may have retried, and used a reference more, before it went silent.
    let expected = candidate
        .expected_tp_mr
        .is_some_and(|mr| report.tp_mr == mr || report.tp_mr == mr.wrapping_add(1));
    let fits = candidate.fate == Fate::Unknown && (expected || candidate.same_number == Some(true));
    (fits && fitting.next().is_none()).then_some(place)
}

/// Whether the SMSC's time of the submit fits the attempt's. A report without a time is weighed by its arrival.
fn within(report: ReportFacts, candidate: &Candidate, clocks: Duration) -> bool {
    report
        .smsc_timestamp
        .is_none_or(|at| distance(at, candidate.written_at) <= clocks)
}

/// The one written closest before the SMSC's time (else closest after); without that time the newest.
fn nearest<'a>(report: ReportFacts, candidates: impl Iterator<Item = (usize, &'a Candidate)>) -> Option<usize> {
    let key = |candidate: &Candidate| match report.smsc_timestamp {
        Some(at) => (candidate.written_at > at, distance(at, candidate.written_at)),
        None => (false, distance(UtcTime::from_millis(i64::MAX), candidate.written_at)),
    };
    candidates.min_by_key(|(_, c)| key(c)).map(|(place, _)| place)
}

fn distance(a: UtcTime, b: UtcTime) -> Duration {
    a.since(b).max(b.since(a))
}

#[cfg(test)]
mod tests;
