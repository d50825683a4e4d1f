//! The command line: parse, run one command, exit code. Each command has its file; what they do stands in the rooms below.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage, 75 try again later, 78 wrong configuration.

mod at;
mod check_config;
mod demo;
mod doctor;
mod door;
mod keys;
mod modems;
mod pdu;
mod provision;
mod run;
mod send;
mod sims;
mod simulate;
mod table;
mod top;
mod trace;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde_json::Value;
use tracing_subscriber::filter::LevelFilter;

use door::{Door, DoorError};

use crate::config::{self, Config};

/// EX_TEMPFAIL of sysexits.h.
const TRY_LATER: u8 = 75;
/// EX_CONFIG of sysexits.h.
const WRONG_CONFIGURATION: u8 = 78;

/// On-premises SMS gateway for hospitals.
#[derive(Debug, Parser)]
#[command(name = "wardwire", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Run(ConfigFile),
    /// Try it out: a virtual bank, the gateway, its API and its status page, all on this machine
    Demo(demo::DemoArgs),
    /// Check a configuration file; all mistakes at once, each with its line
    CheckConfig(ConfigFile),
    /// Find what stands in the way: rivals, drivers, permissions, ports, network, modems, each with its remedy
    Doctor(doctor::DoctorArgs),
    /// Make API keys
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Send a text through the running gateway, or queue it when none runs
    Send(send::SendArgs),
    /// Show the modems of the running gateway, and order one to stop, start or prove itself
    #[command(after_help = modems::EXAMPLES)]
    Modems(modems::ModemsArgs),
    /// Show the SIMs, put one in another's place, give one its PIN
    #[command(after_help = sims::EXAMPLES)]
    Sims(sims::SimsArgs),
    /// Watch modems, SIMs and queue on the terminal
    Top(top::TopArgs),
    /// Send harmless AT commands to a modem through the running gateway, line by line or one
    #[command(after_help = at::EXAMPLES)]
    At(at::AtArgs),
    /// Show what was said to a modem and by it lately
    #[command(after_help = trace::EXAMPLES)]
    Trace(trace::TraceArgs),
    /// Make a setting that a modem keeps, by a recipe, after asking
    #[command(after_help = provision::EXAMPLES)]
    Provision(provision::ProvisionArgs),
    /// Put virtual modems on pseudo-terminals, with a network and handsets behind them
    Simulate(simulate::SimulateArgs),
    /// Read, write and count SMS PDUs
    Pdu(pdu::PduArgs),
}

#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration (TOML); every key is explained in firmware-config/wardwire.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(file) => in_runtime(run::run(file.config)),
        Command::Demo(args) => in_runtime(demo::run(args)),
        Command::CheckConfig(file) => check_config::run(&file.config),
        Command::Doctor(args) => in_runtime(doctor::run(args)),
        Command::Keys(command) => in_runtime(keys::run(command)),
        Command::Send(args) => in_runtime(send::run(args)),
        Command::Modems(args) => in_runtime(modems::run(args)),
        Command::Sims(args) => in_runtime(sims::run(args)),
        Command::Top(args) => in_runtime(top::run(args)),
        Command::At(args) => in_runtime(at::run(args)),
        Command::Trace(args) => in_runtime(trace::run(args)),
        Command::Provision(args) => in_runtime(provision::run(args)),
        Command::Simulate(args) => in_runtime(simulate::run(args)),
        Command::Pdu(args) => pdu::run(&args),
    }
}

fn in_runtime(command: impl Future<Output = ExitCode>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(command);
            // Nothing that still blocks (a port that will not close) may keep the process.
            runtime.shutdown_background();
            code
        }
        Err(error) => fail(&format!("no runtime: {error}")),
    }
}

/// Reads and checks a configuration; prints every mistake.
fn read_config(path: &Path) -> Result<Config, ExitCode> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        eprintln!("{}: {error}", path.display());
        ExitCode::from(WRONG_CONFIGURATION)
    })?;
    config::check(&text, &path.display().to_string()).map_err(|errors| {
        for error in errors {
            eprintln!("{error}");
        }
        ExitCode::from(WRONG_CONFIGURATION)
    })
}

/// Does something through the gateway's door, and closes it again.
async fn through_door(config: &Path, work: impl AsyncFnOnce(&Door) -> Result<ExitCode, DoorError>) -> ExitCode {
    let config = match read_config(config) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let door = match Door::open(config) {
        Ok(door) => door,
        Err(error) => return error.tell(),
    };
    let code = work(&door).await.unwrap_or_else(|error| error.tell());
    door.close().await;
    code
}

/// A text of an answer; empty when it is not there.
fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A count of an answer; 0 when it is not there.
fn count(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}

/// The amount, where the gateway could read one, else the network's words.
fn credit_of(sim: &Value) -> String {
    let balance = sim.get("balance").unwrap_or(&Value::Null);
    let credit = match word(balance, "amount") {
        "" => word(balance, "text").replace('\n', " "),
        amount => amount.to_owned(),
    };
    if flag(balance, "low") {
        format!("{credit} (low)")
    } else {
        credit
    }
}

/// Whether an answer says so; no when it is not there.
fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool) == Some(true)
}

fn fail(what: &str) -> ExitCode {
    eprintln!("wardwire: {what}");
    ExitCode::FAILURE
}

/// Log lines to standard error; the journal adds its own time.
fn log(most: LevelFilter) {
    let format = tracing_subscriber::fmt()
        .with_max_level(most)
        .with_writer(std::io::stderr)
        .with_target(false);
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        format.with_ansi(false).without_time().init();
    } else {
        let colour = std::io::IsTerminal::is_terminal(&std::io::stderr());
        format.with_ansi(colour).init();
    }
}

/// Resolves at SIGTERM or Ctrl-C, also when they came after this call and before it is awaited.
fn told_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        match signals {
            (Ok(mut terminate), Ok(mut interrupt)) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            (Err(_), _) | (_, Err(_)) => {
                let _ = tokio::signal::ctrl_c().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
