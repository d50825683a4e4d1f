//! `wardwire demo`: a virtual bank on ptys and the real gateway against it, with sample texts. It is never in pilot, and
//! nothing leaves the machine.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tracing_subscriber::filter::LevelFilter;
use wardwire_core::base::{MessageId, UtcTime};
use wardwire_core::simulator;

use super::door::{Door, DoorError};
use super::keys;
use crate::clock;
use crate::config::{self, Config};
use crate::daemon::{self, Daemon};
use crate::serial::bank;
use crate::store::{EventKind, Fact, ListFilter, StoreHandle, Subject};

/// Ports tried when 8080 is taken.
const PORTS: std::ops::Range<u16> = 8080..8100;
/// What the demo's key may do: all that the API offers today.
const SCOPES: &str = "messages:send,messages:read,messages:read_body,messages:cancel,batches:send,conversations:read,modems:read,status:read,events:read";

/// Name and text of the samples. The numbers are of no one: they never leave the machine.
const SAMPLES: [(&str, &str, &str); 3] = [
    (
        "short, GSM-7",
        "+353871234567",
        "Reminder: Your appointment with Dr. Smith is on June 20 at 10:00 AM. Reply Y to confirm, R to Reschedule or C to Cancel.",
    ),
    (
        "long, 2 parts",
        "+353861234568",
        "Your appointment in the Day Ward is on June 20 at 10:00. Please fast from midnight, bring a list of your medicines [including those bought without \
         a prescription] and a contact number. The car park costs 3 \u{20ac} an hour; the main entrance is on Hospital Lane.",
    ),
    (
        "emoji, UCS-2",
        "+353851234569",
        "Thank you for coming in today \u{1f44d}\u{1f3fd} Tá fáilte romhat.",
    ),
];

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Virtual modems
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    modems: u16,
    /// Where the demo keeps its data [default: wardwire-demo in the user's state directory]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address to listen on [default: the first free port of 127.0.0.1 from 8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(args: DemoArgs) -> ExitCode {
    super::log(LevelFilter::WARN);
    let data = args.data.clone().unwrap_or_else(default_data);
    let (text, config) = match configure(&args, &data) {
        Ok(configured) => configured,
        Err(why) => return super::fail(&why),
    };
    let options = simulator::Options {
        modems: args.modems.into(),
        seed: u64::from(std::process::id()),
        latency: std::time::Duration::from_millis(400),
        reports_while_closed: simulator::ReportsWhileClosed::Keep,
        ..simulator::Options::default()
    };
    // The data directory is taken before the ptys are made: a second demo must not pull the links from under the first.
    let holding = match daemon::hold(&config) {
        Ok(holding) => holding,
        Err(error) => return super::fail(&format!("{error}; choose another directory with --data")),
    };
    // From here on a stop ends it in order, however early it comes.
    let stop = super::told_to_stop();
    let file = config.data_dir.join("demo.toml");
    if let Err(error) = std::fs::write(&file, text) {
        return super::fail(&format!("{}: {error}", file.display()));
    }
    let bank = match bank::spawn_bank(options, &ports(&data), Box::new(|_| Ok(())), None) {
        Ok(bank) => bank,
        Err(error) => return super::fail(&format!("no virtual modems: {error}")),
    };
    let ended = match Daemon::start(config, holding).await {
        Ok(daemon) => present(daemon, &data, &file, stop).await,
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = bank.stop().await {
        eprintln!("the virtual bank ended: {error}");
    }
    match ended {
        Ok(()) => {
            println!("stopped; the next start finds its data in {}", data.display());
            ExitCode::SUCCESS
        }
        Err(why) => super::fail(&why),
    }
}

fn default_data() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    state
        .or_else(home)
        .unwrap_or_else(std::env::temp_dir)
        .join("wardwire-demo")
}

fn ports(data: &Path) -> PathBuf {
    data.join("ports")
}

