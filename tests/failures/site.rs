//! A site in virtual time for one story: the gateway as it ships, the real store in memory, and a bank of virtual modems
//! that somebody does something to. What the gateway said to each modem is kept, line by line.

use std::collections::BTreeMap;
use std::time::Duration;

use wardwire::config::sharing::Entered;
use wardwire::store::{
    Accept, Accepted, Answer, EventKind, Keys, ListFilter, MessageRecord, NewKey, NewLoopback, Op, Place, Routing,
    Settings, Share, SimEdit, Store, StoredResponse, Subject,
};
use wardwire_core::base::{Body, Instant, MessageId, Now, PhoneNumber, ServiceId, SimId, UtcTime};
use wardwire_core::dispatch::{Pool, Rules};
use wardwire_core::gateway::snapshot::{ModemSnapshot, ModemState, PoolSnapshot};
use wardwire_core::gateway::{Command, Event, Gateway, SlotSettings};
use wardwire_core::modem::{Means, Order, OrderResult, Pin, PortAction};
use wardwire_core::queue::hours::Hours;
use wardwire_core::queue::plan::Plan;
use wardwire_core::queue::state::{MessageStatus, OnUnknown, Priority, Sensitivity};
use wardwire_core::queue::verbs::{Introduce, NewMessage, Reply, Request};
use wardwire_core::simulator::{Accepted as OnAir, Air, AirEvent, Bank, BankEvent, Fault, Model, Options};
use wardwire_core::sms::{SegmentOptions, segment};

/// 2026-06-15T07:00:00Z.
pub const BEGIN: UtcTime = UtcTime::from_millis(1_781_506_800_000);
/// Until a port that came back is open.
const OPENS: Duration = Duration::from_millis(500);

pub const PHONE: &str = "+353871234567";

pub struct Site {
    pub bank: Bank,
    pub now: Now,
    pub air: Vec<AirEvent>,
    /// What was asked of ports.
    pub actions: Vec<(Instant, usize, PortAction)>,
    /// Lines the gateway wrote to each modem, with the time.
    said: Vec<Vec<(Instant, String)>>,
    partial: Vec<String>,
    gateway: Gateway,
    store: Store,
    service: ServiceId,
    open: Vec<bool>,
    present: Vec<bool>,
    opening: BTreeMap<usize, Instant>,
    replies: Vec<(u64, Reply)>,
    /// How the last order of a person ended.
    ordered: Option<OrderResult>,
    /// What may be done when nothing is known of an outcome.
    pub on_unknown: OnUnknown,
    /// How urgent what is sent is.
    pub priority: Priority,
}

impl Site {
    /// A bank of these models, each in a port of its own, all up; nobody has opened a port yet.
    pub fn of(models: &[&str]) -> Self {
        Self::with(models, None, |_| {})
    }

    /// The same, where the SIM's PIN is configured, and after `prepare` did something to the bank.
    pub fn with(models: &[&str], pin: Option<&str>, prepare: impl FnOnce(&mut Bank)) -> Self {
        Self::made(models, pin, prepare, Rules::default(), Routing::default())
    }

    /// A bank of so many modems, shared by these rules.
    pub fn shared(modems: usize, rules: Rules, routing: Routing) -> Self {
        Self::made(&vec!["generic"; modems], None, |_| {}, rules, routing)
    }

