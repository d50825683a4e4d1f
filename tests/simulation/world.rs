//! A whole site in virtual time: the gateway, the real store in memory, and the simulator's bank with its faults. One seed
//! decides everything; nothing waits.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

use wardwire::store::{
    Accept, Accepted, Answer, EventKind, Fact, Keys, ListFilter, NewKey, Op, Place, Settings, Store, StoredResponse,
};
use wardwire_core::base::{Body, Instant, MessageId, Now, PhoneNumber, ServiceId, UtcTime};
use wardwire_core::gateway::snapshot::{ModemSnapshot, ModemState};
use wardwire_core::gateway::{Command, Event, Gateway, SlotSettings};
use wardwire_core::modem::{Means, Pin, PortAction, Profiles};
use wardwire_core::queue::hours::{Days, Hours, Rule, Window};
use wardwire_core::queue::plan::Plan;
use wardwire_core::queue::state::{Category, OnUnknown, Priority, Sensitivity};
use wardwire_core::queue::verbs::{NewMessage, Reply, Request};
use wardwire_core::simulator::{AirEvent, Bank, BankEvent, Fault, Faults, Options};
use wardwire_core::sms::{SegmentOptions, segment};

/// The start of every world: 2026-06-15T07:00:00Z.
pub const BEGIN: UtcTime = UtcTime::from_millis(1_781_506_800_000);

/// What a world is made of.
#[derive(Clone, Copy)]
pub struct Plot {
    pub seed: u64,
    pub modems: usize,
    pub messages: usize,
    /// Each fault of the simulator that passes by itself happens this often.
    pub per_mille: u16,
    /// Each fault that lasts until a remedy befalls one modem, once.
    pub lasting: bool,
    /// Some SIMs have a PIN, for some of these the configuration has a wrong one; modems can be reset from outside.
    pub guarded: bool,
    /// Hard stops of the gateway process.
    pub crashes: usize,
    /// The last message comes before this.
    pub messages_end: Duration,
    /// Faults and crashes end at this moment.
    pub trouble: Duration,
    /// The world ends then; in between everything must come to rest.
    pub end: Duration,
    pub on_unknown: OnUnknown,
    /// What each SIM may send.
    pub plan: Plan,
    /// Somebody puts the SIMs of two modems into each other's place so often while there is trouble.
    pub swaps: usize,
    /// Every other message is an appointment, and these do not go in [`CLOSED`].
    pub hours: bool,
}

/// When appointments wait, in minutes from the begin.
pub const CLOSED: std::ops::Range<u64> = 4..45;

/// Open at all hours but then: a world begins at seven.
fn hours() -> Hours {
    let utc = wardwire::config::zone("UTC").expect("it is in the database");
    let [finish, start] = [CLOSED.start, CLOSED.end].map(|minute| format!("07{minute:02}"));
    Hours {
        rules: vec![Rule {
            categories: vec![Category::Appointment],
            window: Window::new(Days::ALL, &start, &finish, utc).expect("it is one"),
        }],
    }
}

pub struct World {
    plot: Plot,
    now: Now,
    random: fastrand::Rng,
    gateway: Gateway,
    generation: u64,
    bank: Bank,
    pub store: Store,
    pub service: ServiceId,
    open: Vec<bool>,
    present: Vec<bool>,
    reopen: BTreeMap<usize, Instant>,
    replies: VecDeque<(Instant, u64, Reply)>,
    pub air: Vec<AirEvent>,
    /// What was accepted: the id by recipient.
    pub accepted: BTreeMap<String, MessageId>,
    /// What settled outcomes that were unknown, and how often.
    pub settled: BTreeMap<&'static str, usize>,
    pub steps: u64,
    /// Port resets, USB resets and power cycles that the gateway ordered.
    pub resets: usize,
    /// The lasting faults that befell each modem.
    pub stricken: Vec<Vec<Fault>>,
    /// The SIMs by their first modem: which sits in each modem, since when.
    pub seated: Vec<(Instant, Vec<usize>)>,
    /// The ICCID of each SIM, by its first modem.
    pub cards: Vec<String>,
    /// The modems ten minutes after the faults stopped, as [`LOOKS`] saw them.
    pub healed: Vec<ModemSnapshot>,
    /// Those that had just come up then.
    just_up: Vec<usize>,
    watched: Option<usize>,
}

