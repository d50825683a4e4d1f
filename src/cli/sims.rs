//! `wardwire sims`: the SIMs ever seen, in a table; a successor for one; a PIN or PUK, read from the terminal and never from
//! the command line, where others could see it.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use axum::http::Method;
use clap::{Args, Subcommand};
use rustix::termios::{LocalModes, OptionalActions, isatty, tcgetattr, tcsetattr};
use serde_json::{Value, json};

use super::door::{Door, DoorError};
use super::modems::segment;
use super::table::{or_dash, table};
use super::{count, credit_of, flag, through_door, word};

pub(super) const EXAMPLES: &str = "A SIM is named by its id, by the last digits of its ICCID, or by the slot it is in.

Examples:
  wardwire sims --config /etc/wardwire/wardwire.toml
  wardwire sims --config /etc/wardwire/wardwire.toml replace 1234 5678   5678 sends from now on, 1234 only receives
  wardwire sims --config /etc/wardwire/wardwire.toml pin rack-3          asks for the PIN
  wardwire sims --config /etc/wardwire/wardwire.toml credit rack-3 '*100#'
  wardwire sims --config /etc/wardwire/wardwire.toml forbidden rack-3    the networks it was turned away from";

#[derive(Debug, Args)]
pub(super) struct SimsArgs {
    /// The configuration of the gateway
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// JSON, as GET /v1/sims gives it
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<SimsCommand>,
}

#[derive(Debug, Subcommand)]
enum SimsCommand {
    /// Put NEW in the place of OLD: OLD only receives from now on, its people are texted through NEW
    Replace {
        /// The SIM that is to receive only
        old: String,
        /// The SIM that sends in its place
        new: String,
    },
    /// Give a SIM its PIN, read from the terminal or from standard input; once, and only with tries to spare
    Pin {
        /// The SIM, or the slot of the modem that it locks
        sim: String,
        /// Unlock with the PUK: asks for it and for the PIN from then on
        #[arg(long)]
        puk: bool,
    },
    /// Ask the network for the credit of a SIM (USSD), and keep the answer
    Credit {
        /// The SIM
        sim: String,
        /// The code of the operator, e.g. *100#
        code: String,
    },
    /// Show the networks that turned the SIM away: it tries none of them again by itself
    Forbidden {
        /// The SIM, or the slot it is in
        sim: String,
        /// Empty the list, and look for a network anew; texts of this SIM wait meanwhile
        #[arg(long)]
        clear: bool,
    },
}

pub(super) async fn run(args: SimsArgs) -> ExitCode {
    through_door(&args.config, async |door| match &args.command {
        None => show(door, args.json).await,
        Some(SimsCommand::Replace { old, new }) => replace(door, old, new).await,
        Some(SimsCommand::Pin { sim, puk }) => pin(door, sim, *puk).await,
        Some(SimsCommand::Credit { sim, code }) => credit(door, sim, code).await,
        Some(SimsCommand::Forbidden { sim, clear }) => forbidden(door, sim, *clear).await,
    })
    .await
}

async fn show(door: &Door, json: bool) -> Result<ExitCode, DoorError> {
    if json {
        println!("{}", door.want(Method::GET, "/v1/sims", None).await?);
        return Ok(ExitCode::SUCCESS);
    }
    print!("{}", sims_table(&door.rows("/v1/sims").await?));
    Ok(ExitCode::SUCCESS)
}

fn sims_table(sims: &[Value]) -> String {
    let rows: Vec<_> = sims.iter().map(row).collect();
    table(
        [
            "ICCID", "NUMBER", "SLOT", "STATE", "OPERATOR", "PLAN", "CREDIT", "SENT 24H", "ID",
        ],
        &rows,
    )
}

fn row(sim: &Value) -> [String; 9] {
    let iccid = word(sim, "iccid");
    let tail = iccid.get(iccid.len().saturating_sub(4)..).unwrap_or_default();
    let state = if flag(sim, "receive_only") {
        format!("{}, receives only", word(sim, "state"))
    } else {
        word(sim, "state").to_owned()
    };
    let credit = credit_of(sim);
    [
        if tail.is_empty() {
            "-".to_owned()
        } else {
            format!("…{tail}")
        },
        or_dash(word(sim, "number")),
        or_dash(word(sim, "slot")),
        state,
        or_dash(word(sim, "operator")),
        or_dash(word(sim, "plan")),
        or_dash(&credit),
        count(sim, "sent_24h").to_string(),
        word(sim, "id").to_owned(),
    ]
}