    fn made(
        models: &[&str],
        pin: Option<&str>,
        prepare: impl FnOnce(&mut Bank),
        rules: Rules,
        routing: Routing,
    ) -> Self {
        let now = Now {
            monotonic: Instant::ZERO,
            utc: BEGIN,
        };
        let mut bank = Bank::new(Options {
            modems: models.len(),
            models: models
                .iter()
                .map(|name| Model::of_name(name).expect("a model"))
                .collect(),
            latency: Duration::from_secs(1),
            ..Options::default()
        });
        prepare(&mut bank);
        let settings = Settings {
            seed: 7,
            ..Settings::default()
        };
        let mut store = Store::open(&Place::Memory, Keys::from_master(&[7; 32]), settings, now).expect("memory opens");
        store.route(routing, now).expect("memory writes");
        let slot = |index| SlotSettings {
            label: format!("m{index}"),
            profiles: wardwire::config::profile::profiles(&[]).expect("the shipped profiles are in order"),
            modem: wardwire_core::modem::Settings {
                pin: pin.and_then(Pin::from_digits),
                means: Means {
                    usb_reset: true,
                    power_cycle: true,
                },
                ..wardwire_core::modem::Settings::default()
            },
            plan: Plan::default(),
        };
        let mut site = Self {
            gateway: Gateway::with_rules((0..models.len()).map(slot).collect(), rules, 7),
            service: service(&mut store, now, "default"),
            store,
            bank,
            now,
            air: Vec::new(),
            actions: Vec::new(),
            said: vec![Vec::new(); models.len()],
            partial: vec![String::new(); models.len()],
            open: vec![false; models.len()],
            present: vec![true; models.len()],
            opening: (0..models.len()).map(|modem| (modem, Instant::ZERO)).collect(),
            replies: Vec::new(),
            ordered: None,
            on_unknown: OnUnknown::Retry,
            priority: Priority::Normal,
        };
        site.wait(Duration::ZERO);
        site
    }

    /// Waits for every modem to be ready, five minutes at most.
    pub fn ready(mut self) -> Self {
        let all = |site: &Self| (0..site.open.len()).all(|modem| site.state(modem) == ModemState::Ready);
        assert!(
            self.until(300, all),
            "not ready: {:?}",
            self.gateway.snapshot(self.now).modems
        );
        self
    }

    pub fn seconds(&mut self, seconds: u64) {
        self.wait(Duration::from_secs(seconds));
    }

    /// Lets time pass until something is so; whether it came to that within so many seconds.
    pub fn until(&mut self, seconds: u64, so: impl Fn(&Self) -> bool) -> bool {
        for _ in 0..seconds * 4 {
            if so(self) {
                return true;
            }
            self.wait(Duration::from_millis(250));
        }
        so(self)
    }

