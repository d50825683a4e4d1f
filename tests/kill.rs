//! Kill -9 at any moment, in the middle of anything, with modems that lie: what was accepted is neither lost nor silently
//! repeated, what was withdrawn stays so, what came in is listed once, and "delivered" is true. Judged by the air's journal.
//!
//! The campaign: `WARDWIRE_KILLS=500 cargo test --release --test kill -- --nocapture` (about twenty minutes).
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a harness: a wrong assumption must stop the run"
)]

#[expect(dead_code, reason = "shared with benches; this test uses a part of it")]
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use common::{Client, Site, statuses};
use serde_json::{Value, json};

const MODEMS: usize = 4;
/// Texts posted between two kills at most.
const POSTS: usize = 8;
/// Phones; a phone gets several texts, so that a report may be mistaken for another's.
const PHONES: usize = 300;
/// Faults per thousand that pass quickly; and those that hold a modem up for long.
const LIES: [(&str, u16); 8] = [
    ("error-after-acceptance", 20),
    ("report-early", 100),
    ("report-twice", 100),
    ("report-foreign", 50),
    ("report-lost", 20),
    ("notice-twice", 100),
    ("delete-fails", 50),
    ("torn-write", 20),
];
const SILENCES: [(&str, u16); 3] = [("result-lost", 20), ("ctrl-z-lost", 10), ("late-answer", 10)];

/// A text that somebody wants to be sent.
#[derive(Default)]
struct Wish {
    to: String,
    text: String,
    parts: u64,
    on_unknown: &'static str,
    /// Once the gateway said 201.
    id: Option<String>,
    /// The gateway's answer to a cancel.
    canceled: Option<u16>,
}

impl Wish {
    fn new(number: usize) -> Self {
        // Each part of a long text holds its number whole.
        let (text, parts) = match number % 5 {
            0 => (format!("#{number:05} ").repeat(40), 2),
            1 => (format!("#{number:05} Reply Y to confirm."), 1),
            _ => (format!("#{number:05} Kill me if you can"), 1),
        };
        Self {
            to: common::number(number % PHONES),
            text,
            parts,
            on_unknown: if number % 7 == 3 { "hold" } else { "retry" },
            ..Self::default()
        }
    }

    fn body(&self) -> Value {
        json!({ "to": self.to, "body": self.text, "on_unknown": self.on_unknown })
    }
}