/// So long after the faults stopped the modems are looked at. By the second look, ten minutes, each is ready or set aside with a
/// reason. The first is there because one that is set aside is tried now and then, and a moment of that says nothing; the third
/// because one that came up at the second has found its network by then.
const LOOKS: [Duration; 3] = [
    Duration::from_secs(540),
    Duration::from_secs(600),
    Duration::from_secs(630),
];

/// It is set aside for what it did itself, and tried now and then.
pub fn is_set_aside(modem: &ModemSnapshot) -> bool {
    match modem.state {
        ModemState::Quarantined => true,
        ModemState::Degraded => {
            modem.reason.starts_with("taken out") || modem.reason.contains("nothing it sends is taken")
        }
        _ => false,
    }
}

/// It came up, and looks for its network.
fn is_searching(modem: &ModemSnapshot) -> bool {
    modem.state == ModemState::Degraded && modem.reason == "no network"
}

/// PIN of the SIMs that have one.
const PIN: &str = "4711";
/// What the configuration says for every other one of these.
const WRONG_PIN: &str = "1111";

impl World {
    pub fn new(plot: Plot) -> Self {
        let mut random = fastrand::Rng::with_seed(plot.seed);
        let options = Options {
            modems: plot.modems,
            seed: random.u64(..),
            latency: Duration::from_millis(random.u64(200..3_000)),
            faults: Faults::all(plot.per_mille),
            ..Options::default()
        };
        let settings = Settings {
            seed: random.u64(..),
            ..Settings::default()
        };
        let now = Now {
            monotonic: Instant::ZERO,
            utc: BEGIN,
        };
        let mut store = Store::open(&Place::Memory, Keys::from_master(&[7; 32]), settings, now).expect("memory opens");
        if plot.hours {
            store.keep_hours(hours(), now).expect("memory writes");
        }
        let service = default_service(&mut store, now);
        let mut bank = Bank::new(options);
        for modem in (0..plot.modems).filter(|_| plot.guarded) {
            if has_pin(modem) {
                bank.lock_sim(now, modem, PIN, 3);
            }
        }
        Self {
            plot,
            now,
            gateway: gateway(plot, &store, random.u64(..)),
            generation: 0,
            store,
            service,
            open: vec![false; plot.modems],
            present: vec![true; plot.modems],
            reopen: (0..plot.modems).map(|modem| (modem, Instant::ZERO)).collect(),
            replies: VecDeque::new(),
            air: Vec::new(),
            accepted: BTreeMap::new(),
            settled: BTreeMap::new(),
            random,
            steps: 0,
            resets: 0,
            stricken: vec![Vec::new(); plot.modems],
            cards: (0..plot.modems)
                .filter_map(|modem| Some(bank.identity(modem)?.iccid.clone()))
                .collect(),
            seated: vec![(Instant::ZERO, (0..plot.modems).collect())],
            bank,
            healed: Vec::new(),
            just_up: Vec::new(),
            watched: std::env::var("WARDWIRE_WATCH")
                .ok()
                .and_then(|modem| modem.parse().ok()),
        }
    }

    /// Runs to the end.
    pub fn run(&mut self) {
        let trouble = Instant::ZERO + self.plot.trouble;
        let mut moments = self.moments();
        let mut calm = false;
        let mut looks = 0;
        while self.now.monotonic < Instant::ZERO + self.plot.end {
            self.settle();
            let planned = moments.front().map(|(at, _)| *at);
            let peace = if calm {
                LOOKS.get(looks).map(|after| trouble + *after)
            } else {
                Some(trouble)
            };
            let next = [self.next_wake(), planned, peace, Some(Instant::ZERO + self.plot.end)];
            self.pass_to(next.into_iter().flatten().min().expect("the end is always next"));
            while moments.front().is_some_and(|(at, _)| *at <= self.now.monotonic) {
                match moments.pop_front() {
                    Some((_, Moment::Message(index))) => self.accept(index),
                    Some((_, Moment::Crash)) => self.crash(),
                    Some((_, Moment::Swap(one, other))) => self.swap(one, other),
                    Some((_, Moment::Lasting(fault, modem))) => {
                        self.stricken[modem].push(fault);
                        self.bank.provoke(self.now, modem, fault);
                    }
                    None => {}
                }
            }
            if !calm && self.now.monotonic >= trouble {
                calm = true;
                self.bank.set_faults(Faults::none());
            }
            if calm && peace.is_some_and(|at| at > trouble && self.now.monotonic >= at) {
                self.look_at_modems(looks);
                looks += 1;
            }
        }
        self.settle();
    }

