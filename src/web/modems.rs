//! The modems on the status page: which slot, how it stands and why, what is done about it, how well it hears. Those that need
//! a person come first.

use std::fmt::Write;

use wardwire_core::gateway::snapshot::{ModemSnapshot, ModemState, SignalPeriod};
use wardwire_core::queue::plan::{Budget, Cap};

use super::html::{escape, time};
use crate::api::Status;

/// Milliseconds of one period of the signal's history.
const PERIOD: i64 = 30 * 60 * 1_000;
/// Periods a line is drawn over: a day.
const DAY: i64 = 48;

/// The list.
pub(super) fn list(html: &mut String, status: &Status) -> std::fmt::Result {
    write!(
        html,
        "<section class=\"modems\"><h2>Modems <small>{} of {} ready</small></h2>",
        status.facts.ready, status.facts.modems
    )?;
    if status.bank.modems.is_empty() {
        html.push_str("<p class=\"empty\">No modem is set up. Add a <code>[[modem]]</code> to the configuration.</p>");
    }
    html.push_str("<ul>");
    let mut modems: Vec<&ModemSnapshot> = status.bank.modems.iter().collect();
    modems.sort_by_key(|modem| match modem.state {
        ModemState::Quarantined => 0,
        ModemState::Failed => 1,
        ModemState::Absent
        | ModemState::Starting
        | ModemState::Ready
        | ModemState::Degraded
        | ModemState::Recovering
        | ModemState::Drained
        | ModemState::Disabled => 2,
    });
    for modem in modems {
        row(html, modem)?;
    }
    html.push_str("</ul></section>");
    Ok(())
}

/// A word for the state, and its colour.
fn telling(m: &ModemSnapshot) -> (&'static str, &'static str) {
    match m.state {
        ModemState::Ready if m.receive_only => ("Receives only", "slow"),
        ModemState::Ready if m.busy => ("Sending", "ok busy"),
        ModemState::Ready => ("Ready", "ok"),
        ModemState::Starting => ("Starting", "slow"),
        ModemState::Recovering => ("Being brought back", "slow"),
        ModemState::Degraded => ("Cannot send", "down"),
        ModemState::Absent => ("Not connected", "down"),
        ModemState::Failed => ("Needs a person", "down"),
        ModemState::Quarantined => ("Taken out", "down"),
        ModemState::Drained => ("Drained", "slow"),
        ModemState::Disabled => ("Switched off", "down"),
    }
}

fn row(html: &mut String, m: &ModemSnapshot) -> std::fmt::Result {
    let (word, class) = telling(m);
    write!(
        html,
        "<li class=\"modem {class}\">{}<span class=\"label\">{}</span><span class=\"state\">{word}</span>\
         <span class=\"detail\">{}</span>",
        bars(m.signal_dbm),
        escape(&m.label),
        escape(&detail(m)),
    )?;
    line(html, &m.signal_history)?;
    budgets(html, m)?;
    html.push_str("<span class=\"sent\">");
    match m.paced_until {
        Some(until) => {
            html.push_str("paced until ");
            time(html, until)?;
        }
        None => write!(html, "{} sent", m.sent)?,
    }
    html.push_str("</span></li>");
    Ok(())
}

/// What is used of each budget of its SIM: the fullest is named, all stand in the tip.
fn budgets(html: &mut String, m: &ModemSnapshot) -> std::fmt::Result {
    let share = |b: &Budget| u64::from(b.used) * 1_000 / u64::from(b.limit.max(1));
    let Some(fullest) = m.budgets.iter().max_by_key(|b| share(b)) else {
        return Ok(());
    };
    let words = |b: &Budget| format!("{} of {} {}", b.used, b.limit, unit(b.cap));
    let all: Vec<String> = m.budgets.iter().map(words).collect();
    let class = match share(fullest) {
        800.. => "budget near",
        _ => "budget",
    };
    write!(
        html,
        "<span class=\"{class}\" title=\"{}\">{}</span>",
        all.join(", "),
        words(fullest)
    )
}

fn unit(cap: Cap) -> &'static str {
    match cap {
        Cap::Hour => "this hour",
        Cap::Day => "in 24 h",
        Cap::Month => "this month",
        Cap::Recipients => "people this month",
    }
}