/// The demo's configuration as text, and as read through the same door as any other.
fn configure(args: &DemoArgs, data: &Path) -> Result<(String, Config), String> {
    let data = std::path::absolute(data).map_err(|error| format!("{}: {error}", data.display()))?;
    let listen = args.listen.unwrap_or_else(free_address);
    let quoted = |text: &str| Value::from(text).to_string();
    let mut text = format!(
        "data_dir = {}\nregion = \"IE\"\n[http]\nlisten = {}\n[discovery]\nenabled = false\n[sim_defaults]\nper_minute = 0\nburst = 0\nper_hour = 0\nper_day = 0\n\
         [policy]\npilot = false\nallowed_countries = [\"IE\", \"GB\", \"FR\", \"DE\", \"ES\", \"IT\", \"NL\", \"US\"]\n",
        quoted(&data.display().to_string()),
        quoted(&listen.to_string()),
    );
    for index in 0..args.modems {
        let port = ports(&data).join(format!("modem{index}"));
        text.push_str(&format!(
            "[[modem]]\nlabel = \"m{index}\"\nport = {}\n",
            quoted(&port.display().to_string())
        ));
    }
    match config::check(&text, "demo") {
        Ok(config) => Ok((text, config)),
        Err(errors) => Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

/// The first free port, or whichever the system gives.
fn free_address() -> SocketAddr {
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    PORTS
        .map(at)
        .find(|address| TcpListener::bind(address).is_ok())
        .unwrap_or_else(|| at(0))
}

/// Says where it is and what to try, and shows its samples, until `stop`. `file` is its configuration, for the other commands.
async fn present(daemon: Daemon, data: &Path, file: &Path, stop: impl Future<Output = ()>) -> Result<(), String> {
    let door = Door::running(data);
    let key = key(&door, data).await.map_err(|error| error.to_string())?;
    let earlier = earlier(&door).await.map_err(|error| error.to_string())?;
    let address = daemon.address();
    println!("Wardwire demo: virtual modems, a network and handsets; nothing leaves this machine.\n");
    println!("  status page  http://{address}/");
    println!("  API key      {key}");
    println!("  data         {} ({earlier})", data.display());
    println!("  try it:\n");
    println!(
        "curl -sS http://{address}/v1/messages -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \
         -d '{{\"to\":\"+353871234567\",\"body\":\"Hello from curl. Reply Y to confirm.\"}}'\n"
    );
    println!("  look at the bank from another terminal; sims, top, trace and at likewise:\n");
    let program = std::env::current_exe().unwrap_or_else(|_| "wardwire".into());
    println!("{} modems --config {}\n", pasted(&program), pasted(file));
    let facts = daemon.store().subscribe();
    let samples = send_samples(&door).await.map_err(|error| error.to_string())?;
    let store = daemon.store().clone();
    let show = tokio::spawn(show(facts, store, samples));
    println!("Ctrl-C stops it.\n");
    let ended = daemon.run_until(stop).await;
    show.abort();
    ended.map_err(|error| error.to_string())
}

/// A path as a shell takes it.
fn pasted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-".contains(&b);
    if text.bytes().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// The key of the demo: made once, kept beside its data.
async fn key(door: &Door, data: &Path) -> Result<String, DoorError> {
    let path = data.join("demo-key");
    if let Ok(kept) = std::fs::read_to_string(&path) {
        return Ok(kept.trim().to_owned());
    }
    let scopes: Vec<&str> = SCOPES.split(',').collect();
    let body = json!({ "label": "demo", "scopes": scopes, "service": "default" });
    let key = keys::create(door, &body).await?.map_err(DoorError::Refused)?;
    let kept = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path);
    // A key that cannot be kept is made anew next time.
    let _ = kept.and_then(|mut file| writeln!(file, "{key}"));
    Ok(key)
}

async fn earlier(door: &Door) -> Result<&'static str, DoorError> {
    let (_, list) = door.ask(Method::GET, "/v1/messages?limit=1", None).await?;
    let any = list
        .get("data")
        .and_then(Value::as_array)
        .is_some_and(|rows| !rows.is_empty());
    Ok(if any { "with messages of earlier starts" } else { "new" })
}

