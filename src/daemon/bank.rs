//! The event loop: the one task that owns the gateway. It moves bytes between ports and gateway and requests between
//! gateway and store, and keeps the gateway's time. It decides nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use wardwire_core::gateway::snapshot::Snapshot;
use wardwire_core::gateway::{Command, Event, Gateway, SlotSettings};
use wardwire_core::modem::{OrderResult, PortAction, Wiring};
use wardwire_core::queue::verbs::Reply;

use crate::api::{Asked, OrderError};
use crate::clock;
use crate::serial::{
    Arrival, Claim, PortCommand, PortEvent, PortHandle, PortSpec, Tree, spawn_configured, spawn_found,
};
use crate::store::{PastRecord, StoreHandle};

use super::deeds::Deeds;
use super::notify::Alive;
use super::places::{Given, Places};

/// Port events that may wait for the loop; a port that finds it full waits, and the kernel keeps its bytes.
const EVENTS: usize = 1_024;
/// Port events taken in one turn, so that no port starves replies and timers.
const EVENTS_A_TURN: usize = 64;
/// The snapshot is shown to others at most this often.
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// What the loop is told from outside.
#[derive(Debug)]
pub(super) struct Drain;

/// Modems that come by themselves.
#[derive(Debug)]
pub(super) struct Found {
    /// As they come; closed where none are looked for.
    pub(super) arrivals: mpsc::Receiver<Arrival>,
    /// Who gets which slot.
    pub(super) places: Places,
    /// What a modem is told that no entry names, its label apart.
    pub(super) settings: SlotSettings,
    /// What is known of modems from before.
    pub(super) pasts: Vec<PastRecord>,
}

/// The bank's hardware.
#[derive(Debug)]
pub(super) struct Hardware {
    /// Where the modems of the configuration are reached, in its order; none for those known by their IMEI.
    pub(super) configured: Vec<Option<PortSpec>>,
    /// Where the kernel tells what they are.
    pub(super) tree: Tree,
    /// Those that come by themselves.
    pub(super) found: Found,
    /// What may be done to bring them back.
    pub(super) deeds: Deeds,
}

/// The loop's own end of things.
pub(super) struct Loop {
    gateway: Gateway,
    store: StoreHandle,
    /// By slot; none while a modem that is known by its IMEI is nowhere.
    ports: Vec<Option<PortHandle>>,
    events: mpsc::Receiver<PortEvent>,
    /// For the ports still to come.
    sender: mpsc::Sender<PortEvent>,
    found: Found,
    /// Modems beyond all bounds: held, so that they are not found again and again.
    turned_away: Vec<Claim>,
    /// Where modems that were found are, or were last.
    found_at: BTreeMap<usize, String>,
    deeds: Deeds,
    replies: FuturesUnordered<oneshot::Receiver<Vec<(u64, Reply)>>>,
    shown: watch::Sender<Snapshot>,
    show_at: Option<Instant>,
    asked: mpsc::Receiver<Asked>,
    /// Orders under way, by token; the gateway answers each exactly once.
    orders: BTreeMap<u64, oneshot::Sender<Result<OrderResult, OrderError>>>,
    next_order: u64,
    alive: Alive,
}

impl Loop {
    /// Opens a task for each port, in the order of the gateway's slots.
    pub(super) fn new(
        gateway: Gateway,
        hardware: Hardware,
        store: StoreHandle,
        shown: watch::Sender<Snapshot>,
        asked: mpsc::Receiver<Asked>,
        alive: Alive,
    ) -> Self {
        let Hardware {
            configured,
            tree,
            found,
            deeds,
        } = hardware;
        let (sender, events) = mpsc::channel(EVENTS);
        let ports = configured
            .into_iter()
            .enumerate()
            .map(|(slot, spec)| Some(spawn_configured(slot, spec?, tree.clone(), sender.clone())))
            .collect();
        Self {
            gateway,
            store,
            ports,
            events,
            sender,
            found,
            turned_away: Vec::new(),
            found_at: BTreeMap::new(),
            deeds,
            replies: FuturesUnordered::new(),
            shown,
            show_at: Some(Instant::now()),
            asked,
            orders: BTreeMap::new(),
            next_order: 0,
            alive,
        }
    }

