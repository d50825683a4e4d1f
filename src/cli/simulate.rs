//! `wardwire simulate`: a bank of virtual modems on ptys, for technicians, integrators and tests.

use std::fs::File;
use std::io::{self, BufRead, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Deserialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use wardwire_core::base::limits::MODEMS;
use wardwire_core::simulator::{Accepted, Air, AirEvent, Fault, Faults, Model, Options, ReportsWhileClosed};

use crate::clock;
use crate::serial::bank::{Act, Injector, Journal, Speaker, Wire, spawn_bank};

/// Run a bank of virtual modems on pseudo-terminals.
///
/// Prints `ready` when all ports can be opened. Each line of JSON on standard input,
/// {"modem":0,"from":"+353871234567","text":"..."}, is sent to the SIM in that modem; {"modem":0,"do":"unplug"} does something
/// to it: unplug, plug, usb-reset, power-cycle, call, cure, lock-sim (its PIN is 1234), or a fault by its name. The end of the
/// input changes nothing. SIGTERM or Ctrl-C ends the bank and removes the ports.
#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// How many modems.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=MODEMS as u64))]
    modems: usize,
    /// What the modems are, over and over; without it a mix of all models.
    #[arg(long = "model", value_name = "NAME[,NAME..]", value_delimiter = ',', value_parser = model)]
    models: Vec<&'static Model>,
    /// Where the ports are named modem0, modem1 and on; made when missing.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Milliseconds from Ctrl-Z to the result.
    #[arg(long, value_name = "M", default_value_t = 0)]
    latency_ms: u64,
    /// Everything random follows from it; the same seed gives the same modems.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Milliseconds from acceptance to the delivery report, at least; half as much again at most.
    #[arg(long, value_name = "M", default_value_t = 800)]
    report_delay_ms: u64,
    /// What becomes of a delivery report while no program has the port open.
    #[arg(long, value_name = "WHAT", default_value = "lose")]
    reports_while_closed: WhileClosed,
    /// Append what the air saw to this file, one line of JSON for each event.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Append what goes over the lines to this file, one line of JSON each, with the microsecond: what the program says as
    /// soon as it was read, what the modem says just before it can be heard.
    #[arg(long, value_name = "FILE")]
    wire: Option<PathBuf>,
    /// Places of every storage for messages; without it as many as the model has.
    #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=255))]
    places: Option<usize>,
    /// Make something go wrong that often per thousand; may be repeated, the last counts. `all` is every
    /// fault that passes by itself, `lasting` every other.
    #[arg(long = "fault", value_name = "NAME=PERMILLE", value_parser = fault)]
    faults: Vec<FaultRate>,
}

/// What becomes of a delivery report while no program has the port open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WhileClosed {
    /// It is gone, as with real modems.
    Lose,
    /// The network keeps it until a program listens.
    Keep,
}

/// One `--fault`: which, and how often per thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FaultRate(Which, u16);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// Every one that passes by itself; forgets what was said before.
    Passing,
    /// Every other.
    Lasting,
    One(Fault),
}

fn model(name: &str) -> Result<&'static Model, String> {
    let names = || Model::ALL.map(|model| model.name).join(", ");
    Model::of_name(name).ok_or_else(|| format!("known are {}", names()))
}

fn fault(text: &str) -> Result<FaultRate, String> {
    let names = || Fault::ALL.map(Fault::as_str).join(", ");
    let (name, rate) = text.split_once('=').ok_or("write NAME=PERMILLE")?;
    let rate: u16 = rate
        .parse()
        .ok()
        .filter(|rate| *rate <= 1_000)
        .ok_or("the rate is 0 to 1000")?;
    match name {
        "all" => Ok(FaultRate(Which::Passing, rate)),
        "lasting" => Ok(FaultRate(Which::Lasting, rate)),
        _ => match name.parse() {
            Ok(fault) => Ok(FaultRate(Which::One(fault), rate)),
            Err(_) => Err(format!("known are all, lasting, {}", names())),
        },
    }
}

impl SimulateArgs {
    fn options(&self) -> Options {
        let rate = |faults: Faults, FaultRate(which, rate): &FaultRate| match which {
            Which::One(fault) => faults.with(*fault, *rate),
            Which::Passing => Faults::all(*rate),
            Which::Lasting => faults.with_lasting(*rate),
        };
        let mix = || Model::ALL.to_vec();
        Options {
            modems: self.modems,
            seed: self.seed,
            latency: Duration::from_millis(self.latency_ms),
            report_delay: Duration::from_millis(self.report_delay_ms),
            reports_while_closed: match self.reports_while_closed {
                WhileClosed::Lose => ReportsWhileClosed::Lose,
                WhileClosed::Keep => ReportsWhileClosed::Keep,
            },
            places: self.places,
            models: if self.models.is_empty() {
                mix()
            } else {
                self.models.clone()
            },
            faults: self.faults.iter().fold(Faults::none(), rate),
            ..Options::default()
        }
    }
}

