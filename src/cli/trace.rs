//! `wardwire trace`: what was said to a modem and by it lately, as the gateway kept it in memory.

use std::path::PathBuf;
use std::process::ExitCode;

use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};

use super::modems::segment;
use super::through_door;

pub(super) const EXAMPLES: &str =
    "Numbers, texts and codes are masked, unless the trace was kept whole for some minutes; that is on record.

Examples:
  wardwire trace --config /etc/wardwire/wardwire.toml --modem rack-3
  wardwire trace --config /etc/wardwire/wardwire.toml --modem rack-3 --whole-for 10   then try it, then read it
  wardwire trace --config /etc/wardwire/wardwire.toml --modem rack-3 --whole-for 0    masks it again";

#[derive(Debug, Args)]
pub(super) struct TraceArgs {
    /// The configuration of the gateway
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The modem: its slot, or its id
    #[arg(long)]
    modem: String,
    /// Show nothing, but keep the trace whole for these minutes (at most 60), in memory only; 0 ends it
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(0..=60))]
    whole_for: Option<u64>,
}

pub(super) async fn run(args: TraceArgs) -> ExitCode {
    through_door(&args.config, async |door| {
        let path = format!("/v1/modems/{}/trace", segment(&args.modem)?);
        if let Some(minutes) = args.whole_for {
            let body = json!({ "minutes": minutes });
            door.want(Method::POST, &format!("{path}/raw"), Some(&body)).await?;
            match minutes {
                0 => println!("{} masks its trace again", args.modem),
                _ => println!("{} keeps its trace whole for {minutes} min", args.modem),
            }
            return Ok(ExitCode::SUCCESS);
        }
        let trace = door.want(Method::GET, &path, None).await?;
        for line in trace.get("lines").and_then(Value::as_array).into_iter().flatten() {
            println!("{}", line.as_str().unwrap_or_default());
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}