    /// Keeps how each modem is, unless it is in the middle of something and was at rest before; of one that came up a moment ago also
    /// when it still has no network after that.
    fn look_at_modems(&mut self, look: usize) {
        for (modem, now) in self.modems().into_iter().enumerate() {
            match (look, self.healed.get_mut(modem)) {
                (0, _) | (_, None) => self.healed.push(now),
                (1, Some(before)) => match now.state {
                    ModemState::Recovering | ModemState::Starting => {}
                    _ if is_set_aside(before) && is_searching(&now) => self.just_up.push(modem),
                    _ => *before = now,
                },
                (_, Some(before)) => {
                    if self.just_up.contains(&modem) && is_searching(&now) {
                        *before = now;
                    }
                }
            }
        }
    }

    /// One line for each thing the air saw and one for each message: equal for equal seeds.
    pub fn log(&self) -> String {
        let mut log = String::new();
        for event in &self.air {
            let _ = writeln!(
                log,
                "{} {} {:?}",
                event.at.monotonic.as_micros(),
                event.modem,
                event.what
            );
        }
        for message in self.messages() {
            let _ = writeln!(log, "{} {:?} {:?}", message.id, message.status, message.delivery);
        }
        log
    }

    pub fn messages(&self) -> Vec<wardwire::store::MessageRecord> {
        let mut rows = Vec::new();
        let mut filter = ListFilter {
            limit: 200,
            ..ListFilter::default()
        };
        loop {
            let page = self.store.read().messages(self.service, &filter).expect("memory reads");
            rows.extend(page.rows);
            filter.cursor = page.next;
            if filter.cursor.is_none() {
                return rows;
            }
        }
    }

    pub fn inbound(&self) -> Vec<wardwire::store::InboundRecord> {
        let mut rows = Vec::new();
        let mut filter = ListFilter {
            limit: 200,
            ..ListFilter::default()
        };
        loop {
            let page = self.store.read().inbound(self.service, &filter).expect("memory reads");
            rows.extend(page.rows);
            filter.cursor = page.next;
            if filter.cursor.is_none() {
                return rows;
            }
        }
    }

    /// When messages come and when the process dies, in order.
    fn moments(&mut self) -> VecDeque<(Instant, Moment)> {
        let micros = |span: Duration| u64::try_from(span.as_micros()).expect("a short span");
        let (span, crashes_span) = (micros(self.plot.messages_end), micros(self.plot.trouble));
        let mut moments = Vec::new();
        for index in 0..self.plot.messages {
            moments.push((Instant::from_micros(self.random.u64(0..span)), Moment::Message(index)));
        }
        for _ in 0..self.plot.crashes {
            moments.push((Instant::from_micros(self.random.u64(0..crashes_span)), Moment::Crash));
        }
        for _ in 0..self.plot.swaps {
            let at = Instant::from_micros(self.random.u64(0..crashes_span));
            let (one, more) = (
                self.random.usize(0..self.plot.modems),
                self.random.usize(1..self.plot.modems),
            );
            moments.push((at, Moment::Swap(one, (one + more) % self.plot.modems)));
        }
        for fault in Fault::ALL
            .into_iter()
            .filter(|fault| self.plot.lasting && fault.lasts())
        {
            let at = Instant::from_micros(self.random.u64(0..crashes_span));
            let modem = self.random.usize(0..self.plot.modems);
            moments.push((at, Moment::Lasting(fault, modem)));
        }
        moments.sort_by_key(|(at, _)| *at);
        moments.into()
    }

