//! `wardwire keys`: API keys, whether or not a daemon runs.

use std::path::PathBuf;
use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::door::{Door, DoorError, problem};

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key and print it alone; it is shown this once
    Create(CreateArgs),
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// The configuration of the gateway
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What the key is for
    #[arg(long)]
    label: String,
    /// What it may do, e.g. messages:send,messages:read,messages:read_body
    #[arg(long, value_delimiter = ',', required = true)]
    scope: Vec<String>,
    /// Whose messages it sends and reads; `default` owns inbound that belongs to no other
    #[arg(long, default_value = "default")]
    service: String,
}

pub(super) async fn run(KeysCommand::Create(args): KeysCommand) -> ExitCode {
    let body = json!({ "label": args.label, "scopes": args.scope, "service": args.service });
    super::through_door(&args.config, async |door| {
        let key = create(door, &body).await?.map_err(DoorError::Refused)?;
        println!("{key}");
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// The key, or what the gateway says against it.
pub(super) async fn create(door: &Door, body: &Value) -> Result<Result<String, String>, DoorError> {
    let (status, answer) = door.ask(Method::POST, "/v1/api-keys", Some(body)).await?;
    match answer.get("key").and_then(Value::as_str) {
        Some(key) if status == 201 => Ok(Ok(key.to_owned())),
        Some(_) | None => Ok(Err(problem(&answer))),
    }
}
