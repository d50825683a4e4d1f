//! What the store costs: durable accepts, whole lives of messages, claims among many. `cargo bench --bench store`
//! prints one line each; add a number for the rows of the claim measurement (100000 unless told), or `large` for ten
//! million messages on disk against ten thousand.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a harness: a wrong assumption must stop the run"
)]

#[path = "store/large.rs"]
mod large;

use std::time::Duration;

use wardwire::store::{Accept, Accepted, Answer, Idempotency, Keys, Op, Place, Settings, Store, StoredResponse};
use wardwire_core::base::{AttemptId, Body, Instant, MessageId, ModemId, Now, Originator, PhoneNumber, SimId, UtcTime};
use wardwire_core::queue::lane::Way;
use wardwire_core::queue::state::{OnUnknown, Priority, Sensitivity};
use wardwire_core::queue::verbs::{
    AttemptResult, Begin, Begun, DueMessage, Introduce, NewMessage, Reply, Report, Request,
};
use wardwire_core::sms::{SegmentOptions, segment};

const START: i64 = 1_781_524_800_000;

/// Time this thread spent on a processor: a busy machine does not spoil it.
struct Clock(u64);

impl Clock {
    fn now() -> Self {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
        Self(
            text.split_whitespace()
                .next()
                .and_then(|nanos| nanos.parse().ok())
                .expect("a number"),
        )
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(Self::now().0 - self.0)
    }
}

fn at(millis: u64) -> Now {
    Now {
        monotonic: Instant::from_micros(millis * 1_000),
        utc: UtcTime::from_millis(START) + Duration::from_millis(millis),
    }
}

fn open(place: &Place) -> Store {
    Store::open(place, Keys::from_master(&[7; 32]), Settings::default(), at(0)).expect("the store opens")
}

fn message(store: &Store, n: u64, now: Now) -> NewMessage {
    let text = "Your appointment is on 20 June at 10:00 in Outpatients 3. Reply Y to confirm, R to change.";
    let cut = segment(text, &SegmentOptions::default()).expect("it fits");
    NewMessage {
        service: store.default_service(),
        recipient: PhoneNumber::from_e164(&format!("+35387{:07}", n % 5_000_000)).expect("a number"),
        body: Body::new(text),
        parts: cut.parts,
        alphabet: cut.alphabet,
        units: 90,
        category: None,
        priority: Priority::Normal,
        send_at: None,
        window: None,
        valid_until: now.utc + Duration::from_secs(72 * 3600),
        delivery_report: true,
        on_unknown: OnUnknown::Retry,
        held: None,
        sim: None,
        reference: None,
        metadata: None,
        sensitivity: Sensitivity::Usual,
    }
}

fn accept(store: &Store, n: u64, now: Now) -> Op {
    Op::Accept(Box::new(Accept {
        message: message(store, n, now),
        idempotency: Some(Idempotency {
            key: format!("01JZ3M8Q4W8J7V5N2K9C{n:06}"),
            scope: "POST /v1/messages".into(),
            fingerprint: [7; 32],
        }),
        respond: Box::new(|record| StoredResponse {
            status: 201,
            body: format!("{{\"id\":\"{}\",\"status\":\"queued\",\"part_count\":1}}", record.id),
        }),
    }))
}

fn accepts(store: &mut Store, from: u64, count: u64, group: u64) -> Duration {
    let begin = Clock::now();
    let mut n = from;
    while n < from + count {
        let now = at(n);
        let ops = (n..n + group).map(|n| accept(store, n, now)).collect();
        let answers = store.apply(now, ops);
        assert!(matches!(answers[0], Answer::Accepted(Accepted::New { .. })));
        n += group;
    }
    begin.elapsed()
}

fn gateway(store: &mut Store, now: Now, requests: Vec<Request>) -> Vec<Reply> {
    let answers = store.apply(now, requests.into_iter().map(Op::Gateway).collect());
    answers
        .into_iter()
        .map(|answer| {
            let Answer::Gateway(reply) = answer else {
                panic!("another answer");
            };
            reply
        })
        .collect()
}

fn introduce(store: &mut Store) -> (ModemId, SimId) {
    let introduce = Introduce {
        label: "m0".into(),
        imei: Some("350000000000001".into()),
        iccid: Some("8949100000000000001".into()),
        ..Introduce::default()
    };
    let Reply::Introduced(introduced) = gateway(store, at(0), vec![Request::Introduce(Box::new(introduce))]).remove(0)
    else {
        panic!("another answer");
    };
    (introduced.modem, introduced.sim)
}

fn take(store: &mut Store, now: Now, room: usize) -> Vec<DueMessage> {
    let request = Request::TakeDue {
        ways: vec![Way::Any],
        depth: usize::MAX,
        room,
        counted: false,
    };
    let Reply::Due { messages, .. } = gateway(store, now, vec![request]).remove(0) else {
        panic!("another answer");
    };
    messages
}