    /// Runs until drained, or until the store is gone. `drain` ends the claiming of new work.
    pub(super) async fn run(mut self, mut drain: oneshot::Receiver<Drain>) {
        let mut draining = false;
        let store = self.store.clone();
        loop {
            if self.flush() {
                break;
            }
            let wake = self.wake_at();
            tokio::select! {
                Some(event) = self.events.recv() => self.take_port_events(event),
                Some(replies) = self.replies.next() => self.take_replies(replies),
                () = store.work_arrived() => self.gateway.handle_command(clock::now(), Command::WorkArrived),
                Some(arrival) = self.found.arrivals.recv(), if !draining => self.take_arrival(arrival),
                Some(asked) = self.asked.recv() => self.take_asked(asked),
                () = tokio::time::sleep_until(wake) => self.take_time(),
                _ = &mut drain, if !draining => {
                    draining = true;
                    self.gateway.handle_command(clock::now(), Command::Drain);
                }
            }
        }
        for port in self.ports.iter().flatten() {
            let _ = port.send(PortCommand::Close);
        }
    }

    /// Hands out what the gateway wants to say. True when it is drained.
    fn flush(&mut self) -> bool {
        let mut drained = false;
        let mut batch = Vec::new();
        // A transmit may follow from an event taken and the other way round, so both are asked until both are silent;
        // each has its bound in what was put in.
        loop {
            let mut silent = true;
            while let Some(transmit) = self.gateway.poll_transmit() {
                silent = false;
                self.tell(transmit.slot, PortCommand::Write(transmit.octets));
            }
            while let Some(event) = self.gateway.poll_event() {
                silent = false;
                match event {
                    Event::Request { token, request } => batch.push((token, request)),
                    Event::Port(slot, action) => {
                        let command = self.deeds.begin(slot, self.gateway.label(slot), action);
                        self.tell(slot, command);
                    }
                    Event::Ordered { token, result, .. } => {
                        if let Some(answer) = self.orders.remove(&token) {
                            // Who was answered sees what came of it.
                            self.show();
                            let _ = answer.send(Ok(result));
                        }
                    }
                    Event::HubFails(hub) => {
                        tracing::error!(
                            hub,
                            "several modems of this hub fail together: look at its power and cable"
                        );
                    }
                    Event::CycleHub(hub, slots) => {
                        tracing::warn!(hub, "the power of its failing modems is switched off and on, once");
                        for slot in slots {
                            let command = self.deeds.begin(slot, self.gateway.label(slot), PortAction::PowerCycle);
                            self.tell(slot, command);
                        }
                    }
                    Event::Ready(slot) => tracing::info!(modem = self.gateway.label(slot), "modem ready"),
                    Event::NotReady(slot, why) => {
                        tracing::info!(modem = self.gateway.label(slot), why, "modem not ready");
                    }
                    Event::Changed => {
                        self.show_at.get_or_insert_with(|| Instant::now() + SHOW_EVERY);
                    }
                    Event::Drained => drained = true,
                }
            }
            if silent {
                break;
            }
        }
        if !batch.is_empty() {
            self.replies.push(self.store.gateway(batch));
        }
        drained
    }

    fn tell(&self, slot: usize, command: PortCommand) {
        // A full queue means that the device takes nothing; the port task then gives it up and says so.
        let port = self.ports.get(slot).and_then(Option::as_ref);
        if port.is_some_and(|port| port.send(command).is_err()) {
            tracing::warn!(modem = self.gateway.label(slot), "the port takes no bytes");
        }
    }

    fn take_port_events(&mut self, first: PortEvent) {
        self.take_port_event(first);
        for _ in 1..EVENTS_A_TURN {
            let Ok(event) = self.events.try_recv() else { return };
            self.take_port_event(event);
        }
    }

    fn take_port_event(&mut self, event: PortEvent) {
        let now = clock::now();
        match event {
            PortEvent::Input(slot, octets) => self.gateway.handle_input(now, slot, &octets),
            PortEvent::Opened(slot) => {
                tracing::info!(modem = self.gateway.label(slot), "port open");
                let (hub, means) = self.deeds.place(slot);
                self.gateway.handle_command(now, Command::Placed { slot, hub, means });
                self.gateway.handle_command(now, Command::PortOpened(slot));
            }
            PortEvent::Lost(slot, why) => {
                tracing::warn!(modem = self.gateway.label(slot), why = why.as_str(), "port not open");
                self.gateway.handle_command(now, Command::PortLost(slot));
            }
        }
    }

