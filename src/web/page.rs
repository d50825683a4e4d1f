//! Renders the status page. Every word that came from a modem or a file is escaped.

use std::fmt::Write;

use wardwire_core::gateway::status::State;
use wardwire_core::queue::state::MessageStatus;

use super::html::{escape, time};
use super::modems;
use crate::api::{Recent, Status};

/// The whole page with the first state in it, so that it says something without its script, too.
pub(super) fn whole(status: &Status, pilot: bool) -> String {
    include_str!("assets/page.html")
        .replace("{{version}}", env!("CARGO_PKG_VERSION"))
        .replace("{{inside}}", &inside(status, pilot))
}

/// What changes: sentence, counts, modems, texts.
pub(super) fn inside(status: &Status, pilot: bool) -> String {
    let mut html = String::with_capacity(8 * 1024);
    // Writing to a String cannot fail.
    let _ = hero(&mut html, status);
    if pilot {
        html.push_str(
            "<p class=\"note\"><strong>Pilot.</strong> Only the numbers on the pilot list are texted; every other text \
             is held.</p>",
        );
    }
    let _ = numbers(&mut html, status);
    html.push_str("<div class=\"columns\">");
    let _ = modems::list(&mut html, status);
    let _ = recent(&mut html, status);
    html.push_str("</div>");
    html
}

fn hero(html: &mut String, status: &Status) -> std::fmt::Result {
    let (word, icon) = match status.state {
        State::Ok => ("Reachable", "<path d=\"M15 25l7 7 12-15\"/>"),
        State::Slow => ("Careful", "<path d=\"M24 13v14\"/><path d=\"M24 34.5v.5\"/>"),
        State::Down => ("Not reachable", "<path d=\"M16.5 16.5l15 15M31.5 16.5l-15 15\"/>"),
    };
    let state = status.state.as_str();
    write!(
        html,
        "<section class=\"hero {state}\" data-state=\"{state}\"><svg class=\"sign\" viewBox=\"0 0 48 48\" \
         aria-hidden=\"true\"><circle cx=\"24\" cy=\"24\" r=\"21\"/>{icon}</svg><div><p class=\"word\">{word}</p>\
         <h1 role=\"status\">{}",
        escape(&status.sentence.before)
    )?;
    if let Some(at) = status.sentence.at {
        time(html, at)?;
    }
    write!(html, "{}</h1><p class=\"proof\">", escape(status.sentence.after))?;
    match status.facts.proven_at {
        Some(at) => {
            html.push_str("Last text accepted by the network at ");
            time(html, at)?;
            html.push('.');
        }
        None => html.push_str("The network has not accepted a text yet."),
    }
    html.push_str("</p></div></section>");
    Ok(())
}

fn numbers(html: &mut String, status: &Status) -> std::fmt::Result {
    let counts = &status.counts;
    html.push_str("<section class=\"numbers\" aria-label=\"Today\">");
    let mut tile = |name: &str, count: u64, class: &str, below: &str| {
        let class = if count == 0 { "zero" } else { class };
        write!(
            html,
            "<div class=\"tile {class}\"><span class=\"count\">{count}</span><span class=\"name\">{name}</span>\
             <span class=\"below\">{below}</span></div>"
        )
    };
    let waited = counts.oldest_due_at.map(|at| status.at.since(at).as_secs());
    tile("waiting now", counts.waiting, "", &waiting(waited))?;
    tile("sent", counts.sent, "", "accepted by the network")?;
    tile("delivered", counts.delivered, "good", "confirmed by the phone")?;
    tile("failed", counts.failed, "bad", "could not be sent or delivered")?;
    tile("received", counts.received, "", "replies and other texts")?;
    let open = counts.held + counts.unknown;
    if open > 0 {
        let stale = match counts.stale {
            0 => String::new(),
            n => format!(" ({n} too late after an outage)"),
        };
        let below = format!("{} held{stale}, {} not certain", counts.held, counts.unknown);
        tile("to look at", open, "warn", &below)?;
    }
    html.push_str("</section><p class=\"since\">Sent, delivered, failed and received: today, since ");
    time(html, status.day_began_at)?;
    html.push_str(".</p>");
    Ok(())
}

/// How long the oldest waits, coarse enough not to change with every look.
fn waiting(seconds: Option<u64>) -> String {
    match seconds {
        None => "the queue is empty".to_owned(),
        Some(0..=59) => "the oldest for less than a minute".to_owned(),
        Some(s @ 60..=7_199) => format!("the oldest for {} min", s / 60),
        Some(s) => format!("the oldest for {} h", s / 3600),
    }
}

fn recent(html: &mut String, status: &Status) -> std::fmt::Result {
    html.push_str("<section class=\"texts\"><h2>Newest texts <small>without number or words</small></h2>");
    if status.recent.is_empty() {
        html.push_str("<p class=\"empty\">None since the gateway started. Each one shows here as it goes through.</p>");
    }
    html.push_str("<ol>");
    for text in &status.recent {
        text_row(html, text)?;
    }
    html.push_str("</ol></section>");
    Ok(())
}

fn text_row(html: &mut String, text: &Recent) -> std::fmt::Result {
    let (word, step, class) = telling(text.status);
    let id = text.id.to_string();
    let short = id.get(id.len().saturating_sub(5)..).unwrap_or(&id);
    write!(
        html,
        "<li class=\"text {class}\" data-key=\"{id}\" data-word=\"{word}\">"
    )?;
    time(html, text.created_at)?;
    write!(
        html,
        "<span class=\"id\" title=\"{id}\">…{short}</span><span class=\"parts\">"
    )?;
    match text.parts {
        Some(1) => html.push_str("1 part"),
        Some(n) => write!(html, "{n} parts")?,
        None => {}
    }
    html.push_str("</span><span class=\"track\" aria-hidden=\"true\">");
    for at in 1..=4 {
        html.push_str(if at <= step { "<i class=\"on\"></i>" } else { "<i></i>" });
    }
    write!(html, "</span><span class=\"state\">{word}</span></li>")
}

/// The words for people, how far the text got of four steps (taken on, sending, sent, on the phone), and its colour.
fn telling(status: MessageStatus) -> (&'static str, u8, &'static str) {
    match status {
        MessageStatus::Scheduled => ("Planned", 1, ""),
        MessageStatus::Held => ("Held for a person", 1, "warn"),
        MessageStatus::Queued | MessageStatus::Assigned => ("Waiting", 1, ""),
        MessageStatus::Submitting => ("Sending", 2, "going"),
        MessageStatus::Sent => ("Sent, no receipt yet", 3, "going"),
        MessageStatus::Delivered => ("Delivered to the phone", 4, "good"),
        MessageStatus::Unknown => ("Not certain", 2, "warn"),
        MessageStatus::Undelivered | MessageStatus::Expired => ("Not delivered", 3, "bad"),
        MessageStatus::Failed => ("Could not be sent", 2, "bad"),
        MessageStatus::PartiallyDelivered | MessageStatus::PartiallySent => ("Only part got through", 3, "bad"),
        MessageStatus::Canceled => ("Withdrawn", 1, "quiet"),
        MessageStatus::Blocked => ("Not sent on purpose", 1, "quiet"),
    }
}