    fn next_wake(&self) -> Option<Instant> {
        let gateway = self.gateway.poll_timeout().map(|(at, _)| at);
        let reply = self.replies.iter().map(|(at, ..)| *at).min();
        let reopen = self.reopen.values().min().copied();
        [gateway, self.bank.poll_timeout(), reply, reopen]
            .into_iter()
            .flatten()
            .min()
    }

    fn pass_to(&mut self, at: Instant) {
        let at = at.max(self.now.monotonic);
        // Times are kept to the millisecond in UTC; both clocks are derived from one count.
        self.now = Now {
            monotonic: at,
            utc: BEGIN + Duration::from_micros(at.as_micros()),
        };
        self.steps += 1;
        let due: Vec<usize> = self
            .reopen
            .iter()
            .filter(|(_, when)| **when <= at)
            .map(|(modem, _)| *modem)
            .collect();
        for modem in due {
            self.reopen.remove(&modem);
            if self.present[modem] {
                self.open[modem] = true;
                self.gateway.handle_command(self.now, placed(modem));
                self.gateway.handle_command(self.now, Command::PortOpened(modem));
            }
        }
        while self.replies.front().is_some_and(|(when, ..)| *when <= at) {
            if let Some((_, token, reply)) = self.replies.pop_front() {
                self.gateway.handle_command(self.now, Command::Reply { token, reply });
            }
        }
        self.bank.handle_timeout(self.now);
        self.gateway.handle_timeout(self.now);
    }

    /// Moves bytes and requests until nobody has anything to say at this moment.
    fn settle(&mut self) {
        loop {
            let mut silent = true;
            while let Some(transmit) = self.gateway.poll_transmit() {
                silent = false;
                if self.open[transmit.slot] {
                    self.watch(transmit.slot, '>', &transmit.octets);
                    self.bank.handle_input(self.now, transmit.slot, &transmit.octets);
                }
            }
            while let Some((modem, bytes)) = self.bank.poll_transmit() {
                silent = false;
                if self.open[modem] {
                    self.watch(modem, '<', &bytes);
                    self.gateway.handle_input(self.now, modem, &bytes);
                }
            }
            while let Some(event) = self.bank.poll_event() {
                silent = false;
                match event {
                    BankEvent::PortGone(modem) => {
                        self.present[modem] = false;
                        self.close(modem);
                    }
                    BankEvent::PortBack(modem) => {
                        self.present[modem] = true;
                        self.reopen.insert(modem, self.now.monotonic + Duration::from_secs(1));
                    }
                }
            }
            silent &= self.answer_gateway();
            self.air.extend(self.bank.take_journal());
            if silent {
                return;
            }
        }
    }

    /// Prints what passes between the gateway and the modem that `WARDWIRE_WATCH` names by its place.
    fn watch(&self, modem: usize, way: char, octets: &[u8]) {
        if self.watched == Some(modem) {
            let state = self.gateway.snapshot(self.now).modems.swap_remove(modem);
            let (at, text) = (self.now.monotonic.as_micros() / 1_000, octets.escape_ascii());
            println!(
                "{at} ms m{modem} {} ({}) {way} {text}",
                state.state.as_str(),
                state.reason
            );
        }
    }

    /// Takes the gateway's events; its requests of one turn are one transaction. True when there were none.
    fn answer_gateway(&mut self) -> bool {
        let mut silent = true;
        let mut batch = Vec::new();
        while let Some(event) = self.gateway.poll_event() {
            silent = false;
            match event {
                Event::Request { token, request } => batch.push((token, Op::Gateway(request))),
                Event::Port(modem, action) => self.act(modem, action),
                Event::CycleHub(_, modems) => {
                    for modem in modems {
                        self.act(modem, PortAction::PowerCycle);
                    }
                }
                Event::HubFails(_)
                | Event::Ready(_)
                | Event::NotReady(..)
                | Event::Ordered { .. }
                | Event::Changed
                | Event::Drained => {}
            }
        }
        if !batch.is_empty() {
            let (tokens, ops): (Vec<u64>, Vec<Op>) = batch.into_iter().unzip();
            // A commit takes its time; now and then a long one.
            let slow = self.random.u32(0..50) == 0;
            let took = Duration::from_micros(self.random.u64(if slow { 100_000..800_000 } else { 200..8_000 }));
            // The writer does one transaction after the other.
            let begun = self
                .replies
                .back()
                .map_or(self.now.monotonic, |(at, ..)| (*at).max(self.now.monotonic));
            for (token, answer) in tokens.into_iter().zip(self.apply(ops)) {
                let reply = match answer {
                    Answer::Gateway(reply) => reply,
                    other => panic!("a gateway's request got {other:?}"),
                };
                self.replies.push_back((begun + took, token, reply));
            }
        }
        silent
    }