/// Sends the samples; gives what each is called, by id.
async fn send_samples(door: &Door) -> Result<BTreeMap<String, &'static str>, DoorError> {
    let mut names = BTreeMap::new();
    for (name, to, text) in SAMPLES {
        let body = json!({ "to": to, "body": text });
        let (status, answer) = door.ask(Method::POST, "/v1/messages", Some(&body)).await?;
        match answer.get("id").and_then(Value::as_str) {
            Some(id) if status == 201 => names.insert(id.to_owned(), name),
            Some(_) | None => return Err(DoorError::Refused(super::door::problem(&answer))),
        };
    }
    Ok(names)
}

/// Prints what happens in the store, as it is committed.
async fn show(
    mut facts: tokio::sync::broadcast::Receiver<Fact>,
    store: StoreHandle,
    names: BTreeMap<String, &'static str>,
) {
    loop {
        match facts.recv().await {
            Ok(fact) => show_fact(fact, &store, &names).await,
            Err(RecvError::Lagged(missed)) => println!("          ({missed} more)"),
            Err(RecvError::Closed) => return,
        }
    }
}

async fn show_fact(fact: Fact, store: &StoreHandle, names: &BTreeMap<String, &'static str>) {
    let time = clock_of(clock::now().utc);
    match (fact.kind, fact.subject) {
        (EventKind::MessageStatus(status), Subject::Message(id)) => {
            println!("{time}  {id}  {:<13} {}", name_of(id, names), status.as_str());
        }
        (EventKind::MessageReceived | EventKind::MessageReceivedIncomplete, Subject::Inbound(id)) => {
            let newest = ListFilter {
                limit: 20,
                ..ListFilter::default()
            };
            let rows = store
                .read(move |reader| reader.inbound(fact.service, &newest))
                .await
                .map(|page| page.rows);
            let text = rows
                .unwrap_or_default()
                .into_iter()
                .find(|row| row.id == id)
                .and_then(|row| row.body);
            println!(
                "{time}  {id}  a reply       {:?}",
                text.map(|body| body.reveal().to_owned()).unwrap_or_default()
            );
        }
        (
            EventKind::MessageCreated
            | EventKind::MessageStatus(_)
            | EventKind::MessagePartFailed
            | EventKind::MessageUnknownResolved
            | EventKind::MessageReceived
            | EventKind::MessageReceivedIncomplete
            | EventKind::MessageKept
            | EventKind::SimCapNear(_)
            | EventKind::SimCapReached(_)
            | EventKind::SimSuspect
            | EventKind::SimTrusted
            | EventKind::SimCreditLow
            | EventKind::SimCreditRestored
            | EventKind::BatchStarted
            | EventKind::BatchCompleted
            | EventKind::BatchCanceled,
            _,
        ) => {}
    }
}

fn name_of(id: MessageId, names: &BTreeMap<String, &'static str>) -> &'static str {
    names.get(&id.to_string()).copied().unwrap_or("yours")
}

/// `hh:mm:ss` of an RFC 3339 time.
fn clock_of(at: UtcTime) -> String {
    at.to_string().get(11..19).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_for_a_shell() {
        for (path, word) in [
            ("/var/lib/wardwire-demo/demo.toml", "/var/lib/wardwire-demo/demo.toml"),
            ("/home/Day Ward/demo.toml", "'/home/Day Ward/demo.toml'"),
            ("/home/o'hara/demo.toml", "'/home/o'\\''hara/demo.toml'"),
            ("/home/\u{e9}/$x", "'/home/\u{e9}/$x'"),
        ] {
            assert_eq!(pasted(Path::new(path)), word);
        }
    }
}