/// Of one that can send, where it is registered and how well it hears; of any other, why it cannot and what is done.
fn detail(m: &ModemSnapshot) -> String {
    let facts = if m.state == ModemState::Ready {
        let signal = m.signal_dbm.map(|dbm| format!("{dbm} dBm"));
        [Some(m.operator.clone()), Some(m.access.to_uppercase()), signal]
    } else {
        let resets = match m.resets_today {
            0 => None,
            1 => Some("1 reset today".to_owned()),
            n => Some(format!("{n} resets today")),
        };
        [Some(m.reason.clone()), Some(m.step.to_owned()), resets]
    };
    let facts: Vec<String> = facts.into_iter().flatten().filter(|fact| !fact.is_empty()).collect();
    facts.join(" · ")
}

/// Four bars; the number of filled ones also in words, for those who cannot see them.
fn bars(dbm: Option<i16>) -> String {
    let filled = match dbm {
        None => 0,
        Some(-75..) => 4,
        Some(-87..=-76) => 3,
        Some(-99..=-88) => 2,
        Some(-109..=-100) => 1,
        Some(_) => 0,
    };
    let mut svg =
        format!("<svg class=\"bars\" viewBox=\"0 0 26 20\" role=\"img\" aria-label=\"signal {filled} of 4\">");
    for bar in 0..4 {
        let class = if bar < filled { "on" } else { "off" };
        let (x, height) = (bar * 7, 5 + bar * 5);
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"5\" height=\"{height}\" rx=\"1.5\"/>",
            20 - height
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The signal of the last day as a line, newest at the right; a gap where nothing was heard. -51 dBm is the top, -113 dBm the
/// bottom. Nothing for less than two periods.
fn line(html: &mut String, history: &[SignalPeriod]) -> std::fmt::Result {
    let (Some(newest), Some(weakest)) = (history.last(), history.iter().map(|p| p.weakest_dbm).min()) else {
        return Ok(());
    };
    if history.len() < 2 {
        return Ok(());
    }
    write!(
        html,
        "<svg class=\"line\" viewBox=\"0 0 96 20\" role=\"img\" aria-label=\"signal of the last day, weakest {weakest} dBm\">\
         <path d=\""
    )?;
    let mut before = None;
    for period in history {
        let age = newest.from.as_millis().saturating_sub(period.from.as_millis()) / PERIOD;
        if age >= DAY {
            continue;
        }
        let place = DAY - 1 - age;
        let verb = if before == Some(place - 1) { 'L' } else { 'M' };
        let height = (i32::from(period.mean_dbm.clamp(-113, -51)) + 113) * 20 / 62;
        write!(html, "{verb}{} {}", place * 2 + 1, 20 - height)?;
        before = Some(place);
    }
    html.push_str("\"/></svg>");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardwire_core::base::UtcTime;

    fn period(half_hour: i64, mean_dbm: i16) -> SignalPeriod {
        SignalPeriod {
            from: UtcTime::from_millis(half_hour * PERIOD),
            weakest_dbm: mean_dbm - 6,
            mean_dbm,
        }
    }

    fn drawn(history: &[SignalPeriod]) -> String {
        let mut html = String::new();
        line(&mut html, history).unwrap();
        html
    }

    #[test]
    fn the_line_ends_now_breaks_at_gaps_and_stays_in_its_box() {
        assert_eq!(drawn(&[]), "");
        assert_eq!(drawn(&[period(5, -80)]), "");
        let html = drawn(&[period(1, -120), period(100, -113), period(101, -82), period(103, -40)]);
        assert!(html.contains("<path d=\"M89 20L91 10M95 0\"/>"), "{html}");
        assert!(html.contains("weakest -126 dBm"), "{html}");
    }

    #[test]
    fn who_cannot_send_says_why_and_what_is_done_about_it() {
        let mut modem = ModemSnapshot {
            state: ModemState::Quarantined,
            reason: "the modem does not answer".to_owned(),
            step: "waiting",
            resets_today: 3,
            ..ModemSnapshot::default()
        };
        assert_eq!(detail(&modem), "the modem does not answer · waiting · 3 resets today");
        modem.state = ModemState::Ready;
        modem.access = "4g";
        modem.receive_only = true;
        assert_eq!((detail(&modem).as_str(), telling(&modem).0), ("4G", "Receives only"));
    }
}