fn of_environment(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Posts what has no answer yet, each under its own key however often; withdraws some of it. Ends when the gateway is gone.
async fn post(client: &mut Client, wishes: &Mutex<Vec<Wish>>) -> Result<(), hyper::Error> {
    let open = |wish: &Wish| wish.id.is_none();
    let waiting: Vec<(usize, Value)> = {
        let wishes = wishes.lock().expect("nobody panics with it");
        let waiting = wishes.iter().enumerate().filter(|(_, wish)| open(wish));
        waiting.map(|(number, wish)| (number, wish.body())).collect()
    };
    for (number, body) in waiting {
        let (status, answer) = client.post_once(&format!("wish-{number}"), body).await?;
        assert_eq!(status, 201, "{answer}");
        let id = answer["id"].as_str().expect("an id").to_owned();
        wishes.lock().expect("nobody panics with it")[number].id = Some(id.clone());
        if number % 11 == 7 {
            let (status, _) = client.ask("POST", &format!("/v1/messages/{id}/cancel"), None).await?;
            wishes.lock().expect("nobody panics with it")[number].canceled = Some(status);
        }
    }
    Ok(())
}

/// Kills at a random moment after the gateway listens: while modems are brought up, while a text is being taken on,
/// between Ctrl-Z and the answer, while a report or an answer comes in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_and_nothing_is_doubled_unflagged() {
    let kills = of_environment("WARDWIRE_KILLS", 6);
    let campaign = kills > 10;
    let site = Site::new(
        Path::new(env!("CARGO_BIN_EXE_wardwire")),
        MODEMS,
        "evidence_window_seconds = 3\n",
    );
    let faults: Vec<String> = LIES
        .iter()
        .chain(SILENCES.iter().filter(|_| campaign))
        .map(|(name, often)| format!("--fault={name}={often}"))
        .collect();
    let mut extra = vec![
        "--latency-ms",
        "30",
        "--report-delay-ms",
        "200",
        "--reports-while-closed",
        "keep",
    ];
    extra.extend(faults.iter().map(String::as_str));
    let _bank = site.bank(&extra);
    let key = site.key();
    let mut random = fastrand::Rng::with_seed(of_environment("WARDWIRE_SEED", 1) as u64);
    let wishes = Mutex::new(Vec::new());
    let begun = Instant::now();
    for round in 1..=kills {
        let (gateway, address) = site.gateway_listening();
        let mut client = Client::connect(address, &key).await.expect("it listens");
        {
            let mut wishes = wishes.lock().expect("nobody panics with it");
            let next = wishes.len();
            wishes.extend((next..next + random.usize(1..=POSTS)).map(Wish::new));
        }
        let moment = Duration::from_millis(random.u64(20..2_500));
        let life = async {
            post(&mut client, &wishes).await.expect("it lives");
            std::future::pending::<()>().await;
        };
        let ended = tokio::time::timeout(moment, life).await;
        assert!(ended.is_err(), "nothing ends before the kill");
        gateway.kill_hard();
        if round % 25 == 0 {
            let posted = wishes.lock().expect("nobody panics with it").len();
            println!("{round} kills, {posted} texts, {} s", begun.elapsed().as_secs());
        }
    }
    let (gateway, address) = site.gateway();
    let mut client = Client::connect(address, &key).await.expect("it listens");
    post(&mut client, &wishes).await.expect("nobody kills it now");
    let wishes = wishes.into_inner().expect("nobody panicked with it");
    // What queued up between the kills goes out at the pace of modems that now and then keep a result to themselves for minutes.
    let limit = Duration::from_secs(if campaign { 600 + 2 * wishes.len() as u64 } else { 120 });
    let messages = client.until(limit, |messages| messages.iter().all(is_at_rest)).await;
    let inbound = all_heard(&site, &mut client).await;
    let verdict = Verdict::of(&site, &wishes, &messages, &inbound);
    let events = client.events().await.expect("the gateway answers");
    println!("{kills} kills in {} s, {verdict}", begun.elapsed().as_secs());
    println!("statuses: {:?}", statuses(&messages));
    println!("events: {events:?}");
    assert!(verdict.faults.is_empty(), "{:#?}", verdict.faults);
    assert_eq!(gateway.terminate(), Some(0));
}

/// Whether nothing more happens to a message by itself, reports apart.
fn is_at_rest(message: &Value) -> bool {
    match message["status"].as_str().unwrap_or_default() {
        "queued" | "assigned" | "submitting" => false,
        // What was unknown three times is a person's.
        "unknown" => message["on_unknown"] == "hold" || message["attempts"].as_u64() >= Some(3),
        _ => true,
    }
}

/// Everything that came in, once as many are listed as handsets sent.
async fn all_heard(site: &Site, client: &mut Client) -> Vec<Value> {
    let end = Instant::now() + Duration::from_secs(120);
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    loop {
        ticks.tick().await;
        let rows = client.all("/v1/inbound-messages").await.expect("the gateway answers");
        if rows.len() >= site.air("sent").len() || Instant::now() > end {
            return rows;
        }
    }
}

#[derive(Default)]
struct Verdict {
    faults: Vec<String>,
    texts: usize,
    copies: usize,
    withdrawn: usize,
    delivered: usize,
    inbound: usize,
    injected: BTreeMap<String, usize>,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            texts,
            copies,
            withdrawn,
            delivered,
            inbound,
            injected,
            ..
        } = self;
        write!(
            f,
            "{texts} texts, {delivered} delivered, {copies} twice on the air and marked, {withdrawn} withdrawn in time, \
             {inbound} answers taken in, faults {injected:?}"
        )
    }
}

/// A part of a text: its number and place.
type OnAir = (usize, u64);

