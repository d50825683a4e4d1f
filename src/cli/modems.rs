//! `wardwire modems`: how the bank stands, in a table; and the orders a person gives before pulling a modem, or to see
//! whether it works.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::door::{Door, DoorError};
use super::table::{or_dash, table};
use super::{count, flag, through_door, word};

/// How often a test is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) const EXAMPLES: &str = "Examples:
  wardwire modems --config /etc/wardwire/wardwire.toml
  wardwire modems --config /etc/wardwire/wardwire.toml --json
  wardwire modems --config /etc/wardwire/wardwire.toml drain rack-3     before pulling it
  wardwire modems --config /etc/wardwire/wardwire.toml enable rack-3    when it is back
  wardwire modems --config /etc/wardwire/wardwire.toml test rack-3      a text to itself and back";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = false)]
pub(super) struct ModemsArgs {
    /// The configuration of the gateway
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// JSON, as GET /v1/modems gives it
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<ModemsCommand>,
}

#[derive(Debug, Subcommand)]
enum ModemsCommand {
    /// Finish the open text, begin none, go on receiving: before pulling a modem
    Drain(One),
    /// Finish the open text, then say nothing to it until it is enabled
    Disable(One),
    /// Take back drain and disable
    Enable(One),
    /// Restart it by its own command
    Restart(One),
    /// Send a text from its SIM to its own number, and wait until it is back and reported
    Test(One),
}

#[derive(Debug, Args)]
struct One {
    /// The modem: its slot, or its id
    #[arg(value_name = "MODEM")]
    modem: String,
}

pub(super) async fn run(args: ModemsArgs) -> ExitCode {
    through_door(&args.config, async |door| match &args.command {
        None => show(door, args.json).await,
        Some(ModemsCommand::Drain(one)) => order(door, one, "drain", "drained: it receives, but sends nothing").await,
        Some(ModemsCommand::Disable(one)) => order(door, one, "disable", "disabled").await,
        Some(ModemsCommand::Enable(one)) => order(door, one, "enable", "enabled").await,
        Some(ModemsCommand::Restart(one)) => order(door, one, "restart", "restarting").await,
        Some(ModemsCommand::Test(one)) => test(door, one).await,
    })
    .await
}

async fn show(door: &Door, json: bool) -> Result<ExitCode, DoorError> {
    if door.is_local() {
        return Err(DoorError::Later(
            "no gateway runs on this data directory; start it first".to_owned(),
        ));
    }
    if json {
        println!("{}", door.want(Method::GET, "/v1/modems", None).await?);
        return Ok(ExitCode::SUCCESS);
    }
    let modems = door.rows("/v1/modems").await?;
    let sims = door.rows("/v1/sims").await?;
    print!("{}", modems_table(&modems, &sims));
    Ok(ExitCode::SUCCESS)
}

fn modems_table(modems: &[Value], sims: &[Value]) -> String {
    let rows: Vec<_> = modems.iter().map(|modem| row(modem, sims)).collect();
    table(
        [
            "SLOT",
            "STATE",
            "OPERATOR",
            "SIGNAL",
            "SIM",
            "SENT 24H",
            "FAILED 24H",
            "WHY",
        ],
        &rows,
    )
}

fn row(modem: &Value, sims: &[Value]) -> [String; 8] {
    let sim = sims.iter().find(|sim| word(sim, "id") == word(modem, "sim_id"));
    let dbm = modem.pointer("/signal/dbm").and_then(Value::as_i64);
    let tail = |iccid: &str| {
        iccid
            .get(iccid.len().saturating_sub(4)..)
            .map(|tail| format!("…{tail}"))
    };
    let shown = sim
        .and_then(|sim| tail(word(sim, "iccid")))
        .filter(|tail| tail.len() > 4);
    let counted = |key| sim.map_or(0, |sim| count(sim, key)).to_string();
    let mut why = word(modem, "reason").to_owned();
    for more in [
        word(modem, "step"),
        if flag(modem, "receive_only") {
            "receives only"
        } else {
            ""
        },
    ] {
        if !more.is_empty() {
            let between = if why.is_empty() { "" } else { "; " };
            why.push_str(&format!("{between}{more}"));
        }
    }
    [
        word(modem, "slot").to_owned(),
        word(modem, "state").to_owned(),
        or_dash(word(modem, "operator")),
        dbm.map_or_else(|| "-".to_owned(), |dbm| format!("{dbm} dBm")),
        shown.unwrap_or_else(|| "-".to_owned()),
        counted("sent_24h"),
        counted("failed_24h"),
        why,
    ]
}

