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
    /// Only in this part of the recipient's day; over midnight where it ends before it begins
    #[arg(long, value_name = "HH:MM-HH:MM", value_parser = window)]
    window: Option<Window>,
    /// The recipient's time zone, as Europe/Dublin; that of the site unless given
    #[arg(long, requires = "window", value_name = "ZONE")]
    timezone: Option<String>,
    /// Wait until the message is final; fails when it was not delivered
    #[arg(long)]
    wait: bool,
    /// Give up waiting after this many seconds
    #[arg(long, default_value_t = 300, requires = "wait", value_name = "SECONDS")]
    timeout: u64,
}

/// A part of the day as the API takes it: four digits each. Whether there are such times is the gateway's to say.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Window {
    start: String,
    finish: String,
}

fn window(text: &str) -> Result<Window, &'static str> {
    let time = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        let digits = [hours, minutes].concat();
        let plain = hours.len() == 2 && digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then_some(digits)
    };
    let read = |(start, finish)| {
        Some(Window {
            start: time(start)?,
            finish: time(finish)?,
        })
    };
    text.split_once('-')
        .and_then(read)
        .ok_or("write two times of 24 hours, as 09:00-20:00")
}

fn body(args: &SendArgs) -> Value {
    let mut body = json!({ "to": args.to, "body": args.text });
    if let (Some(Window { start, finish }), Some(fields)) = (&args.window, body.as_object_mut()) {
        let window = json!({ "start": start, "finish": finish, "tz": args.timezone });
        fields.insert("window".to_owned(), window);
    }
    body
}

pub(super) async fn run(args: SendArgs) -> ExitCode {
    super::through_door(&args.config, async |door| send(door, &args).await).await
}

async fn send(door: &Door, args: &SendArgs) -> Result<ExitCode, DoorError> {
    let answer = door.want(Method::POST, "/v1/messages", Some(&body(args))).await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: SendArgs,
    }

    fn parsed(options: &[&str]) -> Result<Value, String> {
        let line = ["send", "--config", "w.toml", "--to", "0871234567", "--text", "Hello"];
        let line = Line::try_parse_from(line.iter().chain(options)).map_err(|error| error.to_string())?;
        Ok(body(&line.args))
    }

    #[test]
    fn a_window_goes_along_as_the_api_takes_it() {
        assert_eq!(parsed(&[]), Ok(json!({"to": "0871234567", "body": "Hello"})));
        let with = |options: &[&str]| parsed(options).unwrap()["window"].clone();
        let window = json!({"start": "0900", "finish": "2000", "tz": null});
        assert_eq!(with(&["--window", "09:00-20:00"]), window);
        let night = json!({"start": "2200", "finish": "0630", "tz": "Europe/Dublin"});
        assert_eq!(with(&["--window", "22:00-06:30", "--timezone", "Europe/Dublin"]), night);
    }

    #[test]
    fn what_is_no_window_is_refused_before_anything_is_asked() {
        for text in [
            "",
            "09:00",
            "0900-2000",
            "9:00-20:00",
            "09:00-20",
            "09:00-20:000",
            "09:00-20:0x",
            "09:00 - 20:00",
            "09:00-20:00-21:00",
        ] {
            let said = parsed(&["--window", text]).unwrap_err();
            assert!(said.contains("as 09:00-20:00"), "{text}: {said}");
        }
        assert!(
            parsed(&["--timezone", "Europe/Dublin"])
                .unwrap_err()
                .contains("--window")
        );
    }
}
