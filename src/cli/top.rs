//! `wardwire top`: the bank, its SIMs and the queue, looked at again and again on a terminal. What is drawn stands in [`view`];
//! here is when it is asked for and when it ends.

mod view;

use std::collections::VecDeque;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use axum::http::Method;
use clap::Args;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use serde_json::Value;

use super::door::{Door, DoorError};
use super::{count, through_door, told_to_stop};

/// Looks kept for the curve of the rate.
const LOOKS: usize = 240;
/// How long a key is waited for before the time is looked at again.
const KEY_WAIT: Duration = Duration::from_millis(200);
/// Size of a picture that goes to no terminal.
const PAPER: (u16, u16) = (120, 40);

#[derive(Debug, Args)]
pub(super) struct TopArgs {
    /// The configuration of the gateway
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    every: u64,
    /// Print one picture as text and end; so it is too when the output is no terminal
    #[arg(long)]
    once: bool,
}

/// What the gateway told at one moment.
#[derive(Clone, Debug, Default)]
struct Look {
    status: Value,
    modems: Vec<Value>,
    sims: Vec<Value>,
    /// The newest failed messages; empty where this door does not tell them.
    failed: Vec<Value>,
}

/// Everything the picture shows.
#[derive(Debug, Default)]
struct Board {
    look: Look,
    /// Parts a minute between looks, oldest first.
    rates: VecDeque<f64>,
    last: Option<(Instant, u64)>,
    /// Why the last look failed.
    trouble: Option<String>,
    /// Rows of the tables that are above the first one shown.
    scrolled: u16,
}

impl Board {
    fn take(&mut self, at: Instant, look: Look) {
        let sent = look.modems.iter().map(|modem| count(modem, "sent")).sum();
        if let Some((then, before)) = self.last {
            let minutes = at.duration_since(then).as_secs_f64() / 60.0;
            // Counters begin anew with the daemon.
            let more = u64::checked_sub(sent, before).unwrap_or(sent);
            if minutes > 0.0 {
                #[expect(clippy::cast_precision_loss, reason = "counts of one look are small")]
                self.rates.push_back(more as f64 / minutes);
            }
            while self.rates.len() > LOOKS {
                self.rates.pop_front();
            }
        }
        self.last = Some((at, sent));
        self.look = look;
        self.trouble = None;
    }
}

pub(super) async fn run(args: TopArgs) -> ExitCode {
    through_door(&args.config, async |door| {
        if door.is_local() {
            let what = "no gateway runs on this data directory; start it first";
            return Err(DoorError::Later(what.to_owned()));
        }
        let mut board = Board::default();
        board.take(Instant::now(), look(door).await?);
        if args.once || !std::io::stdout().is_terminal() {
            print!("{}", view::on_paper(&board, PAPER));
            return Ok(ExitCode::SUCCESS);
        }
        let mut terminal = ratatui::try_init().map_err(|error| DoorError::Refused(format!("the terminal: {error}")))?;
        let ended = watch(door, &mut terminal, &mut board, Duration::from_secs(args.every)).await;
        ratatui::restore();
        ended.map(|()| ExitCode::SUCCESS)
    })
    .await
}

async fn look(door: &Door) -> Result<Look, DoorError> {
    let status = door.want(Method::GET, "/v1/status", None).await?;
    let (modems, sims) = (door.rows("/v1/modems").await?, door.rows("/v1/sims").await?);
    // Texts belong to services; a door that speaks for none tells of none.
    let failed = door
        .rows("/v1/messages?status=failed&limit=5")
        .await
        .unwrap_or_default();
    Ok(Look {
        status,
        modems,
        sims,
        failed,
    })
}

/// Draws until a person ends it, or a signal does.
async fn watch(
    door: &Door,
    terminal: &mut ratatui::DefaultTerminal,
    board: &mut Board,
    every: Duration,
) -> Result<(), DoorError> {
    let mut next = Instant::now() + every;
    let stop = told_to_stop();
    tokio::pin!(stop);
    loop {
        let drawn = terminal.draw(|frame| view::draw(board, frame));
        drawn.map_err(|error| DoorError::Refused(format!("the terminal: {error}")))?;
        let key = tokio::select! {
            () = &mut stop => return Ok(()),
            key = tokio::task::spawn_blocking(key) => key.unwrap_or(Key::End),
        };
        match key {
            Key::End => return Ok(()),
            Key::Up => board.scrolled = board.scrolled.saturating_sub(1),
            Key::Down => {
                let most = board.look.modems.len().max(board.look.sims.len()).saturating_sub(1);
                board.scrolled = (board.scrolled + 1).min(u16::try_from(most).unwrap_or(u16::MAX));
            }
            Key::None => {}
        }
        if Instant::now() >= next {
            match look(door).await {
                Ok(look) => board.take(Instant::now(), look),
                // A gateway that restarts is waited for; what was seen last stays, and is called old.
                Err(error) => board.trouble = Some(error.to_string()),
            }
            next = Instant::now() + every;
        }
    }
}

enum Key {
    End,
    Up,
    Down,
    None,
}

/// The next key, waited for at most [`KEY_WAIT`].
fn key() -> Key {
    let pressed = match event::poll(KEY_WAIT) {
        Ok(true) => event::read(),
        Ok(false) => return Key::None,
        Err(_) => return Key::End,
    };
    let Ok(pressed) = pressed else { return Key::End };
    let Event::Key(key) = pressed else { return Key::None };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let is = |codes: &[KeyCode]| key.kind != KeyEventKind::Release && codes.contains(&key.code);
    if is(&[KeyCode::Char('q'), KeyCode::Esc]) || (control && is(&[KeyCode::Char('c')])) {
        Key::End
    } else if is(&[KeyCode::Up, KeyCode::Char('k')]) {
        Key::Up
    } else if is(&[KeyCode::Down, KeyCode::Char('j')]) {
        Key::Down
    } else {
        Key::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sent(parts: u64) -> Look {
        Look {
            modems: vec![json!({ "sent": parts }), json!({ "sent": 1 })],
            ..Look::default()
        }
    }

    #[test]
    fn the_rate_is_what_was_sent_between_two_looks_also_when_the_gateway_began_anew() {
        let (mut board, begin) = (Board::default(), Instant::now());
        let after = |seconds| begin + Duration::from_secs(seconds);
        board.take(begin, sent(10));
        assert!(board.rates.is_empty(), "one look tells no rate");
        board.take(after(30), sent(25));
        board.take(after(60), sent(4));
        assert_eq!(board.rates, [30.0, 10.0]);
        for second in 61..1_000 {
            board.take(after(second), sent(4));
        }
        assert_eq!(board.rates.len(), LOOKS);
    }
}
