//! Which attempt a delivery report speaks of. TP-MR has 8 bits and wraps, modems name wrong ones, reports come late, early,
//! twice, never or with the number in another form. So a report is believed only when it can mean one attempt:
//!
//! - by its reference alone ([`by_reference`]), where the modem's word on that reference continues the SIM's count and no
//!   other attempt claims it;
//! - else by what is left over ([`weigh`]): as many reports as attempts that they can speak of belong to them in order.
//!
//! Everything else is held, and weighed again when another attempt has had its word. A message that stays "sent" or
//! "unknown" is honest; a wrong "delivered" is not.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use crate::base::{AttemptId, UtcTime};

/// Our clock and the SMSC's may differ by this when a report is matched to an accepted attempt.
const CLOCKS: Duration = Duration::from_secs(15 * 60);
/// The same where the reference proves nothing: there the time is half of the evidence.
pub const RIVALRY: Duration = Duration::from_secs(3 * 60);
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
    /// It says that the phone has the part.
    pub delivered: bool,
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
    /// Ids go up as attempts are written, whatever the clock does.
    pub id: AttemptId,
    /// What is known of it.
    pub fate: Fate,
    /// Equal for two attempts of one part, different for all others.
    pub part: usize,
    /// TP-MR it was accepted under, as the modem says.
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

impl Candidate {
    /// It was accepted under this reference, as the modem says.
    fn claims(&self, tp_mr: u8) -> bool {
        self.fate == Fate::Accepted && self.tp_mr == Some(tp_mr)
    }

    /// Whether the modem's word on its reference is to be believed: it continues the SIM's count (or nothing is known of
    /// that). A modem that makes references up, or tells the same one always, does not.
    fn is_sure(&self) -> bool {
        self.fate == Fate::Accepted
            && self.tp_mr.is_some()
            && self.expected_tp_mr.is_none_or(|mr| self.tp_mr == Some(mr))
    }

    /// Whether the report came while word of this attempt was awaited.
    fn is_open(&self, report: ReportFacts) -> bool {
        self.written_at <= report.received_at + AHEAD && report.received_at <= self.wait_until
    }
}

/// The place of the accepted attempt that the report names by its reference; `None` when none does beyond doubt.
///
/// `candidates` hold all accepted attempts of the SIM with this TP-MR whose report is awaited.
#[must_use]
pub fn by_reference(report: ReportFacts, candidates: &[Candidate]) -> Option<usize> {
    let referenced = || {
        candidates
            .iter()
            .enumerate()
            .filter(|(_, c)| c.is_open(report) && c.claims(report.tp_mr))
    };
    if let Some(at) = report.smsc_timestamp {
        let mut equal = referenced().filter(|(_, c)| c.smsc_timestamp == Some(at));
        if let (Some((place, _)), None) = (equal.next(), equal.next()) {
            return Some(place);
        }
    }
    let timely = referenced()
        .filter(|(_, c)| c.same_number != Some(false))
        .filter(|(_, c)| within(report, c, CLOCKS));
    let (place, candidate) = nearest(report, timely)?;
    candidate.is_sure().then_some(place)
}

/// Which of the reports speaks of which attempt, as (place in `reports`, place in `candidates`): those that are clear
/// beyond doubt although their reference does not settle it. The first report is the one to be weighed, the others are
/// held ones of the same SIM and number; a later word on the same submit is not among them.
///
/// `candidates` hold all accepted attempts of the SIM with the first report's TP-MR, and of the number all in flight,
/// without an outcome, or accepted with their report still awaited that were written within [`RIVALRY`] of any report.
/// They must be whole: what is missing could be what a report means.
#[must_use]
pub fn weigh(reports: &[ReportFacts], candidates: &[Candidate]) -> Vec<(usize, usize)> {
    let Some(&first) = reports.first() else {
        return Vec::new();
    };
    // Without the time of the submit it may mean anything of the last days.
    let Some(at) = first.smsc_timestamp else {
        return Vec::new();
    };
    let own = owners(first, candidates);
    let by_clock = own
        .is_empty()
        .then(|| of_a_wrong_clock(first, candidates))
        .flatten()
        .or_else(|| of_one_part(first, &own, candidates));
    if let Some(place) = by_clock {
        return vec![(0, place)];
    }
    let near: Vec<usize> = reports
        .iter()
        .enumerate()
        .filter(|(_, r)| r.smsc_timestamp.is_some_and(|other| distance(at, other) <= RIVALRY))
        .map(|(place, _)| place)
        .collect();
    in_order(reports, &[0], candidates)
        .or_else(|| in_order(reports, &near, candidates))
        .unwrap_or_default()
}

