//! The picture of `wardwire top`. It shows what the gateway told and decides nothing; text from modems and people goes through
//! [`plain`], so that nothing of it can drive the terminal.

use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Sparkline, Table};
use ratatui::{Frame, Terminal};
use serde_json::Value;

use super::super::{count, credit_of, flag, word};
use super::Board;

const QUIET: Style = Style::new().fg(Color::DarkGray);
const HEADING: Style = Style::new().add_modifier(Modifier::BOLD);

/// The picture as text, for paper and pipes.
pub(super) fn on_paper(board: &Board, (width, height): (u16, u16)) -> String {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    match terminal.draw(|frame| draw(board, frame)) {
        Ok(drawn) => text(drawn.buffer),
        Err(never) => match never {},
    }
}

fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width.max(1))) {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

pub(super) fn draw(board: &Board, frame: &mut Frame<'_>) {
    let look = &board.look;
    let failed = u16::try_from(look.failed.len()).unwrap_or_default();
    let rows = |rows: &[Value]| u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(2);
    let [top, rate, modems, sims, failures, foot] = Layout::vertical([
        Constraint::Length(4),
        Constraint::Length(4),
        Constraint::Max(rows(&look.modems)),
        Constraint::Max(rows(&look.sims)),
        Constraint::Length(if failed == 0 { 0 } else { failed + 1 }),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(head(board)), top);
    draw_rate(board, frame, rate);
    let scrolled = usize::from(board.scrolled);
    frame.render_widget(modems_table(look.modems.get(scrolled..).unwrap_or_default()), modems);
    frame.render_widget(sims_table(look.sims.get(scrolled..).unwrap_or_default()), sims);
    frame.render_widget(
        Paragraph::new(failures_lines(&look.failed)).block(titled("Failed last")),
        failures,
    );
    frame.render_widget(Paragraph::new(Line::styled("q ends   ↑ ↓ scroll", QUIET)), foot);
}

/// State and sentence, the queue, what of it will be out when, the day.
fn head(board: &Board) -> Vec<Line<'static>> {
    let status = &board.look.status;
    let state = word(status, "state");
    let mut first = vec![
        Span::styled(
            format!("● {} ", plain(state)),
            colour(state).add_modifier(Modifier::BOLD),
        ),
        Span::styled(plain(word(status, "sentence")), HEADING),
    ];
    if let Some(trouble) = &board.trouble {
        first.push(Span::styled(format!("  (old: {})", plain(trouble)), colour("failed")));
    }
    let at = |pointer: &str| status.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let oldest = match status.pointer("/queue/oldest_seconds").and_then(Value::as_u64) {
        Some(seconds) => format!(" (oldest {})", span(seconds)),
        None => String::new(),
    };
    let queue = format!(
        "waiting {}{oldest}   scheduled {}   held {}   unknown {}   webhooks {}   disk {} % free",
        at("/queue/waiting"),
        at("/scheduled"),
        at("/held"),
        at("/unknown"),
        at("/webhooks/pending"),
        at("/storage/free_percent"),
    );
    let day = format!(
        "today: due {}   sent {}   delivered {}   failed {}   received {}",
        at("/today/due"),
        at("/today/sent"),
        at("/today/delivered"),
        at("/today/failed"),
        at("/today/received"),
    );
    vec![
        Line::from(first),
        Line::from(queue),
        Line::from(by_priority(status)),
        Line::from(day),
    ]
}

/// What waits, by urgency, with the time of day at which the last of it should be out.
fn by_priority(status: &Value) -> String {
    let lanes = status.pointer("/queue/by_priority").and_then(Value::as_array);
    let lane = |lane: &Value| {
        let out = match word(lane, "ready_at").get(11..16) {
            Some(time) => format!("out by {time}"),
            None => "no end in sight".to_owned(),
        };
        format!("{} {} ({out})", plain(word(lane, "priority")), count(lane, "waiting"))
    };
    let lanes: Vec<String> = lanes.into_iter().flatten().map(lane).collect();
    lanes.join("   ")
}

fn draw_rate(board: &Board, frame: &mut Frame<'_>, area: Rect) {
    let now = board.rates.back().copied().unwrap_or_default();
    let most = board.rates.iter().copied().fold(0.0, f64::max);
    let title = format!("Parts a minute: {now:.0} (most {most:.0})");
    let shown = board.rates.len().saturating_sub(usize::from(area.width));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a curve in whole parts"
    )]
    let curve: Vec<u64> = board.rates.iter().skip(shown).map(|rate| rate.round() as u64).collect();
    let line = Sparkline::default()
        .block(titled(&title))
        .data(curve)
        .style(colour("ready"));
    frame.render_widget(line, area);
}