    /// What the host does to a port. Where the device is reset, its port goes and comes back by itself.
    fn act(&mut self, modem: usize, action: PortAction) {
        self.resets += 1;
        match action {
            PortAction::Reopen => {
                self.close(modem);
                self.reopen.insert(modem, self.now.monotonic + Duration::from_secs(1));
            }
            PortAction::UsbReset => self.bank.usb_reset(self.now, modem),
            PortAction::PowerCycle => self.bank.power_cycle(self.now, modem),
        }
    }

    /// Tries of its PIN that a SIM with a wrong one in the configuration has left.
    pub fn tries_left(&self) -> impl Iterator<Item = (usize, u8)> {
        let wrong = |modem: &usize| self.plot.guarded && has_pin(*modem) && configured_pin(*modem) != PIN;
        let left = |modem| self.bank.tries_left(modem).map(|(pin, _)| (modem, pin));
        (0..self.plot.modems).filter(wrong).filter_map(left)
    }

    /// The modems now.
    pub fn modems(&self) -> Vec<ModemSnapshot> {
        self.gateway.snapshot(self.now).modems
    }

    /// Whether the port of a modem is there at all.
    pub fn is_present(&self, modem: usize) -> bool {
        self.present[modem]
    }

    fn apply(&mut self, ops: Vec<Op>) -> Vec<Answer> {
        let by = evidence(&ops);
        let answers = self.store.apply(self.now, ops);
        let resolved = |fact: &&Fact| fact.kind == EventKind::MessageUnknownResolved;
        match self.store.facts().iter().filter(resolved).count() {
            0 => {}
            count => *self.settled.entry(by).or_default() += count,
        }
        if self.store.work_arrived() {
            self.gateway.handle_command(self.now, Command::WorkArrived);
        }
        answers
    }

    fn close(&mut self, modem: usize) {
        self.open[modem] = false;
        self.bank.handle_closed(self.now, modem);
        self.gateway.handle_command(self.now, Command::PortLost(modem));
    }

    /// Somebody moves two SIMs.
    fn swap(&mut self, one: usize, other: usize) {
        self.bank.swap_sims(self.now, one, other);
        let mut seated = self.seated.last().map(|(_, seated)| seated.clone()).unwrap_or_default();
        seated.swap(one, other);
        self.seated.push((self.now.monotonic, seated));
    }

    /// The process dies: what was committed stays, all else is gone, replies under way too.
    fn crash(&mut self) {
        self.generation += 1;
        self.replies.clear();
        self.gateway = gateway(self.plot, &self.store, self.plot.seed ^ self.generation);
        self.store.restart(self.now).expect("memory writes");
        for modem in 0..self.plot.modems {
            self.open[modem] = false;
            self.bank.handle_closed(self.now, modem);
            self.reopen
                .insert(modem, self.now.monotonic + Duration::from_millis(500));
        }
    }

