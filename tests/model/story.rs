//! Random verbs against a store, with callers, two modems and an honest network around it, which keep the reference model.
//! Whether the store answers, dies in the middle or starts again is the [`World`]'s.

use std::time::Duration;

use wardwire::store::{Accept, Accepted, Answer, Canceled, Idempotency, Op, Store, StoredResponse};
use wardwire_core::base::{AttemptId, Body, Instant, MessageId, ModemId, Now, Originator, PhoneNumber, SimId, UtcTime};
use wardwire_core::queue::lane::Way;
use wardwire_core::queue::state::{OnUnknown, Priority, Sensitivity};
use wardwire_core::queue::verbs::{
    Answer as Modem, AttemptResult, Begin, Begun, Closed, Concat, DueMessage, InboundPart, Introduce, NewMessage,
    Reply, Report, Request, Silence,
};
use wardwire_core::sms::{
    Address, Dcs, Deliver, Direction, Reading, SegmentOptions, Submit, SubmitOptions, Timestamp, Tpdu, decode, segment,
    submit,
};

use super::reference::{Allowed, Flight, INTERIM, Model, Post, Sent};

/// 2026-06-15T12:00:00Z.
const NOON: i64 = 1_781_524_800_000;
/// Texts posted in one story at most, and parts that came in: what a list gives in one page.
const POSTS: usize = 60;
const LINES: usize = 2;
/// So few that a report may be taken for that of another text.
const PHONES: u8 = 2;

/// A store that may die.
pub trait World {
    /// Applies these in one transaction; `None` when the process died before it could answer.
    fn apply(&mut self, now: Now, ops: Vec<Op>) -> Option<Vec<Answer>>;
    /// Starts again with what is on disk.
    fn restart(&mut self, now: Now);
    fn store(&self) -> &Store;
    /// The next transaction is committed, and nobody hears of it.
    fn die_unheard(&mut self) {}
}

/// What a gateway and its surroundings have in mind; dies with the process where a gateway's would.
#[derive(Clone)]
pub struct Mind {
    pub model: Model,
    pub now: Now,
    held: Vec<DueMessage>,
    lines: Vec<Line>,
    /// Reports that lie in a modem until the store has them.
    reports: Vec<Report>,
    /// Parts of [`Model::sent`] that lie in a modem.
    lying: Vec<usize>,
    /// Transactions that were to be answered and were not, and restarts.
    pub deaths: usize,
}

/// A modem with its SIM.
#[derive(Clone)]
struct Line {
    modem: ModemId,
    sim: SimId,
    tp_mr: u8,
    open: Option<Open>,
    /// Gave no answer, and may still.
    late: Option<(AttemptId, u8)>,
}

/// An attempt under way.
#[derive(Clone, Copy)]
struct Open {
    attempt: AttemptId,
    message: MessageId,
    /// The SMSC took it, under this reference.
    taken: Option<u8>,
}

/// What a [`Begin`] was asked for.
struct Beginning {
    line: usize,
    place: usize,
    taken: bool,
}

pub struct Story<W> {
    pub world: W,
    pub mind: Mind,
}

pub fn at(seconds: u64) -> Now {
    Now {
        monotonic: Instant::ZERO + Duration::from_secs(seconds),
        utc: UtcTime::from_millis(NOON) + Duration::from_secs(seconds),
    }
}

impl<W: World> Story<W> {
    /// A story on a store that can be written.
    pub fn new(mut world: W) -> Self {
        let lines = (0..LINES).map(|line| introduce(&mut world, line).unwrap()).collect();
        let mind = Mind {
            model: Model::default(),
            now: at(0),
            held: Vec::new(),
            lines,
            reports: Vec::new(),
            lying: Vec::new(),
            deaths: 0,
        };
        Self { world, mind }
    }