fn modems_table(modems: &[Value]) -> Table<'static> {
    let row = |modem: &Value| {
        let state = word(modem, "state");
        let signal = match modem.pointer("/signal/dbm").and_then(Value::as_i64) {
            Some(dbm) => Span::styled(
                format!("{dbm} dBm"),
                colour(
                    modem
                        .pointer("/signal/quality")
                        .and_then(Value::as_str)
                        .unwrap_or_default(),
                ),
            ),
            None => Span::raw("-"),
        };
        let busy = flag(modem, "busy");
        let doing = [
            word(modem, "reason"),
            word(modem, "step"),
            if busy { "sending" } else { "" },
            &paced(modem),
        ]
        .into_iter()
        .filter(|said| !said.is_empty())
        .map(plain)
        .collect::<Vec<_>>()
        .join("; ");
        Row::new(vec![
            Cell::from(plain(word(modem, "slot"))),
            Cell::from(Span::styled(plain(state), colour(state))),
            Cell::from(count(modem, "score").to_string()),
            Cell::from(signal),
            Cell::from(plain(word(modem, "operator"))),
            Cell::from(plain(word(modem, "access"))),
            Cell::from(count(modem, "sent").to_string()),
            Cell::from(count(modem, "failed").to_string()),
            Cell::from(count(modem, "received").to_string()),
            Cell::from(doing),
        ])
    };
    let widths = [10, 12, 5, 8, 16, 6, 7, 6, 8].map(Constraint::Length);
    let widths = widths.into_iter().chain([Constraint::Fill(1)]);
    Table::new(modems.iter().map(row), widths)
        .header(
            Row::new([
                "MODEM", "STATE", "SCORE", "SIGNAL", "OPERATOR", "RADIO", "SENT", "FAILED", "RECEIVED", "NOW",
            ])
            .style(HEADING),
        )
        .block(Block::new().borders(Borders::TOP))
}

fn paced(modem: &Value) -> String {
    // "2026-11-22T10:47:33.636Z": the time of day is enough.
    match word(modem, "paced_until").get(11..19) {
        Some(time) => format!("paced until {time}"),
        None => String::new(),
    }
}

fn sims_table(sims: &[Value]) -> Table<'static> {
    let row = |sim: &Value| {
        let state = word(sim, "state");
        let receives = flag(sim, "receive_only");
        Row::new(vec![
            Cell::from(plain(word(sim, "number"))),
            Cell::from(plain(word(sim, "slot"))),
            Cell::from(Span::styled(plain(state), colour(state))),
            Cell::from(plain(word(sim, "operator"))),
            Cell::from(count(sim, "sent_24h").to_string()),
            Cell::from(count(sim, "failed_24h").to_string()),
            Cell::from(tightest(sim)),
            Cell::from(plain(&credit_of(sim))),
            Cell::from(if receives {
                "receives only".to_owned()
            } else {
                plain(word(sim, "reason"))
            }),
        ])
    };
    let widths = [16, 10, 14, 16, 9, 11, 16, 14].map(Constraint::Length);
    let widths = widths.into_iter().chain([Constraint::Fill(1)]);
    Table::new(sims.iter().map(row), widths)
        .header(
            Row::new([
                "SIM",
                "SLOT",
                "STATE",
                "OPERATOR",
                "SENT 24H",
                "FAILED 24H",
                "BUDGET",
                "CREDIT",
                "NOTE",
            ])
            .style(HEADING),
        )
        .block(Block::new().borders(Borders::TOP))
}

/// The budget of which least is left.
fn tightest(sim: &Value) -> Span<'static> {
    let budgets = sim.get("budget").and_then(Value::as_array);
    let used = |budget: &&Value| count(budget, "used") * 100 / count(budget, "limit").max(1);
    let Some(budget) = budgets.into_iter().flatten().max_by_key(used) else {
        return Span::raw("");
    };
    let name = match word(budget, "cap") {
        "recipients_per_month" => "people",
        cap => cap.trim_start_matches("per_"),
    };
    let state = match used(&budget) {
        0..80 => "ready",
        80..90 => "near",
        _ => "failed",
    };
    let told = format!("{} {}/{}", plain(name), count(budget, "used"), count(budget, "limit"));
    Span::styled(told, colour(state))
}

/// Without number and text: this is a screen that others see.
fn failures_lines(failed: &[Value]) -> Vec<Line<'static>> {
    let line = |message: &Value| {
        let why = message
            .pointer("/error/detail")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let at = word(message, "final_at").get(11..19).unwrap_or_default().to_owned();
        Line::from(vec![
            Span::styled(format!("{at}  {}  ", plain(word(message, "id"))), QUIET),
            Span::raw(plain(why)),
        ])
    };
    failed.iter().map(line).collect()
}

