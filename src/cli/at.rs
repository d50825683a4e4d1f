//! `wardwire at`: a console to one modem through the running gateway. The gateway decides what may be sent, and writes down
//! each line with who sent it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};

use super::door::{Door, DoorError};
use super::modems::segment;
use super::through_door;

pub(super) const EXAMPLES: &str = "Only commands that ask and change nothing are sent; nothing that reads, sends or deletes texts, dials, or gives a PIN.

Examples:
  wardwire at --config /etc/wardwire/wardwire.toml --modem rack-3 'AT+CSQ'
  wardwire at --config /etc/wardwire/wardwire.toml --modem rack-3          line by line; Ctrl-D ends";

#[derive(Debug, Args)]
pub(super) struct AtArgs {
    /// The configuration of the gateway
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The modem: its slot, or its id
    #[arg(long)]
    modem: String,
    /// One line to send; without it, lines are read from the terminal or from standard input
    #[arg(value_name = "LINE")]
    line: Option<String>,
}

pub(super) async fn run(args: AtArgs) -> ExitCode {
    through_door(&args.config, async |door| {
        let path = format!("/v1/modems/{}/at", segment(&args.modem)?);
        match &args.line {
            Some(line) => send(door, &path, line).await.map(|()| ExitCode::SUCCESS),
            None => converse(door, &path, &args.modem).await,
        }
    })
    .await
}

async fn send(door: &Door, path: &str, line: &str) -> Result<(), DoorError> {
    for answer in ask(door, path, line).await? {
        println!("{answer}");
    }
    Ok(())
}

/// Sends a line and gives what was answered.
pub(super) async fn ask(door: &Door, path: &str, line: &str) -> Result<Vec<String>, DoorError> {
    let answer = door.want(Method::POST, path, Some(&json!({ "line": line }))).await?;
    let lines = answer.get("lines").and_then(Value::as_array).into_iter().flatten();
    Ok(lines.filter_map(|line| line.as_str().map(str::to_owned)).collect())
}

/// Line by line; what one line is refused for does not end the rest.
async fn converse(door: &Door, path: &str, modem: &str) -> Result<ExitCode, DoorError> {
    let stdin = std::io::stdin();
    let prompts = stdin.is_terminal();
    let mut code = ExitCode::SUCCESS;
    loop {
        if prompts {
            print!("{modem}> ");
            let _ = std::io::stdout().flush();
        }
        let mut line = String::new();
        match stdin.lock().read_line(&mut line) {
            Ok(0) => break,
            Ok(_) if line.trim().is_empty() => {}
            Ok(_) => match send(door, path, line.trim()).await {
                Ok(()) => {}
                Err(error @ DoorError::Refused(_)) => code = error.tell(),
                Err(error) => return Err(error),
            },
            Err(error) => return Err(DoorError::Refused(format!("standard input: {error}"))),
        }
    }
    Ok(code)
}