    /// One step: at most one transaction.
    pub fn step(&mut self, verb: u8, pick: u8) {
        // No modem sends two parts within a second.
        self.tick(1);
        match verb % 14 {
            0 | 1 => self.post(None, pick),
            2 => self.post_again(pick),
            3 => self.take(usize::from(pick % 5)),
            4 | 5 => self.begin(pick),
            6 | 7 => self.close(usize::from(pick) % LINES, pick / 2),
            8 => self.close_and_begin(pick),
            9 => self.report(pick),
            10 | 11 => self.receive(pick),
            12 if pick.is_multiple_of(8) => self.restart(),
            12 if pick % 8 == 1 => self.world.die_unheard(),
            12 if pick % 8 < 4 => self.cancel(pick),
            12 if pick % 8 < 6 => self.late(usize::from(pick / 8) % LINES),
            12 => self.release(pick),
            _ => self.pass(u64::from(pick) * 20),
        }
    }

    pub fn check(&mut self) {
        self.mind.model.check(self.world.store());
    }

    /// The answers, when there are any.
    fn ask(&mut self, ops: Vec<Op>) -> Option<Vec<Answer>> {
        let answers = self.world.apply(self.mind.now, ops);
        if answers.is_none() {
            self.restart();
        }
        answers
    }

    fn gateway(&mut self, request: Request) -> Option<Reply> {
        reply(self.ask(vec![Op::Gateway(request)])?.pop())
    }

    fn post(&mut self, again: Option<usize>, pick: u8) {
        let number = again.unwrap_or(self.mind.model.posts.len());
        if number >= POSTS {
            return;
        }
        let text = if number.is_multiple_of(3) {
            "It is long. ".repeat(25)
        } else {
            "Come.".to_owned()
        };
        let cut = segment(&text, &SegmentOptions::default()).unwrap();
        if again.is_none() {
            self.mind.model.posts.push(Post {
                recipient: format!("+35387000000{}", pick % PHONES),
                parts: u8::try_from(cut.parts.len()).unwrap(),
                policy: [OnUnknown::Retry, OnUnknown::Hold, OnUnknown::Auto][usize::from(pick / 5 % 3)],
                id: None,
                withdrawn: false,
            });
        }
        let post = &self.mind.model.posts[number];
        let message = NewMessage {
            service: self.world.store().default_service(),
            recipient: PhoneNumber::from_e164(&post.recipient).unwrap(),
            body: Body::new(text),
            parts: cut.parts,
            alphabet: cut.alphabet,
            units: cut.units,
            category: None,
            priority: Priority::Normal,
            send_at: None,
            window: None,
            valid_until: at(72 * 3_600).utc,
            delivery_report: true,
            on_unknown: post.policy,
            held: None,
            sim: None,
            reference: Some(number.to_string()),
            metadata: None,
            sensitivity: Sensitivity::Usual,
        };
        let accept = Accept {
            message,
            idempotency: Some(Idempotency {
                key: number.to_string(),
                scope: "POST /v1/messages".to_owned(),
                fingerprint: [0; 32],
            }),
            respond: Box::new(|record| StoredResponse {
                status: 201,
                body: record.id.to_string(),
            }),
        };
        let Some(mut answers) = self.ask(vec![Op::Accept(Box::new(accept))]) else {
            return;
        };
        let post = &mut self.mind.model.posts[number];
        match answers.pop() {
            Some(Answer::Accepted(Accepted::New { id, response })) => {
                assert_eq!(post.id, None, "the key was known");
                assert_eq!(response.body, id.to_string());
                post.id = Some(id);
            }
            Some(Answer::Accepted(Accepted::Replayed { id, response })) => {
                assert_eq!(response.body, id.to_string(), "the first answer, word for word");
                assert!(post.id.is_none_or(|known| known == id), "one key, two messages");
                post.id = Some(id);
            }
            Some(Answer::Unavailable | Answer::Full | Answer::Late) => {}
            other => panic!("{other:?}"),
        }
    }

    fn post_again(&mut self, pick: u8) {
        if let Some(number) = usize::from(pick).checked_rem(self.mind.model.posts.len()) {
            self.post(Some(number), pick);
        }
    }

    fn take(&mut self, room: usize) {
        let Some(Reply::Due { messages, .. }) = self.gateway(Request::TakeDue {
            ways: vec![Way::Any],
            depth: usize::MAX,
            room,
            counted: true,
        }) else {
            return;
        };
        assert!(messages.len() <= room);
        for due in messages {
            assert!(!due.parts.is_empty());
            assert!(self.mind.held.iter().all(|held| held.id != due.id), "given out twice");
            self.mind.held.push(due);
        }
    }

