//! `wardwire send`: one text from the terminal.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};

use super::door::{Door, DoorError};
use super::flag;

/// How often `--wait` looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// The configuration of the gateway
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Where to: E.164 (+353871234567), or national form of the site's region
    #[arg(long)]
    to: String,
    /// The text
    #[arg(long)]
    text: String,
    /// Wait until the message is final; fails when it was not delivered
    #[arg(long)]
    wait: bool,
    /// Give up waiting after this many seconds
    #[arg(long, default_value_t = 300, requires = "wait", value_name = "SECONDS")]
    timeout: u64,
}

pub(super) async fn run(args: SendArgs) -> ExitCode {
    super::through_door(&args.config, async |door| send(door, &args).await).await
}

async fn send(door: &Door, args: &SendArgs) -> Result<ExitCode, DoorError> {
    let body = json!({ "to": args.to, "body": args.text });
    let answer = door.want(Method::POST, "/v1/messages", Some(&body)).await?;
    let word = |value: &Value, key: &str| super::word(value, key).to_owned();
    let id = word(&answer, "id");
    println!("{id} {}", word(&answer, "status"));
    if !args.wait {
        return Ok(ExitCode::SUCCESS);
    }
    if door.is_local() {
        eprintln!("wardwire: no gateway runs; the message is queued and goes out when one does");
        return Ok(ExitCode::from(super::TRY_LATER));
    }
    wait(door, &id, word(&answer, "status"), Duration::from_secs(args.timeout)).await
}

async fn wait(door: &Door, id: &str, mut status: String, limit: Duration) -> Result<ExitCode, DoorError> {
    let end = tokio::time::Instant::now() + limit;
    loop {
        let (_, message) = door.ask(Method::GET, &format!("/v1/messages/{id}"), None).await?;
        let now = message.get("status").and_then(Value::as_str).unwrap_or_default();
        if now != status {
            status = now.to_owned();
            println!("{id} {status}");
        }
        if flag(&message, "final") {
            let reached = status == "delivered" || status == "sent";
            return Ok(if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        if tokio::time::Instant::now() >= end {
            eprintln!("wardwire: still {status} after {} s", limit.as_secs());
            return Ok(ExitCode::from(super::TRY_LATER));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