fn titled(title: &str) -> Block<'static> {
    Block::new().borders(Borders::TOP).title(title.to_owned())
}

/// What is told in words has a colour beside them, never instead.
fn colour(word: &str) -> Style {
    let colour = match word {
        "ok" | "ready" | "good" => Color::Green,
        "down" | "failed" | "quarantined" | "poor" => Color::Red,
        "" => Color::Reset,
        _ => Color::Yellow,
    };
    Style::new().fg(colour)
}

/// Without what a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Seconds as people say them.
fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::top::Look;
    use serde_json::json;

    fn board() -> Board {
        let status = json!({
            "state": "slow", "sentence": "1 of 2 modems cannot send.",
            "queue": { "waiting": 4200, "oldest_seconds": 8000, "by_priority": [
                { "priority": "high", "waiting": 3, "ready_at": "2026-11-22T10:02:00.000Z" },
                { "priority": "bulk", "waiting": 4197, "ready_at": null } ] },
            "today": { "due": 12, "sent": 9, "delivered": 8, "failed": 1, "received": 3 },
            "held": 2, "scheduled": 7, "unknown": 1, "storage": { "free_percent": 52 }, "webhooks": { "pending": 5 }
        });
        let modems = vec![
            json!({ "slot": "rack-1", "state": "ready", "score": 100, "signal": { "dbm": -71, "quality": "good" },
                "operator": "Virtual Mobile", "access": "4g", "sent": 9, "received": 3, "busy": true,
                "paced_until": "2026-11-22T10:47:33.636Z" }),
            json!({ "slot": "rack-2", "state": "quarantined", "reason": "does\u{1b}[2Janswer\nnothing", "step": "tried again in 4 min" }),
        ];
        let sims = vec![
            json!({ "number": "+353855135000", "slot": "rack-1", "state": "ready", "sent_24h": 9,
            "balance": { "text": "5.00 EUR" }, "receive_only": true, "budget": [
                { "cap": "per_hour", "limit": 100, "used": 9 }, { "cap": "recipients_per_month", "limit": 250, "used": 210 } ] }),
        ];
        let failed = vec![json!({ "id": "msg_01", "final_at": "2026-11-22T09:00:01.000Z",
            "error": { "detail": "The network does not know the number." } })];
        Board {
            look: Look {
                status,
                modems,
                sims,
                failed,
            },
            rates: [0.0, 30.0, 60.0, 12.4].into(),
            ..Board::default()
        }
    }

    #[test]
    fn everything_stands_in_the_picture_and_nothing_drives_the_terminal() {
        let picture = on_paper(&board(), (130, 24));
        let lines: Vec<&str> = picture.lines().collect();
        let expected = [
            "● slow 1 of 2 modems cannot send.",
            "waiting 4200 (oldest 2 h)   scheduled 7   held 2   unknown 1   webhooks 5   disk 52 % free",
            "high 3 (out by 10:02)   bulk 4197 (no end in sight)",
            "today: due 12   sent 9   delivered 8   failed 1   received 3",
        ];
        assert_eq!(lines.get(..4), Some(&expected[..]));
        assert!(picture.contains("Parts a minute: 12 (most 60)"), "{picture}");
        for row in [
            "rack-1     ready        100   -71 dBm  Virtual Mobile   4g     9       0      3        sending; paced until 10",
            "rack-2     quarantined  0     -                                0       0      0        does [2Janswer nothing;",
            "+353855135000    rack-1     ready                           9         0           people 210/250   5.00 EUR       receives",
            "09:00:01  msg_01  The network does not know the number.",
        ] {
            assert!(
                lines.iter().any(|line| line.starts_with(row)),
                "{row}\nis not in\n{picture}"
            );
        }
        assert!(!picture.contains('\u{1b}'));
    }

    #[test]
    fn a_small_or_empty_terminal_is_no_error() {
        for size in [(1, 1), (3, 2), (20, 5), (300, 100)] {
            on_paper(&board(), size);
            on_paper(&Board::default(), size);
        }
        assert_eq!(on_paper(&Board::default(), (0, 0)), "\n");
    }

    #[test]
    fn what_scrolled_away_makes_room_for_the_next() {
        let mut board = board();
        board.scrolled = 1;
        let picture = on_paper(&board, (110, 24));
        assert!(!picture.contains("rack-1  "));
        assert!(picture.contains("rack-2"));
    }
}