    /// The next attempt that a free modem would ask for.
    fn beginning(&self, pick: u8) -> Option<(Op, Beginning)> {
        let line = usize::from(pick) % LINES;
        let place = usize::from(pick / 2).checked_rem(self.mind.held.len())?;
        self.beginning_at(line, place, !(pick / 16).is_multiple_of(4))
    }

    fn beginning_at(&self, line: usize, place: usize, taken: bool) -> Option<(Op, Beginning)> {
        let (due, on) = (&self.mind.held[place], &self.mind.lines[line]);
        let busy = |line: &Line| line.open.is_some_and(|open| open.message == due.id);
        if on.open.is_some() || self.mind.lines.iter().any(busy) || due.sim.is_some_and(|sim| sim != on.sim) {
            return None;
        }
        let begin = Begin {
            message: due.id,
            part: due.parts.first()?.id,
            modem: on.modem,
            sim: on.sim,
            expected_tp_mr: Some(on.tp_mr.wrapping_add(1)),
            circle: None,
            marks: [None; 4],
        };
        Some((Op::Gateway(Request::Begin(begin)), Beginning { line, place, taken }))
    }

    /// Ctrl-Z goes out when the store says so, and never else.
    fn begun(&mut self, asked: &Beginning, begun: Begun) {
        let (id, part) = (self.mind.held[asked.place].id, &self.mind.held[asked.place].parts[0]);
        let part = part.sequence;
        let Begun::Written { attempt, .. } = begun else {
            return self.mind.held.retain(|held| held.id != id);
        };
        let sim = self.mind.lines[asked.line].sim;
        self.mind.held[asked.place].parts.remove(0);
        self.mind.held[asked.place].sim = Some(sim);
        let post = self.mind.model.post_of(id);
        assert!(post.is_none_or(|post| !post.withdrawn), "withdrawn is withdrawn");
        let allowed = Allowed {
            message: id,
            part,
            accepted: None,
        };
        assert!(self.mind.model.allowed.insert(attempt, allowed).is_none());
        let line = &mut self.mind.lines[asked.line];
        let mut taken = None;
        if asked.taken {
            line.tp_mr = line.tp_mr.wrapping_add(1);
            taken = Some(line.tp_mr);
            self.mind.model.air.push(Flight {
                message: id,
                part,
                sim,
                tp_mr: line.tp_mr,
                at: self.mind.now.utc,
                said: Vec::new(),
                heard: Vec::new(),
            });
        }
        line.open = Some(Open {
            attempt,
            message: id,
            taken,
        });
    }

    fn begin(&mut self, pick: u8) {
        if let Some((op, asked)) = self.beginning(pick) {
            self.begin_with(op, &asked);
        }
    }

    fn begin_with(&mut self, op: Op, asked: &Beginning) {
        let id = self.mind.held[asked.place].id;
        let Some(mut answers) = self.ask(vec![op]) else {
            self.mind.model.doubtful.insert(id);
            return;
        };
        if let Some(Reply::Begun(begun)) = reply(answers.pop()) {
            self.begun(asked, begun);
        }
    }

    /// What an honest modem may answer.
    fn result(open: Open, pick: u8) -> AttemptResult {
        let answer = |answer, millis| AttemptResult::Failed {
            answer,
            took: Duration::from_millis(millis),
        };
        match (open.taken, pick % 8) {
            (_, 0) => AttemptResult::NoAnswer(Silence::Timeout),
            (_, 1) => answer(Modem::Cms(500), 30_000),
            (Some(tp_mr), _) => AttemptResult::Accepted {
                tp_mr: Some(tp_mr),
                smsc_timestamp: None,
            },
            (None, 2) => AttemptResult::NotSent(Modem::NoPrompt),
            (None, 3) => answer(Modem::Cms(42), 3_500),
            (None, 4) => answer(Modem::Cms(21), 3_500),
            (None, 5) => answer(Modem::Error, 100),
            (None, 6) => answer(Modem::Cms(1), 3_500),
            (None, _) => AttemptResult::NoAnswer(Silence::PortLost),
        }
    }