    /// Gives a modem that was found its slot.
    fn take_arrival(&mut self, arrival: Arrival) {
        let ports = &self.ports;
        let busy = |slot: usize| {
            ports
                .get(slot)
                .and_then(Option::as_ref)
                .is_some_and(PortHandle::is_alive)
        };
        let socket = arrival.device.socket.clone();
        let slot = match self.found.places.give(&socket, arrival.imei.as_deref(), busy) {
            Given::Slot(slot) => slot,
            Given::New(label) => {
                let mut settings = self.found.settings.clone();
                settings.modem.past = super::past(&self.found.pasts, &label, arrival.imei.as_deref());
                settings.label = label;
                settings.modem.wiring = Wiring::Usb;
                self.gateway
                    .handle_command(clock::now(), Command::SlotAdded(Box::new(settings)));
                self.ports.push(None);
                self.ports.len() - 1
            }
            Given::NoRoom => {
                tracing::warn!(socket, "one modem too many: it is left alone until the next start");
                self.turned_away.push(arrival.claim);
                return;
            }
        };
        let port = arrival.ports.first().map(ToString::to_string).unwrap_or_default();
        tracing::info!(modem = self.gateway.label(slot), socket, port, "modem found");
        self.found_at.insert(slot, format!("{port} (usb {socket})"));
        self.deeds.note(slot, arrival.device.clone());
        if let Some(place) = self.ports.get_mut(slot) {
            *place = Some(spawn_found(slot, arrival, self.sender.clone()));
        }
    }

    fn take_asked(&mut self, asked: Asked) {
        let (modem, order, answer) = match asked {
            Asked::Order { modem, order, answer } => (modem, order, answer),
            Asked::ReceiveOnly {
                sim,
                receive_only,
                done,
            } => {
                let command = Command::ReceiveOnly { sim, receive_only };
                self.gateway.handle_command(clock::now(), command);
                self.show();
                let _ = done.send(());
                return;
            }
            Asked::Shared { pools, done } => {
                self.gateway.handle_command(clock::now(), Command::Shared(pools));
                self.show();
                let _ = done.send(());
                return;
            }
            Asked::Replanned(sim) => {
                self.gateway.handle_command(clock::now(), Command::Replanned(sim));
                return;
            }
        };
        let Some(slot) = self.gateway.slot(&modem) else {
            let _ = answer.send(Err(OrderError::NoSuchModem));
            return;
        };
        let token = self.next_order;
        self.next_order += 1;
        self.orders.insert(token, answer);
        self.gateway
            .handle_command(clock::now(), Command::Order { slot, token, order });
    }

    fn take_replies(&mut self, replies: Result<Vec<(u64, Reply)>, oneshot::error::RecvError>) {
        // A writer that is gone stops the daemon elsewhere; here there is nothing left to answer.
        self.alive.sign();
        for (token, reply) in replies.unwrap_or_default() {
            self.gateway
                .handle_command(clock::now(), Command::Reply { token, reply });
        }
    }

    fn take_time(&mut self) {
        if self.show_at.take_if(|at| *at <= Instant::now()).is_some() {
            self.show();
        }
        self.gateway.handle_timeout(clock::now());
    }

    fn show(&self) {
        let mut bank = self.gateway.snapshot(clock::now());
        for (slot, port) in &self.found_at {
            if let Some(modem) = bank.modems.get_mut(*slot) {
                modem.port = Some(port.clone());
            }
        }
        self.shown.send_replace(bank);
    }

    fn wake_at(&self) -> Instant {
        let now = clock::now().monotonic;
        let own = self
            .gateway
            .poll_timeout()
            .map(|(at, _)| Instant::now() + at.since(now));
        let far = Instant::now() + Duration::from_secs(3_600);
        own.into_iter().chain(self.show_at).min().unwrap_or(far)
    }
}