async fn replace(door: &Door, old: &str, new: &str) -> Result<ExitCode, DoorError> {
    let path = format!("/v1/sims/{}/replace", segment(old)?);
    door.want(Method::POST, &path, Some(&json!({ "by": segment(new)? })))
        .await?;
    println!("{old} receives only from now on; {new} sends in its place");
    Ok(ExitCode::SUCCESS)
}

async fn pin(door: &Door, sim: &str, puk: bool) -> Result<ExitCode, DoorError> {
    let path = format!("/v1/sims/{}/pin", segment(sim)?);
    let body = if puk {
        json!({ "puk": secret("PUK")?, "new_pin": secret("new PIN")? })
    } else {
        json!({ "pin": secret("PIN")? })
    };
    door.want(Method::POST, &path, Some(&body)).await?;
    println!("{sim} took it");
    Ok(ExitCode::SUCCESS)
}

/// A line from the terminal, which does not show it, or from standard input.
fn secret(what: &str) -> Result<String, DoorError> {
    let stdin = std::io::stdin();
    let shown = isatty(&stdin).then(|| tcgetattr(&stdin).ok()).flatten();
    if let Some(shown) = &shown {
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        let _ = tcsetattr(&stdin, OptionalActions::Flush, &hidden);
        eprint!("{what}: ");
        let _ = std::io::stderr().flush();
    }
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if let Some(shown) = &shown {
        let _ = tcsetattr(&stdin, OptionalActions::Flush, shown);
        eprintln!();
    }
    let code = line.trim().to_owned();
    match read {
        Ok(_) if !code.is_empty() => Ok(code),
        Ok(_) | Err(_) => Err(DoorError::Refused(format!("no {what} was given"))),
    }
}

async fn credit(door: &Door, sim: &str, code: &str) -> Result<ExitCode, DoorError> {
    let path = format!("/v1/sims/{}/ussd", segment(sim)?);
    let body = json!({ "code": code, "balance": true });
    let answer = door.want(Method::POST, &path, Some(&body)).await?;
    println!("{}", word(&answer, "text"));
    Ok(ExitCode::SUCCESS)
}

async fn forbidden(door: &Door, sim: &str, clear: bool) -> Result<ExitCode, DoorError> {
    let path = format!("/v1/sims/{}/forbidden-networks", segment(sim)?);
    if clear {
        door.want(Method::DELETE, &path, None).await?;
        println!("{sim} may use every network again and looks for one: wardwire modems shows what it finds");
        return Ok(ExitCode::SUCCESS);
    }
    let answer = door.want(Method::GET, &path, None).await?;
    let networks = answer.get("networks").and_then(Value::as_array);
    match networks.filter(|networks| !networks.is_empty()) {
        None => println!("no network has turned {sim} away"),
        Some(networks) => networks
            .iter()
            .filter_map(Value::as_str)
            .for_each(|network| println!("{network}")),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_each_sim_by_what_a_person_can_read_on_the_card() {
        let sims = [
            json!({"id": "sim_1", "iccid": "***************1234", "number": "+353850000001", "slot": "rack-1",
                   "state": "ready", "operator": "Example Mobile", "plan": "500 a month",
                   "balance": {"text": "12.40\nEUR", "at": "x"}, "receive_only": false, "sent_24h": 12}),
            json!({"id": "sim_2", "iccid": null, "number": null, "slot": "rack-2", "state": "absent",
                   "operator": null, "plan": null, "balance": null, "receive_only": true, "sent_24h": 0}),
            json!({"id": "sim_3", "iccid": null, "number": null, "slot": "rack-3", "state": "ready", "operator": null, "plan": null,
                   "balance": {"text": "You have 2.40 EUR", "amount": "2.40", "low": true}, "receive_only": false, "sent_24h": 0}),
        ];
        let shown = sims_table(&sims);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[1].starts_with("…1234  +353850000001  rack-1"), "{shown}");
        assert!(lines[1].contains("12.40 EUR"), "{shown}");
        assert!(lines[2].contains("absent, receives only"), "{shown}");
        assert!(lines[3].contains(" 2.40 (low) "), "{shown}");
    }
}