    fn closed(&mut self, line: usize, result: AttemptResult, closed: Closed) {
        let Some(open) = self.mind.lines[line].open.take() else {
            return;
        };
        match result {
            AttemptResult::Accepted { tp_mr, .. } => {
                self.mind.model.allowed.get_mut(&open.attempt).unwrap().accepted = tp_mr;
            }
            AttemptResult::NotSent(_) => {}
            AttemptResult::Failed { .. } | AttemptResult::NoAnswer(_) => {
                self.mind.model.doubtful.insert(open.message);
                self.mind.lines[line].late = open.taken.map(|tp_mr| (open.attempt, tp_mr));
            }
        }
        if closed == Closed::Forget {
            self.mind.held.retain(|held| held.id != open.message);
        }
    }

    fn close(&mut self, line: usize, pick: u8) {
        let Some(open) = self.mind.lines[line].open else { return };
        let result = Self::result(open, pick);
        let close = Request::Close {
            attempt: open.attempt,
            result,
        };
        if let Some(Reply::Closed(closed)) = self.gateway(close) {
            self.closed(line, result, closed);
        }
    }

    /// As the gateway does: the result of one part and the attempt of the next in one transaction.
    fn close_and_begin(&mut self, pick: u8) {
        let line = usize::from(pick) % LINES;
        let Some(open) = self.mind.lines[line].open else { return };
        let result = Self::result(open, 7);
        let next = self.mind.held.iter().position(|due| due.id == open.message);
        self.mind.lines[line].open = None;
        let beginning = next.and_then(|place| self.beginning_at(line, place, !(pick / 2).is_multiple_of(4)));
        self.mind.lines[line].open = Some(open);
        let close = Request::Close {
            attempt: open.attempt,
            result,
        };
        let Some((begin, asked)) = beginning.filter(|_| open.taken.is_some()) else {
            return;
        };
        let Some(answers) = self.ask(vec![Op::Gateway(close), begin]) else {
            return;
        };
        let mut replies = answers.into_iter().map(|answer| reply(Some(answer)));
        let (first, second) = (replies.next().flatten(), replies.next().flatten());
        if let Some(Reply::Closed(closed)) = first {
            self.closed(line, result, closed);
            let held = self
                .mind
                .held
                .get(asked.place)
                .is_some_and(|due| due.id == open.message);
            if let (true, Some(Reply::Begun(begun))) = (held, second) {
                self.begun(&asked, begun);
            }
        } else {
            assert!(second.is_none(), "half of a transaction");
        }
    }

    /// The result comes after all, when the modem was given up.
    fn late(&mut self, line: usize) {
        let Some((attempt, tp_mr)) = self.mind.lines[line].late else {
            return;
        };
        let result = AttemptResult::Accepted {
            tp_mr: Some(tp_mr),
            smsc_timestamp: None,
        };
        if self.gateway(Request::Close { attempt, result }).is_some() {
            self.mind.lines[line].late = None;
        }
    }

    /// The network makes a report, or a modem offers one again.
    fn report(&mut self, pick: u8) {
        if pick.is_multiple_of(4) || self.mind.reports.is_empty() {
            self.make_report(pick / 4);
        }
        let Some(place) = usize::from(pick).checked_rem(self.mind.reports.len()) else {
            return;
        };
        let report = self.mind.reports[place].clone();
        let (flight, tp_st) = (usize::from(report.raw[0]), report.tp_st);
        if self.gateway(Request::Report(report)).is_some() {
            self.mind.model.air[flight].heard.push(tp_st);
            // Now and then the modem's copy cannot be deleted, and the same report comes again.
            if !pick.is_multiple_of(5) {
                self.mind.reports.remove(place);
            }
        }
    }

