//! The gateway, with virtual modems behind it, against a reference store of a page: one that answers late, withdraws, cannot
//! write for a while, and dies with the whole process. The air is the judge: no part on it whose attempt was not allowed
//! before, no copy deleted from a modem whose text was not confirmed before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use wardwire::config::profile::profiles;
use wardwire_core::base::{
    AttemptId, Instant, MessageId, ModemId, Now, PartId, Past, PhoneNumber, ServiceId, SimId, Ulid, UtcDay,
};
use wardwire_core::gateway::{Command, Event, Gateway, SlotSettings};
use wardwire_core::modem::PortAction;
use wardwire_core::queue::lane::{Lane, Way};
use wardwire_core::queue::plan::{Met, Plan};
use wardwire_core::queue::state::Priority;
use wardwire_core::queue::verbs::{
    AttemptResult, Begin, Begun, Closed, DueMessage, DuePart, Introduce, Introduced, Reply, Request,
};
use wardwire_core::simulator::{Air, Bank, BankEvent, Fault, Faults, Options};
use wardwire_core::sms::{SegmentOptions, segment};

use super::story::at;

const MODEMS: usize = 3;
const POSTS: usize = 40;
/// What an honest bank suffers: nothing that makes it lie about what it sent.
const MISHAPS: [Fault; 9] = [
    Fault::NoticeTwice,
    Fault::NoticeLost,
    Fault::DeleteFails,
    Fault::LocalRefusal,
    Fault::PromptLost,
    Fault::TornWrite,
    Fault::SlowAnswer,
    Fault::ReportTwice,
    Fault::ReportEarly,
];

/// A message as the reference store has it.
struct Post {
    whole: DueMessage,
    waiting: Vec<DuePart>,
    withdrawn: bool,
    /// An attempt ended without an answer: nothing more of it goes out.
    doubtful: bool,
}

/// An attempt in the reference store.
struct Attempt {
    message: MessageId,
    part: DuePart,
    /// The gateway knows that it is on disk.
    known: bool,
    taken: bool,
    closed: Option<AttemptResult>,
}

/// What follows when the gateway hears a reply.
enum Then {
    Nothing,
    Allowed(AttemptId),
    Stored(String),
}

#[derive(Default)]
struct Reference {
    posts: BTreeMap<MessageId, Post>,
    leased: BTreeSet<MessageId>,
    attempts: BTreeMap<AttemptId, Attempt>,
    /// Senders whose text the gateway knows to be on disk.
    stored: BTreeSet<String>,
    writable: bool,
    made: u128,
}

impl Reference {
    fn answer(&mut self, now: Now, request: Request) -> (Reply, Then) {
        if !self.writable {
            return (Reply::Unavailable, Then::Nothing);
        }
        match request {
            Request::Introduce(introduce) => (introduced(&introduce), Then::Nothing),
            Request::TakeDue { room, .. } => (self.take(now, room), Then::Nothing),
            Request::Release(id) => {
                self.leased.remove(&id);
                (Reply::Released, Then::Nothing)
            }
            Request::Defer { message, .. } => {
                self.leased.remove(&message);
                (Reply::Released, Then::Nothing)
            }
            Request::Begin(begin) => self.begin(&begin),
            Request::Close { attempt, result } => (Reply::Closed(self.close(attempt, result)), Then::Nothing),
            Request::Report(_) => (Reply::Stored, Then::Nothing),
            Request::Receive(part) => (Reply::Stored, Then::Stored(part.from.reveal().to_owned())),
            Request::Sweep => (
                Reply::Swept {
                    deaf: Vec::new(),
                    dropped: None,
                    put_off: Vec::new(),
                    next: None,
                    due: true,
                },
                Then::Nothing,
            ),
            Request::KeepPast(_) => (Reply::PastKept, Then::Nothing),
            other => panic!("nothing of this bank asks for {other:?}"),
        }
    }

