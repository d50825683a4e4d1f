//! Finds modems by themselves: looks which are plugged in, asks those that nobody has yet who they are, and hands them over
//! with their port open. It decides neither what they are called nor what is sent through them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wardwire_core::modem::probe::{Answer, Probe};

use super::discovery::{Found, Tree, UsbDevice};
use super::hotplug::Hotplug;
use super::table::Role;
use super::{Port, PortSpec, open};
use crate::clock;

/// Modems that are found by themselves, at most.
pub const DISCOVERED: usize = 64;

/// Links of udev and the rest of the device's ports come within this time.
const SETTLE: Duration = Duration::from_secs(1);
/// A modem may need 90 s from plugging in to its first answer: until then it is asked every second.
const BOOT: Duration = Duration::from_secs(120);
const SELDOM: Duration = Duration::from_secs(15);
/// A modem whose AT port is known and that is silent for so long is handed over all the same: whoever owns it can reset it.
const SILENCE: Duration = Duration::from_secs(60);
/// Ports of one device that are tried.
const CANDIDATES: usize = 8;
/// Octets read at once.
const READ_OCTETS: usize = 512;

/// A modem that was found, with its port open.
#[derive(Debug)]
pub struct Arrival {
    /// What it was found by.
    pub device: UsbDevice,
    /// Its ports that answer AT commands, the best first; the first is the open one.
    pub ports: Vec<PortSpec>,
    /// 14 to 17 digits; none from a modem that does not tell, or does not answer.
    pub imei: Option<String>,
    /// The open port.
    pub port: Port,
    /// While this lives nobody else is given the modem.
    pub claim: Claim,
}

/// A modem that is somebody's; dropping it sets the modem free.
#[derive(Debug)]
pub struct Claim {
    socket: String,
    claimed: Claimed,
}

pub(super) type Claimed = Arc<Mutex<BTreeSet<String>>>;