    fn make_report(&mut self, pick: u8) {
        let Some(place) = usize::from(pick).checked_rem(self.mind.model.air.len()) else {
            return;
        };
        let flight = &mut self.mind.model.air[place];
        let tp_st = match flight.said.last() {
            None => [INTERIM, 0x00, 0x00, 0x01, 0x46, 0x41][usize::from(pick % 6)],
            Some(&INTERIM) => [0x00, 0x41][usize::from(pick % 2)],
            Some(0x46) => 0x00,
            Some(_) => return,
        };
        flight.said.push(tp_st);
        let said = u8::try_from(flight.said.len()).unwrap();
        let (sim, tp_mr, at, message) = (flight.sim, flight.tp_mr, flight.at, flight.message);
        let post = self.mind.model.post_of(message).map(|post| post.recipient.clone());
        // A report on a post whose caller never heard of it: the air knows the number all the same.
        let store = self.world.store();
        let recipient = post.unwrap_or_else(|| {
            let row = store.read().message(store.default_service(), message).unwrap().unwrap();
            row.recipient.unwrap().as_e164().to_owned()
        });
        self.mind.reports.push(Report {
            sim,
            tp_mr,
            recipient: Originator::new(&recipient),
            tp_st,
            smsc_timestamp: Some(at),
            discharged_at: Some(self.mind.now.utc),
            raw: vec![u8::try_from(place).unwrap(), said, tp_st],
        });
    }

    /// A patient writes, or a modem offers what lies in it.
    fn receive(&mut self, pick: u8) {
        if (pick.is_multiple_of(3) || self.mind.lying.is_empty()) && self.mind.model.sent.len() < 2 * POSTS {
            self.write(pick);
        }
        let Some(place) = usize::from(pick).checked_rem(self.mind.lying.len()) else {
            return;
        };
        self.offer(place, pick.is_multiple_of(5));
    }

    fn offer(&mut self, place: usize, stays: bool) {
        let number = self.mind.lying[place];
        let part = self.mind.model.sent[number].part.clone();
        if matches!(self.gateway(Request::Receive(part)), Some(Reply::Stored)) {
            self.mind.model.sent[number].stored = true;
            if !stays {
                self.mind.lying.remove(place);
            }
        }
    }

    fn write(&mut self, pick: u8) {
        let number = self.mind.model.sent.len();
        let total = if pick.is_multiple_of(2) { 1 } else { 2 };
        let mark = |sequence: u8| format!("({number}-{sequence})");
        let text = if total == 1 {
            mark(1)
        } else {
            format!("{:_<153}{}", mark(1), mark(2))
        };
        let reference = u8::try_from(number % 256).unwrap();
        let Line { modem, sim, .. } = self.mind.lines[usize::from(pick / 2) % LINES];
        let text = if total == 1 { text } else { text + &"_".repeat(20) };
        for (sequence, raw) in (1..).zip(delivers(&text, reference, self.mind.now.utc)) {
            self.mind.lying.push(self.mind.model.sent.len());
            self.mind.model.sent.push(Sent {
                part: InboundPart {
                    sim,
                    modem,
                    from: Originator::new(FROM),
                    smsc_timestamp: Some(self.mind.now.utc),
                    concat: (total > 1).then_some(Concat {
                        reference: reference.into(),
                        bits: 8,
                        total,
                        sequence,
                    }),
                    raw,
                },
                mark: mark(sequence),
                stored: false,
            });
        }
    }

    fn cancel(&mut self, pick: u8) {
        let known: Vec<MessageId> = self.mind.model.posts.iter().filter_map(|post| post.id).collect();
        let Some(place) = usize::from(pick / 8).checked_rem(known.len()) else {
            return;
        };
        let cancel = Op::Cancel {
            service: self.world.store().default_service(),
            message: known[place],
        };
        let Some(mut answers) = self.ask(vec![cancel]) else {
            self.mind.model.doubtful.insert(known[place]);
            return;
        };
        let Some(Answer::Canceled(canceled)) = answers.pop() else {
            return;
        };
        let post = self.mind.model.post_of(known[place]).unwrap();
        post.withdrawn |= match canceled {
            Canceled::Done | Canceled::AlreadySubmitting => true,
            Canceled::AlreadyFinal(_) => false,
            Canceled::NotFound => panic!("acknowledged and lost"),
        };
    }