/// What the SMSC did with the parts of our texts.
#[derive(Default)]
struct Journal {
    taken: BTreeMap<OnAir, usize>,
    /// Parts that a handset was reported to have.
    reported: BTreeSet<OnAir>,
}

impl Journal {
    fn of(site: &Site) -> Self {
        let mut journal = Self::default();
        let mut submissions = BTreeMap::new();
        for line in site.air("accepted") {
            let text = line["text"].as_str().expect("a text");
            let number = text
                .split('#')
                .skip(1)
                .find_map(|rest| rest.get(..5)?.parse().ok())
                .unwrap_or_else(|| panic!("the air saw a text that nobody asked for"));
            let part = (number, line["concat"]["sequence"].as_u64().unwrap_or(1));
            submissions.insert(line["submission"].as_u64(), part);
            *journal.taken.entry(part).or_default() += 1;
        }
        for line in site.air("reported") {
            let submission = line["submission"].as_u64();
            if let (Some(part), Some(0)) = (submissions.get(&submission), line["tp_st"].as_u64()) {
                journal.reported.insert(*part);
            }
        }
        journal
    }
}

impl Verdict {
    fn of(site: &Site, wishes: &[Wish], messages: &[Value], inbound: &[Value]) -> Self {
        let mut verdict = Self {
            texts: wishes.len(),
            inbound: inbound.len(),
            ..Self::default()
        };
        let journal = Journal::of(site);
        let by_id: BTreeMap<&str, &Value> = messages
            .iter()
            .map(|message| (message["id"].as_str().expect("an id"), message))
            .collect();
        for (number, wish) in wishes.iter().enumerate() {
            let id = wish.id.as_deref().expect("every post was answered in the end");
            match by_id.get(id) {
                Some(message) => verdict.judge(number, wish, message, &journal),
                None => verdict.faults.push(format!("{number}: {id} is lost")),
            }
        }
        if messages.len() != wishes.len() {
            let count = messages.len();
            verdict.faults.push(format!(
                "{count} messages of {} posts: a key was taken twice",
                wishes.len()
            ));
        }
        let mut heard: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for line in site.air("sent") {
            heard.entry(line["from"].to_string()).or_default().0 += 1;
        }
        for row in inbound {
            heard.entry(row["from"].to_string()).or_default().1 += 1;
        }
        for (sent, listed) in heard.into_values().filter(|(sent, listed)| sent != listed) {
            verdict
                .faults
                .push(format!("somebody answered {sent} times, listed {listed} times"));
        }
        for line in site.air("fault") {
            *verdict.injected.entry(line["fault"].to_string()).or_default() += 1;
        }
        verdict
    }

    fn judge(&mut self, number: usize, wish: &Wish, message: &Value, journal: &Journal) {
        let status = message["status"].as_str().expect("a status");
        let times: Vec<usize> = (1..=wish.parts)
            .map(|part| journal.taken.get(&(number, part)).copied().unwrap_or_default())
            .collect();
        let mut fault = |what: &str| {
            self.faults
                .push(format!("{number}: {status}, {times:?} on air: {what}"));
        };
        let repeated = times.iter().any(|times| *times > 1);
        if repeated && message["possible_copy"] != true {
            fault("repeated, and does not say so");
        }
        if repeated && wish.on_unknown == "hold" {
            fault("repeated against its policy");
        }
        if wish.canceled == Some(200) && times.iter().any(|times| *times > 0) {
            fault("withdrawn, and sent all the same");
        }
        if wish.canceled.is_some() && repeated {
            fault("repeated after it was withdrawn");
        }
        let whole = times.iter().all(|times| *times > 0);
        let reported = (1..=wish.parts).all(|part| journal.reported.contains(&(number, part)));
        match status {
            "delivered" if !reported => fault("no phone has it"),
            "sent" | "delivered" if !whole => fault("the network never had it all"),
            "sent" | "delivered" | "unknown" => {}
            "canceled" | "partially_sent" if wish.canceled.is_some() => {}
            _ => fault("not at rest as it should"),
        }
        self.copies += usize::from(repeated);
        self.withdrawn += usize::from(wish.canceled == Some(200));
        self.delivered += usize::from(status == "delivered");
    }
}