/// Attempts that the report may speak of: of its number and time. Where one claims its reference, those that surely have
/// another one are none.
fn owners(report: ReportFacts, candidates: &[Candidate]) -> Vec<usize> {
    let may = |c: &Candidate| c.is_open(report) && c.same_number != Some(false) && within(report, c, RIVALRY);
    let claimed = candidates.iter().any(|c| may(c) && c.claims(report.tp_mr));
    let elsewhere = |c: &Candidate| claimed && c.is_sure() && !c.claims(report.tp_mr);
    let places = candidates.iter().enumerate().filter(|(_, c)| may(c) && !elsewhere(c));
    places.map(|(place, _)| place).collect()
}

/// The SMSC's clock may be wrong by hours: where nothing was written at its time, the only one with the reference.
fn of_a_wrong_clock(report: ReportFacts, candidates: &[Candidate]) -> Option<usize> {
    let mut referenced = candidates
        .iter()
        .enumerate()
        .filter(|(_, c)| c.is_open(report) && c.claims(report.tp_mr) && c.same_number != Some(false));
    let (place, candidate) = referenced.next()?;
    (candidate.is_sure() && referenced.next().is_none()).then_some(place)
}

/// Whichever attempt it means: the phone has the part.
fn of_one_part(report: ReportFacts, own: &[usize], candidates: &[Candidate]) -> Option<usize> {
    let parts = || own.iter().filter_map(|place| Some((*place, candidates.get(*place)?)));
    let (_, first) = parts().next()?;
    let one = parts().all(|(_, c)| c.part == first.part && believable(report, c));
    (report.delivered && one).then(|| own.last().copied()).flatten()
}

/// As many reports as attempts that they can speak of: each has its own, and a SIM's references and the SMSC's times go
/// up as its submits do.
fn in_order(reports: &[ReportFacts], near: &[usize], candidates: &[Candidate]) -> Option<Vec<(usize, usize)>> {
    let mut told: Vec<(usize, ReportFacts)> = near.iter().filter_map(|at| Some((*at, *reports.get(*at)?))).collect();
    let mut own: Vec<(usize, Candidate)> = told
        .iter()
        .flat_map(|(_, report)| owners(*report, candidates))
        .filter_map(|place| Some((place, *candidates.get(place)?)))
        .collect();
    own.sort_by_key(|(_, c)| c.id);
    own.dedup_by_key(|(place, _)| *place);
    let base = told.first()?.1.tp_mr;
    told.sort_by_key(|(_, report)| (report.smsc_timestamp, report.tp_mr.wrapping_sub(base).cast_signed()));
    let fits = told.len() == own.len()
        && told.iter().zip(&own).all(|((_, report), (_, candidate))| {
            believable(*report, candidate)
                && candidate.same_number != Some(false)
                && within(*report, candidate, RIVALRY)
        });
    fits.then(|| told.iter().zip(&own).map(|(report, own)| (report.0, own.0)).collect())
}

/// Whether nothing the modem said speaks against it, and something for it: the number, or the reference.
fn believable(report: ReportFacts, candidate: &Candidate) -> bool {
    // The modem may have retried, and used a reference more, before it went silent.
    let expected = candidate
        .expected_tp_mr
        .is_some_and(|mr| report.tp_mr == mr || report.tp_mr == mr.wrapping_add(1));
    let referenced = match candidate.fate {
        Fate::InFlight => return false,
        Fate::Accepted if candidate.is_sure() && !candidate.claims(report.tp_mr) => return false,
        Fate::Accepted => candidate.claims(report.tp_mr),
        Fate::Unknown => expected,
    };
    referenced || candidate.same_number == Some(true)
}

/// Whether the SMSC's time of the submit fits the attempt's. A report without a time is weighed by its arrival.
fn within(report: ReportFacts, candidate: &Candidate, clocks: Duration) -> bool {
    report
        .smsc_timestamp
        .is_none_or(|at| distance(at, candidate.written_at) <= clocks)
}

/// The only one; of several (the reference came round, or was made up) the one whose time alone fits the SMSC's.
fn nearest<'a>(
    report: ReportFacts,
    candidates: impl Iterator<Item = (usize, &'a Candidate)>,
) -> Option<(usize, &'a Candidate)> {
    let mut all: Vec<(usize, &Candidate)> = candidates.collect();
    if let (Some(at), 2..) = (report.smsc_timestamp, all.len()) {
        all.retain(|(_, c)| distance(at, c.written_at) <= RIVALRY);
    }
    match all.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

fn distance(a: UtcTime, b: UtcTime) -> Duration {
    a.since(b).max(b.since(a))
}

#[cfg(test)]
mod tests;