impl Claim {
    pub(super) fn take(claimed: &Claimed, socket: &str) -> Option<Self> {
        let mut sockets = claimed.lock().unwrap_or_else(PoisonError::into_inner);
        let free = sockets.len() < DISCOVERED && sockets.insert(socket.to_owned());
        free.then(|| Self {
            socket: socket.to_owned(),
            claimed: Arc::clone(claimed),
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut sockets = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        sockets.remove(&self.socket);
    }
}

/// One device while nobody has it.
#[derive(Debug)]
struct Waiting {
    /// Another number means that it went and came back.
    number: u32,
    since: Instant,
    ask_at: Instant,
}

/// Looks for modems until nobody takes them any more. `configured` are the ports that the configuration names: their devices
/// are left alone, whole.
pub async fn seek(tree: Tree, configured: Vec<PathBuf>, arrivals: mpsc::Sender<Arrival>) {
    let hotplug = Hotplug::listen();
    let claimed = Claimed::default();
    let mut waiting: BTreeMap<String, Waiting> = BTreeMap::new();
    let mut asking: JoinSet<Option<Arrival>> = JoinSet::new();
    let mut complained = false;
    while !arrivals.is_closed() {
        let looked = look(&tree, &configured).await;
        if let Err(error) = &looked
            && !std::mem::replace(&mut complained, true)
        {
            tracing::warn!(%error, "cannot look for modems");
        }
        let devices = looked.unwrap_or_default();
        let now = Instant::now();
        waiting.retain(|socket, place| devices.get(socket).is_some_and(|ports| is_number(ports, place.number)));
        for (socket, ports) in devices {
            let number = ports.first().map_or(0, |port| port.device.number);
            let place = waiting.entry(socket.clone()).or_insert(Waiting {
                number,
                since: now,
                ask_at: now + SETTLE,
            });
            if place.ask_at > now {
                continue;
            }
            let Some(claim) = Claim::take(&claimed, &socket) else {
                continue;
            };
            let age = now.duration_since(place.since);
            place.ask_at = now + if age < BOOT { SETTLE } else { SELDOM };
            asking.spawn(ask(ports, claim, age > SILENCE));
        }
        let wait = hotplug.next();
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => break,
                Some(answer) = asking.join_next() => {
                    let Ok(Some(arrival)) = answer else { continue };
                    if let Some(place) = waiting.get_mut(&arrival.device.socket) {
                        // Should it be given back, it is asked like one just plugged in.
                        place.since = Instant::now();
                    }
                    if arrivals.send(arrival).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

fn is_number(ports: &[Found], number: u32) -> bool {
    ports.first().is_some_and(|port| port.device.number == number)
}

/// The devices that may be asked, with the ports to ask at.
async fn look(tree: &Tree, configured: &[PathBuf]) -> std::io::Result<BTreeMap<String, Vec<Found>>> {
    let (tree, configured) = (tree.clone(), configured.to_vec());
    let looking = tokio::task::spawn_blocking(move || {
        let taken: BTreeSet<String> = configured
            .iter()
            .filter_map(|port| Some(tree.device_of(port)?.socket))
            .collect();
        let mut devices: BTreeMap<String, Vec<Found>> = BTreeMap::new();
        for port in tree.ports()? {
            let may = match port.role {
                Role::At | Role::SecondAt | Role::Probe => true,
                // A bridge may have anything behind it: only a person can say that it is a modem.
                Role::Uart | Role::Closed => false,
            };
            if may && !taken.contains(&port.device.socket) {
                devices.entry(port.device.socket.clone()).or_default().push(port);
            }
        }
        Ok(devices)
    });
    looking.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

/// Asks at each port who is there. `take_silent`: when nobody answers, the known AT port is handed over all the same.
pub(super) async fn ask(found: Vec<Found>, claim: Claim, take_silent: bool) -> Option<Arrival> {
    let device = found.first()?.device.clone();
    let known = found.first().is_some_and(|port| port.role == Role::At);
    let ports: Vec<PortSpec> = found
        .into_iter()
        .take(CANDIDATES)
        .map(|port| PortSpec::Path(port.path))
        .collect();
    let answered = first_that_answers(&ports).await;
    let (index, imei, port) = match answered {
        Some((index, imei, port)) => (index, imei, port),
        None if take_silent && known => (0, None, open(ports.first()?).await.ok()?),
        None => return None,
    };
    let mut ports = ports;
    if index < ports.len() {
        let best = ports.remove(index);
        ports.insert(0, best);
    }
    Some(Arrival {
        device,
        ports,
        imei,
        port,
        claim,
    })
}

/// The first of these ports behind which a modem answers, open, and the modem's IMEI.
pub(super) async fn first_that_answers(ports: &[PortSpec]) -> Option<(usize, Option<String>, Port)> {
    for (index, spec) in ports.iter().enumerate() {
        let Ok(mut port) = open(spec).await else { continue };
        match talk(&mut port).await {
            Some(Answer::Modem { imei }) => return Some((index, imei, port)),
            Some(Answer::Silence) | None => port.close().await,
        }
    }
    None
}

/// Holds the conversation; none when the port failed.
async fn talk(port: &mut Port) -> Option<Answer> {
    let mut probe = Probe::new(clock::now());
    let mut buffer = [0; READ_OCTETS];
    loop {
        while let Some(octets) = probe.poll_transmit() {
            let writing = tokio::time::timeout(Duration::from_secs(1), port.write_all(&octets));
            writing.await.ok()?.ok()?;
        }
        if let Some(answer) = probe.answer() {
            return Some(answer.clone());
        }
        let now = clock::now();
        let patience = probe
            .poll_timeout()
            .map_or(Duration::ZERO, |at| at.since(now.monotonic));
        match tokio::time::timeout(patience, port.read(&mut buffer)).await {
            Ok(Ok(count)) => probe.handle_input(clock::now(), buffer.get(..count)?),
            Ok(Err(_)) => return None,
            Err(_) => probe.handle_timeout(clock::now()),
        }
    }
}