/// Runs the bank until SIGTERM, SIGINT or an error, which is told on standard error.
pub(super) async fn run(args: SimulateArgs) -> ExitCode {
    match simulate(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wardwire simulate: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn simulate(args: &SimulateArgs) -> io::Result<()> {
    // Before anybody may send them.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut bank = spawn_bank(args.options(), &args.dir, journal(args)?, wire(args)?)?;
    println!("ready");
    io::stdout().flush()?;
    tokio::spawn(inject_lines(bank.injector(), lines_of_stdin()));
    tokio::select! {
        ended = bank.ended() => return ended,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    bank.stop().await
}

fn journal(args: &SimulateArgs) -> io::Result<Journal> {
    let Some(path) = &args.journal else {
        return Ok(Box::new(|_: &[AirEvent]| Ok(())));
    };
    let mut file = File::options().create(true).append(true).open(path)?;
    Ok(Box::new(move |seen| {
        let mut lines = String::new();
        for event in seen {
            lines.push_str(&to_json(event).to_string());
            lines.push('\n');
        }
        // One write for what happened at once, straight to the kernel: a killed simulator loses none of it.
        file.write_all(lines.as_bytes())
    }))
}

fn wire(args: &SimulateArgs) -> io::Result<Option<Wire>> {
    let Some(path) = &args.wire else {
        return Ok(None);
    };
    let mut file = File::options().create(true).append(true).open(path)?;
    Ok(Some(Box::new(move |modem, speaker, octets| {
        let speaker = match speaker {
            Speaker::Driver => "driver",
            Speaker::Modem => "modem",
        };
        let said = String::from_utf8_lossy(octets);
        let us = clock::unix_micros();
        let line = serde_json::json!({ "us": us, "modem": modem, "by": speaker, "said": said });
        file.write_all(format!("{line}\n").as_bytes())
    })))
}

/// Standard input can only be read by a thread that blocks; it ends with the process.
fn lines_of_stdin() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// A line of the input: a text for a SIM, or something done to a modem.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Inbound(Inbound),
    Deed(Deed),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inbound {
    modem: usize,
    from: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deed {
    modem: usize,
    #[serde(rename = "do")]
    what: String,
}

fn act(what: &str) -> Result<Act, String> {
    Ok(match what {
        "unplug" => Act::Unplug,
        "plug" => Act::Plug,
        "usb-reset" => Act::UsbReset,
        "power-cycle" => Act::PowerCycle,
        "call" => Act::Call,
        "cure" => Act::Cure,
        "lock-sim" => Act::LockSim,
        fault => Act::Fault(fault.parse().map_err(|_| "neither a deed nor a fault has this name")?),
    })
}

async fn inject_lines(injector: Injector, mut lines: mpsc::Receiver<String>) {
    let mut number = 0_u64;
    while let Some(line) = lines.recv().await {
        number += 1;
        if line.trim().is_empty() {
            continue;
        }
        if let Err(problem) = take_line(&injector, &line).await {
            eprintln!("wardwire simulate: line {number}: {problem}");
        }
    }
}

async fn take_line(injector: &Injector, line: &str) -> Result<(), String> {
    const FORM: &str = r#"not of the form {"modem":0,"from":"+353...","text":"..."} or {"modem":0,"do":"unplug"}"#;
    match serde_json::from_str(line).map_err(|_| FORM)? {
        Line::Inbound(Inbound { modem, from, text }) => {
            let injected = injector.inject(modem, from, text).await;
            injected.map(drop).map_err(|error| error.to_string())
        }
        Line::Deed(Deed { modem, what }) => injector
            .act(modem, act(&what)?)
            .await
            .map_err(|error| error.to_string()),
    }
}

/// The form of an event in the journal file.
fn to_json(event: &AirEvent) -> serde_json::Value {
    let mut json = match &event.what {
        Air::Accepted(accepted) => accepted_to_json(accepted),
        Air::Refused { cause, recipient } => serde_json::json!({ "cause": cause, "to": recipient }),
        Air::Dropped {
            recipient,
            place,
            tp_mr,
        } => serde_json::json!({ "to": recipient, "place": place, "tp_mr": tp_mr }),
        Air::Reported {
            submission,
            tp_mr,
            tp_st,
        } => {
            serde_json::json!({ "submission": submission, "tp_mr": tp_mr, "tp_st": tp_st })
        }
        Air::ReportLost { submission } => serde_json::json!({ "submission": submission }),
        Air::Sent {
            inbound,
            from,
            text,
            parts,
        } => {
            serde_json::json!({ "inbound": inbound, "from": from, "text": text, "parts": parts })
        }
        Air::Stored { inbound, memory, index } => {
            serde_json::json!({ "inbound": inbound, "memory": memory, "index": index })
        }
        Air::Routed { inbound } => serde_json::json!({ "inbound": inbound }),
        Air::Deleted { inbound, memory, index } => {
            serde_json::json!({ "inbound": inbound, "memory": memory, "index": index })
        }
        Air::Fault(fault) => serde_json::json!({ "fault": fault.as_str() }),
    };
    if let Some(fields) = json.as_object_mut() {
        fields.insert("at".into(), event.at.utc.to_string().into());
        fields.insert("modem".into(), event.modem.into());
        fields.insert("event".into(), event.what.name().into());
    }
    json
}

fn accepted_to_json(accepted: &Accepted) -> serde_json::Value {
    let concat = accepted.concat.map(|(reference, total, sequence)| {
        serde_json::json!({ "reference": reference, "total": total, "sequence": sequence })
    });
    let tpdu: String = accepted.tpdu.iter().map(|octet| format!("{octet:02X}")).collect();
    serde_json::json!({
        "submission": accepted.submission,
        "iccid": accepted.iccid,
        "from": accepted.from,
        "to": accepted.recipient,
        "tp_mr": accepted.tp_mr,
        "concat": concat,
        "text": accepted.text,
        "report_requested": accepted.report_requested,
        "tpdu": tpdu,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: SimulateArgs,
    }

    fn parse(line: &str) -> Result<Options, clap::Error> {
        let words = line.split_whitespace();
        Cli::try_parse_from(["simulate", "--dir", "/x"].into_iter().chain(words)).map(|cli| cli.args.options())
    }

    #[test]
    fn the_last_rate_of_a_fault_counts() {
        let options = parse("--fault all=50 --fault hang=0 --fault noise=1000").unwrap();
        let rates = [Fault::Restart, Fault::Hang, Fault::Noise].map(|fault| options.faults.per_mille(fault));
        assert_eq!(rates, [50, 0, 1_000]);
        for wrong in ["hang", "hang=", "hang=1001", "hung=5", "=5"] {
            assert!(parse(&format!("--fault {wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn models_are_chosen_by_name_or_are_a_mix() {
        let names = |line| -> Vec<&str> { parse(line).unwrap().models.iter().map(|model| model.name).collect() };
        assert_eq!(names("--model simcom-sim800,generic"), ["simcom-sim800", "generic"]);
        assert_eq!(names("").len(), Model::ALL.len());
        assert!(parse("--model teapot").is_err());
    }

    #[test]
    fn faults_that_last_are_asked_for_by_themselves() {
        let options = parse("--fault all=5 --fault lasting=7").unwrap();
        let rates = [Fault::Hang, Fault::DeadForEver].map(|fault| options.faults.per_mille(fault));
        assert_eq!(rates, [5, 7]);
        assert_eq!(parse("--fault all=5").unwrap().faults.per_mille(Fault::DeadForEver), 0);
    }

    #[test]
    fn what_is_done_to_a_modem_has_a_name() {
        assert_eq!(act("unplug"), Ok(Act::Unplug));
        assert_eq!(act("deaf"), Ok(Act::Fault(Fault::Deaf)));
        assert!(act("kick").is_err());
    }

    #[test]
    fn the_number_of_modems_has_bounds() {
        assert_eq!(parse("").unwrap().modems, 4);
        assert_eq!(parse("--modems 256").unwrap().modems, 256);
        assert!(parse("--modems 0").is_err());
        assert!(parse("--modems 257").is_err());
    }

    #[test]
    fn an_event_says_when_where_and_what() {
        let event = AirEvent {
            at: wardwire_core::base::Now::default(),
            modem: 2,
            what: Air::Stored {
                inbound: 7,
                memory: "ME",
                index: 1,
            },
        };
        let text = to_json(&event).to_string();
        let expected =
            r#"{"at":"1970-01-01T00:00:00.000Z","event":"stored","inbound":7,"index":1,"memory":"ME","modem":2}"#;
        assert_eq!(text, expected);
    }
}