    fn take(&mut self, now: Now, room: usize) -> Reply {
        let mut messages = Vec::new();
        for (id, post) in &self.posts {
            let due = !post.waiting.is_empty() && !post.withdrawn && !post.doubtful && post.whole.due_at <= now.utc;
            if due && messages.len() < room && self.leased.insert(*id) {
                messages.push(DueMessage {
                    parts: post.waiting.clone(),
                    ..post.whole.clone()
                });
            }
        }
        Reply::Due {
            messages,
            more: Vec::new(),
            next_due: None,
        }
    }

    fn begin(&mut self, begin: &Begin) -> (Reply, Then) {
        let post = self
            .posts
            .get_mut(&begin.message)
            .expect("a message that was given out");
        let open = |attempt: &Attempt| attempt.closed.is_none() && attempt.part.id == begin.part;
        assert!(!self.attempts.values().any(open), "a part with two attempts at a time");
        let place = post.waiting.iter().position(|part| part.id == begin.part);
        if !self.leased.contains(&begin.message) || post.withdrawn || post.doubtful || place.is_none() {
            self.leased.remove(&begin.message);
            return (Reply::Begun(Begun::Withdrawn), Then::Nothing);
        }
        assert_eq!(place, Some(0), "parts out of order");
        post.whole.sim = Some(begin.sim);
        self.made += 1;
        let id = AttemptId(Ulid::from_bits(self.made));
        let attempt = Attempt {
            message: begin.message,
            part: post.waiting.remove(0),
            known: false,
            taken: false,
            closed: None,
        };
        self.attempts.insert(id, attempt);
        let met = Met {
            day: UtcDay::from_number(0),
            before: None,
        };
        (Reply::Begun(Begun::Written { attempt: id, met }), Then::Allowed(id))
    }

    fn close(&mut self, id: AttemptId, result: AttemptResult) -> Closed {
        let attempt = self.attempts.get_mut(&id).expect("an attempt that was begun");
        let accepted = matches!(result, AttemptResult::Accepted { .. });
        assert!(attempt.taken || !accepted, "accepted, and the air never saw it");
        let again = attempt.closed.replace(result);
        let late = again.is_none_or(|before| matches!(before, AttemptResult::NoAnswer(_)) && accepted);
        assert!(late, "closed twice");
        let post = self.posts.get_mut(&attempt.message).expect("it is kept");
        match result {
            AttemptResult::Accepted { .. } => {}
            AttemptResult::NotSent(_) => {
                assert!(!attempt.taken, "said not to be sent, and the air saw it");
                post.waiting.insert(0, attempt.part.clone());
                self.leased.remove(&attempt.message);
                return Closed::Forget;
            }
            AttemptResult::Failed { .. } | AttemptResult::NoAnswer(_) => post.doubtful = true,
        }
        if post.doubtful || post.waiting.is_empty() || post.withdrawn {
            self.leased.remove(&attempt.message);
            Closed::Forget
        } else {
            Closed::GoOn
        }
    }

    /// A part is on the air.
    fn on_air(&mut self, recipient: &str, sequence: u8) {
        let (id, _) = self
            .posts
            .iter()
            .find(|(_, post)| post.whole.recipient.as_e164() == recipient)
            .expect("the air saw a text that nobody asked for");
        let may_be_meant = |attempt: &&mut Attempt| {
            let given_up = matches!(attempt.closed, Some(AttemptResult::NotSent(_)));
            let this = attempt.message == *id && attempt.part.sequence == sequence;
            this && attempt.known && !attempt.taken && !given_up
        };
        let attempt = self
            .attempts
            .values_mut()
            .find(may_be_meant)
            .expect("on the air, and no attempt on disk that the gateway knew of and did not give up");
        attempt.taken = true;
    }

    /// The process dies: what was begun may have gone out.
    fn die(&mut self) {
        self.leased.clear();
        for attempt in self.attempts.values_mut().filter(|attempt| attempt.closed.is_none()) {
            attempt.closed = Some(AttemptResult::NoAnswer(wardwire_core::queue::verbs::Silence::Restart));
            self.posts.get_mut(&attempt.message).expect("it is kept").doubtful = true;
        }
    }
}