    pub fn wait(&mut self, time: Duration) {
        let end = self.now.monotonic + time;
        loop {
            self.settle();
            let opening = self.opening.values().min().copied();
            let gateway = self.gateway.poll_timeout().map(|(at, _)| at);
            let next = [gateway, self.bank.poll_timeout(), opening].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.set_clock(end);
                return;
            };
            self.set_clock(next.max(self.now.monotonic));
            self.open_ports();
            self.bank.handle_timeout(self.now);
            self.gateway.handle_timeout(self.now);
        }
    }

    /// Somebody does something to a modem, now.
    pub fn provoke(&mut self, modem: usize, fault: Fault) {
        self.bank.provoke(self.now, modem, fault);
        self.wait(Duration::ZERO);
    }

    /// A text for `to`, as a service would send it.
    pub fn message(&self, to: &str, text: &str) -> NewMessage {
        let segmentation = segment(text, &SegmentOptions::default()).expect("a sample fits");
        NewMessage {
            service: self.service,
            recipient: PhoneNumber::from_e164(to).expect("a sample is a number"),
            body: Body::new(text.to_owned()),
            alphabet: segmentation.alphabet,
            units: segmentation.units,
            parts: segmentation.parts,
            category: None,
            priority: self.priority,
            send_at: None,
            window: None,
            valid_until: self.now.utc + Duration::from_secs(72 * 3_600),
            delivery_report: true,
            on_unknown: self.on_unknown,
            held: None,
            reference: None,
            metadata: None,
            sensitivity: Sensitivity::Usual,
            sim: None,
        }
    }

    /// Accepts a text for `to`.
    pub fn send(&mut self, to: &str, text: &str) -> MessageId {
        let message = self.message(to, text);
        self.post(vec![message]).remove(0)
    }

    /// Accepts these.
    pub fn post(&mut self, messages: Vec<NewMessage>) -> Vec<MessageId> {
        let accept = |message| {
            Op::Accept(Box::new(Accept {
                message,
                idempotency: None,
                respond: Box::new(|_: &MessageRecord| StoredResponse {
                    status: 201,
                    body: String::new(),
                }),
            }))
        };
        let answers = self.store.apply(self.now, messages.into_iter().map(accept).collect());
        if self.store.work_arrived() {
            self.gateway.handle_command(self.now, Command::WorkArrived);
        }
        self.wait(Duration::ZERO);
        let id = |answer| match answer {
            Answer::Accepted(Accepted::New { id, .. }) => id,
            other => panic!("not accepted: {other:?}"),
        };
        answers.into_iter().map(id).collect()
    }

    /// The service of this name.
    pub fn service(&mut self, name: &str) -> ServiceId {
        service(&mut self.store, self.now, name)
    }

    /// A SIM that was here once.
    pub fn absent_sim(&mut self) -> SimId {
        let introduce = Introduce {
            label: "gone".to_owned(),
            imei: Some("350000000000009".to_owned()),
            iccid: Some("8949100000000000009".to_owned()),
            ..Introduce::default()
        };
        let op = Op::Gateway(Request::Introduce(Box::new(introduce)));
        match self.store.apply(self.now, vec![op]).pop() {
            Some(Answer::Gateway(Reply::Introduced(introduced))) => introduced.sim,
            other => panic!("{other:?}"),
        }
    }

    /// The pool of this name.
    pub fn pool(&self, name: &str) -> PoolSnapshot {
        let pools = self.gateway.snapshot(self.now).pools;
        pools
            .into_iter()
            .find(|pool| pool.name == name)
            .expect("it is configured")
    }

    /// A loopback test of this modem's SIM, which ends after 5 minutes. The text goes to somebody else: it never comes back.
    pub fn loopback_in_vain(&mut self, modem: usize) {
        let ends_at = self.now.utc + Duration::from_secs(300);
        let message = NewMessage {
            sim: self.modem(modem).sim,
            valid_until: ends_at,
            delivery_report: false,
            ..self.message(PHONE, "Test K3Y7ZQ9M2T")
        };
        let new = NewLoopback {
            message,
            token: "K3Y7ZQ9M2T".to_owned(),
            ends_at,
        };
        let answer = self.store.apply(self.now, vec![Op::Loopback(Box::new(new))]).pop();
        assert!(matches!(answer, Some(Answer::Loopback(Some(_)))), "{answer:?}");
        self.gateway.handle_command(self.now, Command::WorkArrived);
        self.wait(Duration::ZERO);
    }

    /// Somebody orders this of a modem, and waits for its end.
    pub fn order(&mut self, modem: usize, order: Order) -> OrderResult {
        let order = Command::Order {
            slot: modem,
            token: 1,
            order,
        };
        self.gateway.handle_command(self.now, order);
        assert!(self.until(600, |site| site.ordered.is_some()), "an order has no end");
        self.ordered.take().expect("it ended")
    }

    /// Somebody enters numbers of the plan of this modem's SIM.
    pub fn enter(&mut self, modem: usize, caps: &[(&'static str, u32)]) {
        let sim = self.modem(modem).sim.expect("it has a SIM");
        let caps = caps.iter().map(|(key, value)| (*key, Some(*value))).collect();
        let edit = SimEdit {
            caps,
            ..SimEdit::default()
        };
        self.store.apply(self.now, vec![Op::EditSim { sim, edit }]);
        self.gateway.handle_command(self.now, Command::Replanned(sim));
        self.wait(Duration::ZERO);
    }

    /// Somebody enters other pools and routes.
    pub fn share(&mut self, pools: Vec<Pool>, routing: Routing) {
        let share = Share {
            entered: Entered::default(),
            routing,
        };
        let answer = self.store.apply(self.now, vec![Op::Share(Box::new(share))]).pop();
        assert!(matches!(answer, Some(Answer::Done(true))), "{answer:?}");
        self.gateway.handle_command(self.now, Command::Shared(pools));
        self.wait(Duration::ZERO);
    }

    /// From now on texts keep to these hours.
    pub fn keep_hours(&mut self, hours: Hours) {
        self.store.keep_hours(hours, self.now).expect("memory writes");
    }

    /// A phone sends a text to the SIM.
    pub fn inbound(&mut self, modem: usize, text: &str) {
        self.bank.inject(self.now, modem, PHONE, text).expect("a sample fits");
        self.wait(Duration::ZERO);
    }

    /// What was told of SIMs.
    pub fn sim_events(&self) -> Vec<EventKind> {
        let (mut told, mut after) = (Vec::new(), 0);
        loop {
            let events = self.store.read().events(None, after, 200).expect("memory reads");
            let Some(last) = events.last() else { return told };
            after = last.sequence;
            let of_sims = events.iter().filter(|event| matches!(event.subject, Subject::Sim(_)));
            told.extend(of_sims.map(|event| event.kind));
        }
    }

    pub fn status(&self, id: MessageId) -> MessageStatus {
        self.record(id).status
    }

    pub fn record(&self, id: MessageId) -> MessageRecord {
        let page = self
            .store
            .read()
            .messages(self.service, &filter())
            .expect("memory reads");
        page.rows.into_iter().find(|row| row.id == id).expect("it is there")
    }

    /// Texts that came in and are on disk, oldest first.
    pub fn texts(&self) -> Vec<String> {
        let page = self
            .store
            .read()
            .inbound(self.service, &filter())
            .expect("memory reads");
        let mut texts: Vec<String> = page
            .rows
            .into_iter()
            .map(|row| row.body.map(|body| body.reveal().to_owned()).unwrap_or_default())
            .collect();
        texts.reverse();
        texts
    }

    pub fn modem(&self, modem: usize) -> ModemSnapshot {
        self.gateway.snapshot(self.now).modems[modem].clone()
    }

    pub fn state(&self, modem: usize) -> ModemState {
        self.modem(modem).state
    }

    pub fn is_ready(&self, modem: usize) -> bool {
        self.state(modem) == ModemState::Ready
    }

    /// Parts the network took, from this modem or any.
    pub fn on_air(&self, modem: Option<usize>) -> Vec<&OnAir> {
        let of = self
            .air
            .iter()
            .filter(|event| modem.is_none_or(|modem| event.modem == modem));
        of.filter_map(|event| {
            if let Air::Accepted(accepted) = &event.what {
                Some(accepted)
            } else {
                None
            }
        })
        .collect()
    }

    pub fn count(&self, name: &str) -> usize {
        self.air.iter().filter(|event| event.what.name() == name).count()
    }

    /// Lines written to the modem that begin so, since `from`.
    pub fn said_since(&self, modem: usize, from: Instant, prefix: &str) -> usize {
        let lines = self.said[modem]
            .iter()
            .filter(|(at, line)| *at >= from && line.starts_with(prefix));
        lines.count()
    }

    pub fn said(&self, modem: usize, prefix: &str) -> usize {
        self.said_since(modem, Instant::ZERO, prefix)
    }

    pub fn asked(&self, action: PortAction) -> usize {
        self.actions.iter().filter(|(_, _, asked)| *asked == action).count()
    }

    fn set_clock(&mut self, at: Instant) {
        self.now = Now {
            monotonic: at,
            utc: BEGIN + Duration::from_micros(at.as_micros()),
        };
    }

    fn open_ports(&mut self) {
        let due: Vec<usize> = self
            .opening
            .iter()
            .filter(|(_, at)| **at <= self.now.monotonic)
            .map(|(m, _)| *m)
            .collect();
        for modem in due {
            self.opening.remove(&modem);
            if self.present[modem] {
                self.open[modem] = true;
                self.gateway.handle_command(self.now, Command::PortOpened(modem));
            }
        }
    }

    fn settle(&mut self) {
        for _ in 0..1_000_000 {
            if !(self.move_bytes() | self.mind_ports() | self.answer_gateway()) {
                self.air.extend(self.bank.take_journal());
                return;
            }
        }
        panic!("turns in place");
    }

    fn move_bytes(&mut self) -> bool {
        let mut moved = false;
        while let Some(transmit) = self.gateway.poll_transmit() {
            moved = true;
            let modem = transmit.slot;
            self.partial[modem].push_str(&String::from_utf8_lossy(&transmit.octets));
            while let Some(end) = self.partial[modem].find(['\r', '\x1a', '\x1b']) {
                let line = self.partial[modem].drain(..=end).collect::<String>();
                let line = line.trim_end_matches('\r').to_owned();
                self.said[modem].push((self.now.monotonic, line));
            }
            if self.open[modem] {
                self.bank.handle_input(self.now, modem, &transmit.octets);
            }
        }
        while let Some((modem, bytes)) = self.bank.poll_transmit() {
            moved = true;
            if self.open[modem] {
                self.gateway.handle_input(self.now, modem, &bytes);
            }
        }
        moved
    }

    fn mind_ports(&mut self) -> bool {
        let mut moved = false;
        while let Some(event) = self.bank.poll_event() {
            moved = true;
            match event {
                BankEvent::PortGone(modem) => {
                    self.present[modem] = false;
                    self.opening.remove(&modem);
                    self.close(modem);
                }
                BankEvent::PortBack(modem) => {
                    self.present[modem] = true;
                    self.opening.insert(modem, self.now.monotonic + OPENS);
                }
            }
        }
        moved
    }

    fn close(&mut self, modem: usize) {
        self.open[modem] = false;
        self.bank.handle_closed(self.now, modem);
        self.gateway.handle_command(self.now, Command::PortLost(modem));
    }

    fn answer_gateway(&mut self) -> bool {
        let mut moved = false;
        let mut batch = Vec::new();
        while let Some(event) = self.gateway.poll_event() {
            moved = true;
            match event {
                Event::Request { token, request } => batch.push((token, Op::Gateway(request))),
                Event::Port(modem, action) => self.act(modem, action),
                Event::CycleHub(_, modems) => {
                    for modem in modems {
                        self.act(modem, PortAction::PowerCycle);
                    }
                }
                Event::Ordered { result, .. } => self.ordered = Some(result),
                Event::HubFails(_) | Event::Ready(_) | Event::NotReady(..) | Event::Changed | Event::Drained => {}
            }
        }
        let (tokens, ops): (Vec<u64>, Vec<Op>) = batch.into_iter().unzip();
        for (token, answer) in tokens.into_iter().zip(self.store.apply(self.now, ops)) {
            let Answer::Gateway(reply) = answer else {
                panic!("{answer:?}")
            };
            self.replies.push((token, reply));
        }
        if self.store.work_arrived() {
            self.gateway.handle_command(self.now, Command::WorkArrived);
        }
        for (token, reply) in std::mem::take(&mut self.replies) {
            self.gateway.handle_command(self.now, Command::Reply { token, reply });
        }
        moved
    }

    /// What the host does for the gateway.
    fn act(&mut self, modem: usize, action: PortAction) {
        self.actions.push((self.now.monotonic, modem, action));
        match action {
            PortAction::Reopen => {
                self.close(modem);
                self.opening.insert(modem, self.now.monotonic + Duration::from_secs(1));
            }
            PortAction::UsbReset => self.bank.usb_reset(self.now, modem),
            PortAction::PowerCycle => self.bank.power_cycle(self.now, modem),
        }
    }
}

fn filter() -> ListFilter {
    ListFilter {
        limit: 200,
        ..ListFilter::default()
    }
}

fn service(store: &mut Store, now: Now, name: &str) -> ServiceId {
    let key = NewKey {
        id: None,
        service: name.to_owned(),
        label: "failures".to_owned(),
        secret_sha256: [0; 32],
        scopes: Vec::new(),
    };
    match store.apply(now, vec![Op::CreateKey(key)]).pop() {
        Some(Answer::Key(record)) => record.service,
        other => panic!("no key: {other:?}"),
    }
}