    fn release(&mut self, pick: u8) {
        if let Some(place) = usize::from(pick / 8).checked_rem(self.mind.held.len()) {
            let id = self.mind.held[place].id;
            let busy = |line: &Line| line.open.is_some_and(|open| open.message == id);
            if !self.mind.lines.iter().any(busy) && self.gateway(Request::Release(id)).is_some() {
                self.mind.held.retain(|held| held.id != id);
            }
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.tick(seconds);
        self.gateway(Request::Sweep);
    }

    fn tick(&mut self, seconds: u64) {
        let by = Duration::from_secs(seconds);
        self.mind.now.monotonic += by;
        self.mind.now.utc = self.mind.now.utc + by;
    }

    /// The process starts again: what a gateway has in mind is gone, what lies in modems and what the air knows is not.
    pub fn restart(&mut self) {
        self.mind.deaths += 1;
        self.world.restart(self.mind.now);
        for line in 0..LINES {
            if let Some(open) = self.mind.lines[line].open.take() {
                self.mind.model.doubtful.insert(open.message);
            }
            self.mind.lines[line].late = None;
        }
        self.mind.held.clear();
    }

    /// A network that works, and time: what may go out goes out, and what lies in a modem comes in.
    pub fn end_well(&mut self, rounds: usize) {
        self.restart();
        // Whoever got no answer asks again, with the same key.
        for number in 0..self.mind.model.posts.len() {
            if self.mind.model.posts[number].id.is_none() {
                self.post(Some(number), 0);
            }
        }
        let mut tries = self.mind.lying.len() + 1;
        while !self.mind.lying.is_empty() {
            self.offer(0, false);
            tries -= 1;
            assert!(tries > 0, "a store that never takes in what came in");
        }
        for _ in 0..rounds {
            self.pass(20 * 60);
            self.take(100);
            while let Some(due) = self.mind.held.first().cloned() {
                let line = self
                    .mind
                    .lines
                    .iter()
                    .position(|line| due.sim.is_none_or(|sim| sim == line.sim));
                match self.beginning_at(line.unwrap(), 0, true) {
                    Some((op, asked)) => self.begin_with(op, &asked),
                    None => {
                        self.gateway(Request::Release(due.id));
                        self.mind.held.remove(0);
                    }
                }
                self.close(line.unwrap(), 7);
            }
        }
        self.mind.model.check_at_the_end(self.world.store());
    }
}

const FROM: &str = "+353871234567";

/// A text as it comes from a phone: a SUBMIT turned round.
fn delivers(text: &str, reference: u8, at: UtcTime) -> Vec<Vec<u8>> {
    let cut = segment(text, &SegmentOptions::default()).unwrap();
    let several = cut.parts.len() > 1;
    let deliver = |mut part: wardwire_core::sms::EncodedPart| {
        if several {
            part.set_reference(reference);
        }
        let to = PhoneNumber::from_e164(FROM).unwrap();
        let tpdu = submit(&part, &to, SubmitOptions::default()).unwrap();
        let Tpdu::Submit(Submit { user_data, .. }) = decode(&tpdu, Direction::Outbound, Reading::Strict).unwrap().tpdu
        else {
            panic!("a SUBMIT");
        };
        let (from, scts) = (Address::parse(FROM).unwrap(), Timestamp::from_utc(at, 4));
        let deliver = Deliver::new(from, scts, Dcs(part.dcs), user_data);
        Tpdu::Deliver(deliver).encode().unwrap().to_vec()
    };
    cut.parts.into_iter().map(deliver).collect()
}

fn introduce<W: World>(world: &mut W, line: usize) -> Option<Line> {
    let introduce = Introduce {
        label: format!("m{line}"),
        imei: Some(format!("35000000000000{line}")),
        iccid: Some(format!("894910000000000000{line}")),
        ..Introduce::default()
    };
    let answers = world.apply(at(0), vec![Op::Gateway(Request::Introduce(Box::new(introduce)))]);
    let Reply::Introduced(introduced) = reply(answers?.pop())? else {
        return None;
    };
    Some(Line {
        modem: introduced.modem,
        sim: introduced.sim,
        tp_mr: 0,
        open: None,
        late: None,
    })
}

/// The store's word to the gateway; none when it could not write.
fn reply(answer: Option<Answer>) -> Option<Reply> {
    match answer {
        Some(Answer::Gateway(Reply::Unavailable) | Answer::Unavailable | Answer::Full | Answer::Late) | None => None,
        Some(Answer::Gateway(reply)) => Some(reply),
        Some(other) => panic!("{other:?}"),
    }
}