fn introduced(introduce: &Introduce) -> Reply {
    let number = introduce.label.bytes().map(u128::from).sum();
    Reply::Introduced(Box::new(Introduced {
        modem: ModemId(Ulid::from_bits(number)),
        sim: SimId(Ulid::from_bits(number)),
        first_used_at: None,
        sends: Vec::new(),
        last_tp_mr: None,
        plan: introduce.plan,
        days: Vec::new(),
        receive_only: false,
        past: Past::default(),
    }))
}

struct Site {
    now: Now,
    random: fastrand::Rng,
    gateway: Gateway,
    bank: Bank,
    store: Reference,
    replies: VecDeque<(Instant, u64, Reply, Then)>,
    open: [bool; MODEMS],
    present: [bool; MODEMS],
    reopen: BTreeMap<usize, Instant>,
    /// Who sent what came in, and who a text lies in a modem of.
    senders: BTreeMap<u64, String>,
    arrived: BTreeSet<String>,
}

fn gateway(seed: u64) -> Gateway {
    let profiles = profiles(&[]).expect("the shipped profiles are in order");
    let slot = |index| SlotSettings {
        label: format!("m{index}"),
        profiles: profiles.clone(),
        modem: wardwire_core::modem::Settings::default(),
        plan: Plan::default(),
    };
    Gateway::new((0..MODEMS).map(slot).collect(), seed)
}