    fn accept(&mut self, index: usize) {
        let recipient = format!("+35387{:07}", 1_000_000 + index);
        let text = match index % 5 {
            0 => "Reminder: Your appointment with Dr. Smith is on June 20 at 10:00 AM. Reply Y to confirm.".to_owned(),
            1 => format!(
                "{index}: {}",
                "a long text that needs two parts, with \u{20ac} in it; ".repeat(5)
            ),
            2 => format!("{index}: Thank you \u{1f44d}"),
            _ => format!("{index}: Your results are ready."),
        };
        let segmentation = segment(&text, &SegmentOptions::default()).expect("a sample fits");
        let message = NewMessage {
            service: self.service,
            recipient: PhoneNumber::from_e164(&recipient).expect("a sample is a number"),
            body: Body::new(text),
            alphabet: segmentation.alphabet,
            units: segmentation.units,
            parts: segmentation.parts,
            category: (self.plot.hours && index % 2 == 1).then_some(Category::Appointment),
            priority: if index.is_multiple_of(20) {
                Priority::Emergency
            } else {
                Priority::Normal
            },
            send_at: None,
            window: None,
            valid_until: self.now.utc + Duration::from_secs(72 * 3_600),
            delivery_report: true,
            on_unknown: self.plot.on_unknown,
            held: None,
            sim: None,
            reference: None,
            metadata: None,
            sensitivity: Sensitivity::Usual,
        };
        let respond = Box::new(|_: &wardwire::store::MessageRecord| StoredResponse {
            status: 201,
            body: String::new(),
        });
        let accept = Accept {
            message,
            idempotency: None,
            respond,
        };
        match self.apply(vec![Op::Accept(Box::new(accept))]).pop() {
            Some(Answer::Accepted(Accepted::New { id, .. })) => drop(self.accepted.insert(recipient, id)),
            other => panic!("not accepted: {other:?}"),
        }
    }
}

/// What these ops can tell about an outcome that was unknown.
fn evidence(ops: &[Op]) -> &'static str {
    let says = |op: &Op| match op {
        Op::Gateway(Request::Report(_)) => Some("delivery report"),
        Op::Gateway(Request::Close { .. }) => Some("late result"),
        Op::Gateway(Request::Sweep) => Some("policy"),
        _ => None,
    };
    let mut said = ops.iter().filter_map(says);
    match (said.next(), said.next()) {
        (Some(only), None) => only,
        _ => "one of several",
    }
}

#[derive(Clone, Copy)]
enum Moment {
    Message(usize),
    Crash,
    /// Their SIMs change places.
    Swap(usize, usize),
    Lasting(Fault, usize),
}

fn label(modem: usize) -> String {
    format!("m{modem}")
}

const fn has_pin(modem: usize) -> bool {
    modem % 4 == 1
}

const fn configured_pin(modem: usize) -> &'static str {
    if modem % 8 == 1 { PIN } else { WRONG_PIN }
}

fn gateway(plot: Plot, store: &Store, seed: u64) -> Gateway {
    static PROFILES: OnceLock<Profiles> = OnceLock::new();
    let shipped = || wardwire::config::profile::profiles(&[]).expect("the shipped profiles are in order");
    let profiles = PROFILES.get_or_init(shipped);
    let slot = |index| SlotSettings {
        label: label(index),
        profiles: profiles.clone(),
        modem: settings(plot, store, index),
        plan: plot.plan,
    };
    Gateway::new((0..plot.modems).map(slot).collect(), seed)
}

/// Four neighbours share a hub.
fn placed(modem: usize) -> Command {
    Command::Placed {
        slot: modem,
        hub: Some(format!("1-{}", modem / 4)),
        means: None,
    }
}

fn means(plot: Plot) -> Means {
    Means {
        usb_reset: plot.guarded,
        power_cycle: plot.guarded,
    }
}

fn settings(plot: Plot, store: &Store, modem: usize) -> wardwire_core::modem::Settings {
    let pin = configured_pin(modem);
    let known = plot.guarded && has_pin(modem);
    let pasts = store.read().pasts().expect("memory reads");
    wardwire_core::modem::Settings {
        pin: known.then(|| Pin::from_digits(pin).expect("four digits")),
        means: means(plot),
        past: pasts
            .into_iter()
            .find(|kept| kept.label == label(modem))
            .map(|kept| kept.past)
            .unwrap_or_default(),
        ..wardwire_core::modem::Settings::default()
    }
}

fn default_service(store: &mut Store, now: Now) -> ServiceId {
    let key = NewKey {
        id: None,
        service: "default".to_owned(),
        label: "simulation".to_owned(),
        secret_sha256: [0; 32],
        scopes: Vec::new(),
    };
    match store.apply(now, vec![Op::CreateKey(key)]).pop() {
        Some(Answer::Key(record)) => record.service,
        other => panic!("no key: {other:?}"),
    }
}