fn report(sim: SimId, n: u64, due: &DueMessage, now: Now) -> Request {
    Request::Report(Report {
        sim,
        tp_mr: n.to_le_bytes()[0],
        recipient: Originator::new(due.recipient.as_e164()),
        tp_st: 0,
        smsc_timestamp: Some(now.utc),
        discharged_at: Some(now.utc),
        raw: n.to_le_bytes().to_vec(),
    })
}

/// What the steps of a life are called: the last is to find the attempt that a delivery report speaks of.
const STEPS: [&str; 4] = ["claim", "begin", "close", "match"];

/// From claim to delivery of what is queued, `group` ops a commit; how long each of the [`STEPS`] took.
fn lives(store: &mut Store, ids: (ModemId, SimId), count: u64, group: usize) -> [Duration; 4] {
    let mut steps = [Duration::ZERO; 4];
    let (modem, sim) = ids;
    let mut done = 0;
    while done < count {
        let now = at(40_000_000 + done);
        let mut step = 0;
        let mut clock = Clock::now();
        let mut lap = || {
            steps[step] += clock.elapsed();
            step += 1;
            clock = Clock::now();
        };
        let due = take(store, now, group);
        lap();
        let begins = due.iter().map(|due| {
            Request::Begin(Begin {
                message: due.id,
                part: due.parts[0].id,
                modem,
                sim,
                expected_tp_mr: None,
                circle: None,
                marks: [None; 4],
            })
        });
        let begins = begins.collect();
        let attempts: Vec<AttemptId> = gateway(store, now, begins)
            .into_iter()
            .map(|reply| {
                let Reply::Begun(Begun::Written { attempt, .. }) = reply else {
                    panic!("another answer");
                };
                attempt
            })
            .collect();
        lap();
        let closes = (done..).zip(attempts).map(|(n, attempt)| Request::Close {
            attempt,
            result: AttemptResult::Accepted {
                tp_mr: Some(n.to_le_bytes()[0]),
                smsc_timestamp: None,
            },
        });
        let closes = closes.collect();
        gateway(store, now, closes);
        lap();
        let reports = (done..).zip(&due).map(|(n, due)| report(sim, n, due, now)).collect();
        gateway(store, now, reports);
        lap();
        done += due.len() as u64;
    }
    steps
}

fn rate(what: &str, count: u64, took: Duration) {
    let micros = took.as_secs_f64() * 1e6 / count as f64;
    println!("{what:<44} {:>9.0}/s  {micros:>8.1} µs each", 1e6 / micros);
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    match arguments.first().map(String::as_str) {
        Some("large") => return large::run(arguments.get(1).and_then(|n| n.parse().ok()).unwrap_or(10)),
        Some("measure") => return large::measure(arguments.get(1).expect("a file")),
        Some(_) | None => {}
    }
    let rows = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .next()
        .unwrap_or(100_000u64);
    let dir = tempfile::tempdir().expect("a directory");
    for (name, place) in [
        ("memory", Place::Memory),
        ("disk", Place::File(dir.path().join("bench.db"))),
    ] {
        let mut store = open(&place);
        let ids = introduce(&mut store);
        for group in [1, 16, 64, 256] {
            let count = if group == 1 { 2_048 } else { 8_192 };
            let took = accepts(&mut store, group * 100_000, count, group);
            rate(&format!("{name}: accepts, {group} a commit"), count, took);
        }
        let queued = 2_048 + 3 * 8_192;
        for (group, count) in [(1, 1_024), (8, 8_192), (64, queued - 9_216)] {
            let took = lives(&mut store, ids, count, group);
            let all: Duration = took.iter().sum();
            rate(&format!("{name}: claim to delivered, {group} a commit"), count, all);
            for (step, took) in STEPS.iter().zip(took) {
                rate(&format!("    {step}"), count, took);
            }
        }
    }
    let mut store = open(&Place::Memory);
    let ids = introduce(&mut store);
    for queued in [1_000, rows] {
        let before = rows.min(queued) - if queued == rows { 1_000.min(rows) } else { 0 };
        accepts(&mut store, queued, before, 250);
        let begin = Clock::now();
        let mut taken: Vec<MessageId> = Vec::new();
        for n in 0..200 {
            taken.extend(take(&mut store, at(40_000_000 + n), 1).iter().map(|due| due.id));
        }
        rate(&format!("claim of one among {queued} queued"), 200, begin.elapsed());
        let begin = Clock::now();
        gateway(&mut store, at(50_000_000), vec![Request::Sweep]);
        rate(&format!("sweep with nothing to do among {queued}"), 1, begin.elapsed());
        gateway(
            &mut store,
            at(50_000_000),
            taken.into_iter().map(Request::Release).collect(),
        );
    }
    let _ = ids;
}