impl Site {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mishaps = MISHAPS
            .into_iter()
            .fold(Faults::none(), |faults, fault| faults.with(fault, 50));
        let options = Options {
            modems: MODEMS,
            seed: random.u64(..),
            latency: Duration::from_millis(random.u64(50..2_000)),
            faults: mishaps,
            ..Options::default()
        };
        Self {
            now: at(0),
            gateway: gateway(seed),
            bank: Bank::new(options),
            store: Reference {
                writable: true,
                ..Reference::default()
            },
            replies: VecDeque::new(),
            open: [false; MODEMS],
            present: [true; MODEMS],
            reopen: (0..MODEMS).map(|modem| (modem, at(0).monotonic)).collect(),
            senders: BTreeMap::new(),
            arrived: BTreeSet::new(),
            random,
        }
    }

    fn step(&mut self, verb: u8, pick: u8) {
        match verb % 12 {
            0..=4 => self.post(pick),
            5 => self.withdraw(pick),
            6 => self.store.writable = pick.is_multiple_of(3),
            7 if pick.is_multiple_of(3) => self.die(),
            8 => self.close_port(usize::from(pick) % MODEMS, Duration::from_secs(1)),
            9 => {
                let number = usize::from(pick) % MODEMS;
                let from = format!("+35386{:07}", self.senders.len());
                let _ = self.bank.inject(self.now, number, &from, "I cannot come.");
            }
            _ => {}
        }
        self.run(Duration::from_millis(u64::from(pick) * 40));
    }

    fn post(&mut self, pick: u8) {
        let number = self.store.posts.len();
        if number >= POSTS {
            return;
        }
        let text = if pick.is_multiple_of(4) {
            "It is long. ".repeat(25)
        } else {
            "Reply Y".to_owned()
        };
        let id = |n: usize| Ulid::from_bits(1_000 + n as u128);
        let parts: Vec<DuePart> = (1..)
            .zip(segment(&text, &SegmentOptions::default()).unwrap().parts)
            .map(|(sequence, content)| DuePart {
                id: PartId(id(number * 16 + usize::from(sequence))),
                sequence,
                attempts: 0,
                content,
            })
            .collect();
        let priority = if pick.is_multiple_of(7) {
            Priority::Emergency
        } else {
            Priority::Normal
        };
        let whole = DueMessage {
            id: MessageId(id(number)),
            lane: Lane {
                priority,
                way: Way::Any,
                service: ServiceId(id(0)),
            },
            weight: 1,
            due_at: self.now.utc,
            valid_until: self.now.utc + Duration::from_secs(72 * 3_600),
            recipient: PhoneNumber::from_e164(&format!("+35387{number:07}")).unwrap(),
            sim: None,
            avoid: None,
            prefer: None,
            counted: Vec::new(),
            delivery_report: true,
            parts: Vec::new(),
        };
        let post = Post {
            whole,
            waiting: parts,
            withdrawn: false,
            doubtful: false,
        };
        self.store.posts.insert(MessageId(id(number)), post);
        self.gateway.handle_command(self.now, Command::WorkArrived);
    }

    fn withdraw(&mut self, pick: u8) {
        let count = self.store.posts.len();
        if let Some(post) = usize::from(pick)
            .checked_rem(count)
            .and_then(|place| self.store.posts.values_mut().nth(place))
        {
            post.withdrawn = true;
        }
    }

    fn die(&mut self) {
        self.replies.clear();
        self.store.die();
        self.gateway = gateway(self.random.u64(..));
        for modem in 0..MODEMS {
            self.close_port(modem, Duration::from_millis(500));
        }
    }

    fn close_port(&mut self, modem: usize, pause: Duration) {
        self.open[modem] = false;
        self.bank.handle_closed(self.now, modem);
        self.gateway.handle_command(self.now, Command::PortLost(modem));
        self.reopen.insert(modem, self.now.monotonic + pause);
    }

    fn run(&mut self, span: Duration) {
        let end = self.now.monotonic + span;
        loop {
            self.settle();
            let wakes = [
                self.gateway.poll_timeout().map(|(at, _)| at),
                self.bank.poll_timeout(),
                self.replies.front().map(|(at, ..)| *at),
                self.reopen.values().min().copied(),
            ];
            let next = wakes.into_iter().flatten().min().unwrap_or(end);
            if next > end {
                break;
            }
            self.pass_to(next);
        }
        self.pass_to(end);
        self.settle();
    }

    fn pass_to(&mut self, to: Instant) {
        let to = to.max(self.now.monotonic);
        let micros = to.as_micros() - at(0).monotonic.as_micros();
        self.now = Now {
            monotonic: to,
            utc: at(0).utc + Duration::from_micros(micros),
        };
        let due: Vec<usize> = self
            .reopen
            .iter()
            .filter(|(_, at)| **at <= to)
            .map(|(modem, _)| *modem)
            .collect();
        for modem in due {
            self.reopen.remove(&modem);
            if self.present[modem] {
                self.open[modem] = true;
                self.gateway.handle_command(self.now, Command::PortOpened(modem));
            }
        }
        while self.replies.front().is_some_and(|(at, ..)| *at <= to) {
            let (_, token, reply, then) = self.replies.pop_front().unwrap();
            match then {
                Then::Nothing => {}
                Then::Allowed(id) => self.store.attempts.get_mut(&id).unwrap().known = true,
                Then::Stored(from) => drop(self.store.stored.insert(from)),
            }
            self.gateway.handle_command(self.now, Command::Reply { token, reply });
        }
        self.bank.handle_timeout(self.now);
        self.gateway.handle_timeout(self.now);
    }

    fn settle(&mut self) {
        loop {
            let mut silent = true;
            self.judge();
            while let Some(transmit) = self.gateway.poll_transmit() {
                silent = false;
                if self.open[transmit.slot] {
                    self.bank.handle_input(self.now, transmit.slot, &transmit.octets);
                    // What went out is judged by what was allowed before, not by what follows from it.
                    self.judge();
                }
            }
            while let Some((modem, octets)) = self.bank.poll_transmit() {
                silent = false;
                if self.open[modem] {
                    self.gateway.handle_input(self.now, modem, &octets);
                }
            }
            while let Some(event) = self.bank.poll_event() {
                silent = false;
                match event {
                    BankEvent::PortGone(modem) => {
                        self.present[modem] = false;
                        self.close_port(modem, Duration::from_secs(1));
                    }
                    BankEvent::PortBack(modem) => {
                        self.present[modem] = true;
                        self.reopen.insert(modem, self.now.monotonic + Duration::from_secs(1));
                    }
                }
            }
            while let Some(event) = self.gateway.poll_event() {
                silent = false;
                self.obey(event);
            }
            if silent {
                return;
            }
        }
    }

    fn obey(&mut self, event: Event) {
        match event {
            Event::Request { token, request } => {
                let (reply, then) = self.store.answer(self.now, request);
                // One after the other; now and then a commit takes long.
                let slow = self.random.u8(0..20) == 0;
                let took = Duration::from_millis(self.random.u64(if slow { 500..9_000 } else { 0..30 }));
                let before = self.replies.back().map_or(self.now.monotonic, |(at, ..)| *at);
                let at = before.max(self.now.monotonic) + took;
                self.replies.push_back((at, token, reply, then));
            }
            Event::Port(modem, PortAction::Reopen) => self.close_port(modem, Duration::from_secs(1)),
            Event::Port(modem, PortAction::UsbReset) => self.bank.usb_reset(self.now, modem),
            Event::Port(modem, PortAction::PowerCycle) => self.bank.power_cycle(self.now, modem),
            _ => {}
        }
    }

    fn judge(&mut self) {
        for event in self.bank.take_journal() {
            match event.what {
                Air::Accepted(accepted) => {
                    let sequence = accepted.concat.map_or(1, |(_, _, sequence)| sequence);
                    self.store.on_air(&accepted.recipient, sequence);
                }
                Air::Sent { inbound, from, .. } => drop(self.senders.insert(inbound, from)),
                Air::Stored { inbound, .. } | Air::Routed { inbound } => {
                    self.arrived.insert(self.senders[&inbound].clone());
                }
                Air::Deleted {
                    inbound: Some(inbound), ..
                } => {
                    let known = self.store.stored.contains(&self.senders[&inbound]);
                    assert!(known, "deleted from the modem, and nobody said that it is on disk");
                }
                Air::Deleted { inbound: None, .. }
                | Air::Refused { .. }
                | Air::Reported { .. }
                | Air::ReportLost { .. }
                | Air::Dropped { .. }
                | Air::Fault(_) => {}
            }
        }
    }

    /// A store that writes, a bank without mishaps, and time: everything is where it should be.
    fn end_well(&mut self) {
        self.store.writable = true;
        self.bank.set_faults(Faults::none());
        self.run(Duration::from_secs(1_800));
        for attempt in self.store.attempts.values() {
            assert!(attempt.closed.is_some(), "an attempt that nobody closed");
        }
        for (id, post) in self
            .store
            .posts
            .iter()
            .filter(|(_, post)| !post.withdrawn && !post.doubtful)
        {
            assert!(post.waiting.is_empty(), "never sent");
            let taken = |attempt: &&Attempt| attempt.message == *id && attempt.taken;
            let times = self.store.attempts.values().filter(taken).count();
            let parts = self
                .store
                .attempts
                .values()
                .filter(taken)
                .map(|attempt| attempt.part.id)
                .collect::<BTreeSet<_>>();
            assert_eq!(times, parts.len(), "a part twice on the air");
        }
        for from in &self.arrived {
            assert!(
                self.store.stored.contains(from),
                "it came in, and the store never got it"
            );
        }
    }
}

pub fn play(seed: u64, steps: &[(u8, u8)]) {
    let mut site = Site::new(seed);
    site.run(Duration::from_secs(10));
    for (verb, pick) in steps {
        site.step(*verb, *pick);
    }
    site.end_well();
}

#[test]
fn a_quiet_day_sends_everything() {
    let steps: Vec<(u8, u8)> = (0..20).map(|pick| (0, pick * 3 + 1)).collect();
    let mut site = Site::new(1);
    site.bank.set_faults(Faults::none());
    for (verb, pick) in steps {
        site.step(verb, pick);
    }
    site.end_well();
    assert_eq!(site.store.posts.len(), 20);
    assert!(site.store.attempts.values().all(|attempt| attempt.taken));
}