async fn order(door: &Door, one: &One, action: &str, done: &str) -> Result<ExitCode, DoorError> {
    let path = format!("/v1/modems/{}/{action}", segment(&one.modem)?);
    door.want(Method::POST, &path, None).await?;
    println!("{} {done}", one.modem);
    Ok(ExitCode::SUCCESS)
}

/// A name as one segment of a path; what could not be one names nothing.
pub(super) fn segment(name: &str) -> Result<&str, DoorError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
        let what = format!("{name:?} names no modem and no SIM: letters, digits, dot, dash and underscore are used");
        return Err(DoorError::Refused(what));
    }
    Ok(name)
}

async fn test(door: &Door, one: &One) -> Result<ExitCode, DoorError> {
    let path = format!("/v1/modems/{}/loopback-tests", segment(&one.modem)?);
    let begun = door.want(Method::POST, &path, None).await?;
    let path = format!("{path}/{}", word(&begun, "id"));
    let mut known = [false; 3];
    loop {
        let test = door.want(Method::GET, &path, None).await?;
        for ((key, said), known) in [("submit_ms", "sent"), ("arrive_ms", "back"), ("report_ms", "reported")]
            .into_iter()
            .zip(&mut known)
        {
            if let Some(ms) = test.get(key).and_then(Value::as_u64)
                && !std::mem::replace(known, true)
            {
                println!(
                    "{} {said} after {:.1} s",
                    one.modem,
                    Duration::from_millis(ms).as_secs_f32()
                );
            }
        }
        match word(&test, "state") {
            "pending" => tokio::time::sleep(LOOK_EVERY).await,
            "passed" => {
                println!("{} passed", one.modem);
                return Ok(ExitCode::SUCCESS);
            }
            _ => {
                return Err(DoorError::Refused(format!(
                    "{} failed: {}",
                    one.modem,
                    word(&test, "reason")
                )));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_table_says_of_each_modem_what_a_person_asks_first() {
        let modems = [
            json!({"slot": "rack-1", "state": "ready", "operator": "Example Mobile", "signal": {"dbm": -71},
                   "sim_id": "sim_1", "reason": "", "step": "", "receive_only": true}),
            json!({"slot": "rack-2", "state": "quarantined", "operator": "", "signal": null, "sim_id": null,
                   "reason": "the modem does not answer", "step": "waiting", "receive_only": false}),
        ];
        let sims = [json!({"id": "sim_1", "iccid": "***************1234", "sent_24h": 12, "failed_24h": 1})];
        assert_eq!(
            modems_table(&modems, &sims),
            "SLOT    STATE        OPERATOR        SIGNAL   SIM    SENT 24H  FAILED 24H  WHY\n\
             rack-1  ready        Example Mobile  -71 dBm  …1234  12        1           receives only\n\
             rack-2  quarantined  -               -        -      0         0           the modem does not answer; waiting\n"
        );
    }

    #[test]
    fn a_name_is_one_segment_of_a_path_or_none() {
        assert_eq!(segment("usb-1.1.2").unwrap(), "usb-1.1.2");
        for name in ["", "a/b", "..", "m0?x", "m 0", "é"] {
            assert!(segment(name).is_err(), "{name}");
        }
    }
}
