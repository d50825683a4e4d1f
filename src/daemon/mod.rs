//! The composition root: puts store, bank, HTTP and control socket together, and takes them apart again. The only room that
//! knows everyone. It decides nothing.

mod bank;
mod credit;
mod deeds;
mod listen;
mod notify;
mod places;
pub mod profiles;

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use wardwire_core::base::Past;
use wardwire_core::dispatch::Rules;
use wardwire_core::gateway::snapshot::{ModemState, Snapshot};
use wardwire_core::gateway::{Gateway, SlotSettings};
use wardwire_core::modem::Settings as ModemSettings;

use crate::config::{Config, Sharing};
use crate::serial::usb::Switches;
use crate::serial::{self, Allowed, PortSpec, PortSpecError, Tree};
use crate::store::{self, DirectoryError, Lock, OpenError, PastRecord, Reader, Store, StoreHandle, directory};
use crate::{api, clock, config, web, webhook};

/// File name of the control socket in the data directory.
const CONTROL_SOCKET: &str = "control.sock";

/// Modems that were found and wait for the event loop; more wait unfound.
const ARRIVALS: usize = 8;

/// Why the daemon does not start, or why it stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The data directory, its lock or its key.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The address to listen on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address of the configuration.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The control socket.
    #[error("cannot make {path}: {error}")]
    Control {
        /// Its path.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A port of the configuration.
    #[error("modem {label}: {error}")]
    Port {
        /// The modem's label.
        label: String,
        /// Why.
        error: PortSpecError,
    },
    /// The store cannot be read.
    #[error(transparent)]
    StoreRead(#[from] store::StoreError),
    /// A modem profile is not in order.
    #[error(transparent)]
    Profile(#[from] profiles::SiteProfilesError),
    /// The system gives no random numbers.
    #[error("the system has no random numbers")]
    Random,
    /// The store's writer ended; nothing can be promised any more.
    #[error("the store stopped working; see the log")]
    StoreGone,
    /// A task of the daemon ended that never ends.
    #[error("the bank's event loop ended by itself; see the log")]
    BankGone,
}

/// Path of the control socket of a data directory.
#[must_use]
pub fn control_socket(data_dir: &Path) -> PathBuf {
    data_dir.join(CONTROL_SOCKET)
}

/// A data directory that this process holds, with its store open.
#[derive(Debug)]
pub struct Holding {
    /// The store.
    pub store: StoreHandle,
    /// How the bank is shared, as it was then.
    sharing: Sharing,
    _lock: Lock,
}

/// Takes the data directory and opens its store; for the daemon, and for the command line while no daemon runs.
///
/// # Errors
/// [`DirectoryError::Held`] when another process has it; else what is wrong with directory, key or database.
pub fn hold(config: &Config) -> Result<Holding, DaemonError> {
    directory::prepare(&config.data_dir)?;
    let lock = Lock::try_acquire(&config.data_dir)?;
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let keys = directory::keys(&config.data_dir, credentials.as_deref())?;
    let path = directory::database(&config.data_dir);
    let settings = store::Settings {
        seed: random()?,
        evidence_window: config.policy.evidence_window,
        per_recipient_per_day: config.policy.per_recipient_per_day,
        stale_after: config.policy.stale_after,
        retention: config.retention,
        disk: store::Limits {
            size: u64::from(config.storage.size_limit_mib) << 20,
            reserve: u64::from(config.storage.reserve_mib) << 20,
        },
        ..store::Settings::default()
    };
    let mut opened = Store::open_telling(
        &store::Place::File(path.clone()),
        keys,
        settings,
        clock::now(),
        notify::upgrading,
    )?;
    let hook = |webhook: &config::Webhook| store::Hook {
        label: webhook.label.clone(),
        types: webhook.types.clone(),
    };
    opened.tell(config.webhooks.iter().map(hook).collect(), clock::now())?;
    let (sharing, said) = config.shared(&opened.read().entered().map_err(OpenError::from)?);
    for said in said {
        tracing::warn!(
            said,
            "pools and routes set over the API do not fit the configuration any more"
        );
    }
    let led = opened.route(store::Routing::of(&sharing), clock::now())?;
    if led > 0 {
        tracing::info!(messages = led, "the routes changed: what waits was led anew");
    }
    let planned = opened.keep_hours(config.hours.clone(), clock::now())?;
    if planned > 0 {
        tracing::info!(
            messages = planned,
            "the hours changed: what waits for them was planned anew"
        );
    }
    let store = StoreHandle::start_with_readers(opened, &path, clock::now)?;
    Ok(Holding {
        store,
        sharing,
        _lock: lock,
    })
}

/// The daemon, started: everything is up, and modems are being brought up.
pub struct Daemon {
    holding: Holding,
    address: SocketAddr,
    snapshot: watch::Receiver<Snapshot>,
    drain: oneshot::Sender<bank::Drain>,
    drain_limit: Duration,
    switches: Switches,
    stop: watch::Sender<bool>,
    bank: JoinHandle<()>,
    doors: Vec<JoinHandle<()>>,
    hooks: Vec<JoinHandle<()>>,
    control: PathBuf,
}

impl Daemon {
    /// Listens and starts the bank, on a data directory taken with [`hold`].
    ///
    /// # Errors
    /// [`DaemonError`] says what stands in the way.
    pub async fn start(config: Config, holding: Holding) -> Result<Self, DaemonError> {
        let config = Arc::new(config);
        let specs = port_specs(&config)?;
        let listener = listen_on(config.http.listen).await?;
        let address = listener
            .local_addr()
            .map_err(|error| listen_error(config.http.listen, error))?;
        let control = control_socket(&config.data_dir);
        let socket = control_listener(&control)?;

        let pasts = holding.store.read(Reader::pasts).await?;
        let rules = Rules {
            bulk_share: config.sharing.bulk_share,
            pools: holding.sharing.pools.clone(),
            preference: config.preference.clone(),
        };
        let gateway = Gateway::with_rules(slots(&config, &pasts)?, rules, random()?);
        let (shown, snapshot) = watch::channel(gateway.snapshot(clock::now()));
        let alive = notify::Alive::default();
        let (orders, asked) = api::Orders::channel();
        tokio::spawn(deeds::restore(deeds::switches(&config)));
        let hardware = hardware(&config, specs, pasts)?;
        let bank = bank::Loop::new(gateway, hardware, holding.store.clone(), shown, asked, alive.clone());
        let (drain, draining) = oneshot::channel();
        let bank = tokio::spawn(bank.run(draining));

        let mut hooks = Vec::new();
        let (stop, stopping) = watch::channel(false);
        let store = holding.store.clone();
        tokio::spawn(credit::watch(
            Arc::clone(&config),
            store.clone(),
            orders.clone(),
            snapshot.clone(),
        ));
        let context = api::Context::new(store, Arc::clone(&config), snapshot.clone(), orders, clock::now);
        let public = api::router(context.clone()).merge(web::router(context.clone()));
        let local = api::router_local(context);
        let doors = vec![
            tokio::spawn(listen::serve(listen::Door::Tcp(listener), public, stopping.clone())),
            tokio::spawn(listen::serve(listen::Door::Control(socket), local, stopping)),
        ];
        for told in &config.webhooks {
            let (networks, store) = (config.webhooks_allowed.clone(), holding.store.clone());
            hooks.push(tokio::spawn(webhook::run(told.clone(), networks, store)));
        }
        notify::ready(alive);
        tokio::spawn(announce(snapshot.clone(), address));
        tracing::info!(listen = %address, modems = config.modems.len(), "listening");
        Ok(Self {
            holding,
            address,
            snapshot,
            drain,
            drain_limit: config.drain,
            switches: deeds::switches(&config),
            stop,
            bank,
            doors,
            hooks,
            control,
        })
    }

    /// Where HTTP is served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The store, for a composition that feeds it directly (the demo shows what happens in it).
    #[must_use]
    pub fn store(&self) -> &StoreHandle {
        &self.holding.store
    }

    /// How the bank looks, live.
    #[must_use]
    pub fn snapshot(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.clone()
    }

    /// Runs until `stop` resolves, then claims nothing more, waits for open submits up to the drain limit, and closes.
    ///
    /// # Errors
    /// [`DaemonError::StoreGone`] or [`DaemonError::BankGone`] when it had to stop by itself.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> Result<(), DaemonError> {
        let outcome = tokio::select! {
            () = stop => Ok(()),
            () = self.holding.store.closed() => Err(DaemonError::StoreGone),
            _ = &mut self.bank => Err(DaemonError::BankGone),
        };
        notify::stopping(self.drain_limit);
        tracing::info!("stopping");
        let _ = self.drain.send(bank::Drain);
        self.stop.send_replace(true);
        if outcome.is_ok() && tokio::time::timeout(self.drain_limit, &mut self.bank).await.is_err() {
            tracing::warn!("open submits did not end in time; their outcome is unknown until evidence comes");
            self.bank.abort();
        }
        for door in self.doors {
            let _ = door.await;
        }
        deeds::restore(self.switches).await;
        for hook in self.hooks {
            // What it was about to tell is told after the next start.
            hook.abort();
        }
        let _ = std::fs::remove_file(&self.control);
        self.holding.store.close();
        self.holding.store.closed().await;
        tracing::info!("stopped");
        outcome
    }
}

fn random() -> Result<u64, DaemonError> {
    let mut octets = [0; 8];
    SystemRandom::new().fill(&mut octets).map_err(|_| DaemonError::Random)?;
    Ok(u64::from_ne_bytes(octets))
}

/// Where each configured modem is reached; none for one that is looked for by its IMEI.
fn port_specs(config: &Config) -> Result<Vec<Option<PortSpec>>, DaemonError> {
    let networks = Allowed::new(&config.tcp_ports_allowed);
    let parse = |modem: &config::Modem| {
        let spec = modem.port().map(|port| port.parse::<PortSpec>()).transpose();
        let spec = spec.map_err(|error| DaemonError::Port {
            label: modem.label.clone(),
            error,
        })?;
        Ok(spec.map(|spec| spec.allowing(&networks)))
    };
    config.modems.iter().map(parse).collect()
}

/// The bank's hardware; looks for modems that no entry names a port of, where the configuration wants it.
fn hardware(
    config: &Config,
    configured: Vec<Option<PortSpec>>,
    pasts: Vec<PastRecord>,
) -> Result<bank::Hardware, DaemonError> {
    let tree = tree(config);
    let (sender, arrivals) = mpsc::channel(ARRIVALS);
    if config.discovery.enabled {
        let ports = config.modems.iter().filter_map(config::Modem::port);
        let ports = ports.filter(|port| port.starts_with('/')).map(PathBuf::from).collect();
        tokio::spawn(serial::seek(tree.clone(), ports, sender));
    }
    Ok(bank::Hardware {
        configured,
        found: bank::Found {
            arrivals,
            places: places::Places::new(config),
            settings: settings(config)?,
            pasts,
        },
        deeds: deeds::Deeds::new(config, tree.clone()),
        tree,
    })
}

fn tree(config: &Config) -> Tree {
    Tree::new(&config.discovery.sys_dir, &config.discovery.dev_dir)
}

/// What a modem is told that no entry names.
fn settings(config: &Config) -> Result<SlotSettings, DaemonError> {
    Ok(SlotSettings {
        label: String::new(),
        profiles: profiles::of(config)?,
        modem: ModemSettings {
            refuse_roaming: !config.policy.allow_roaming,
            ..ModemSettings::default()
        },
        plan: config.sim_defaults,
    })
}

/// What is known from before of the modem in this slot: by its IMEI, else by the slot.
fn past(pasts: &[PastRecord], label: &str, imei: Option<&str>) -> Past {
    let of_modem = pasts.iter().find(|kept| imei.is_some() && kept.imei.as_deref() == imei);
    let found = of_modem.or_else(|| pasts.iter().find(|kept| kept.label == label));
    found.map(|kept| kept.past.clone()).unwrap_or_default()
}

fn slots(config: &Config, pasts: &[PastRecord]) -> Result<Vec<SlotSettings>, DaemonError> {
    let common = settings(config)?;
    let tree = tree(config);
    let mut slots = Vec::new();
    for modem in &config.modems {
        let found = modem.port().and_then(|port| tree.port_of(Path::new(port)));
        let (wiring, means) = deeds::nature(&config.hub.sockets, modem, found.as_ref());
        slots.push(SlotSettings {
            label: modem.label.clone(),
            modem: ModemSettings {
                pin: modem.pin.clone(),
                smsc: modem.smsc.clone(),
                wiring,
                means,
                past: past(pasts, &modem.label, modem.imei()),
                ..common.modem.clone()
            },
            ..common.clone()
        });
    }
    Ok(slots)
}

async fn listen_on(address: SocketAddr) -> Result<TcpListener, DaemonError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| listen_error(address, error))
}

fn listen_error(address: SocketAddr, error: io::Error) -> DaemonError {
    DaemonError::Listen { address, error }
}

fn control_listener(path: &Path) -> Result<UnixListener, DaemonError> {
    let made = || {
        // Left over from a killed process: the lock says that nobody serves it.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    made().map_err(|error| DaemonError::Control {
        path: path.to_owned(),
        error,
    })
}

/// One line `ready` when the first SIM can send: what the installer waits for.
async fn announce(mut snapshot: watch::Receiver<Snapshot>, address: SocketAddr) {
    let can_send = |bank: &Snapshot| bank.modems.iter().any(|modem| modem.state == ModemState::Ready);
    if snapshot.wait_for(can_send).await.is_ok() {
        tracing::info!(listen = %address, "ready");
    }
}
