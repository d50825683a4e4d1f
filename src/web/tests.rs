//! The page as a snapshot, and what must never be in it.

use wardwire_core::base::{IdSource, MessageId, ServiceId, SimId, Ulid, UtcTime};
use wardwire_core::gateway::snapshot::{ModemSnapshot, ModemState, SignalPeriod, Snapshot};
use wardwire_core::gateway::status::{Facts, judge};
use wardwire_core::queue::state::MessageStatus;

use super::page;
use crate::api::{Recent, Status};
use crate::store::{Disk, OutboxCounts, StatusCounts};

/// 2026-06-15T09:15:22Z.
const NOW: UtcTime = UtcTime::from_millis(1_781_514_922_000);

fn ago(seconds: u64) -> UtcTime {
    NOW.before(std::time::Duration::from_secs(seconds))
}

fn modem(label: &str, state: ModemState, dbm: Option<i16>, sent: u64) -> ModemSnapshot {
    ModemSnapshot {
        label: label.to_owned(),
        sim: Some(SimId(Ulid::from_bits(7))),
        imei: Some("860425047368214".to_owned()),
        number: Some("+353868000001".to_owned()),
        state,
        signal_dbm: dbm,
        registration: "home",
        operator: "Example Mobile".to_owned(),
        access: "4g",
        sent,
        ..ModemSnapshot::default()
    }
}

/// Half hours are counted from a day before the last full one.
fn period(half_hour: i64, dbm: i16) -> SignalPeriod {
    let wave = i16::try_from(half_hour % 7).unwrap() - 3;
    SignalPeriod {
        from: UtcTime::from_millis(1_781_514_000_000 - (47 - half_hour) * 30 * 60 * 1_000),
        weakest_dbm: dbm - 5 + wave,
        mean_dbm: dbm + wave,
    }
}

fn bank() -> Snapshot {
    let mut modems = vec![
        modem("ward-1", ModemState::Ready, Some(-67), 214),
        modem("ward-2", ModemState::Ready, Some(-84), 198),
        modem("ward-3", ModemState::Ready, Some(-95), 201),
        modem("spare", ModemState::Quarantined, Some(-107), 12),
    ];
    modems[0].signal_history = (0..48).map(|half_hour| period(half_hour, -67)).collect();
    modems[2].signal_history = (30..44).map(|half_hour| period(half_hour, -95)).collect();
    modems[0].busy = true;
    modems[2].paced_until = Some(ago(0) + std::time::Duration::from_secs(38));
    modems[3].reason = "the modem does not answer".to_owned();
    modems[3].step = "left alone for a while";
    modems[3].resets_today = 4;
    Snapshot {
        modems,
        pools: Vec::new(),
        window: 3,
        draining: false,
    }
}

fn texts() -> Vec<Recent> {
    let mut ids = IdSource::new(3);
    let statuses = [
        MessageStatus::Delivered,
        MessageStatus::Failed,
        MessageStatus::Delivered,
        MessageStatus::Delivered,
        MessageStatus::Unknown,
        MessageStatus::Delivered,
        MessageStatus::Sent,
        MessageStatus::Submitting,
        MessageStatus::Queued,
    ];
    let mut texts: Vec<Recent> = statuses
        .iter()
        .zip([1, 1, 3, 1, 1, 2, 1, 2, 1])
        .enumerate()
        .map(|(n, (status, parts))| {
            let created_at = ago(900 - 100 * n as u64);
            Recent {
                id: MessageId(ids.next(created_at)),
                service: ServiceId(Ulid::from_bits(1)),
                created_at,
                status: *status,
                parts: Some(parts),
            }
        })
        .collect();
    texts.reverse();
    texts
}

fn status(bank: Snapshot, counts: StatusCounts, recent: Vec<Recent>) -> Status {
    let facts = Facts {
        oldest_due_at: counts.oldest_due_at,
        proven_at: counts.last_accepted_at,
        ..Facts::of_bank(&bank)
    };
    let (state, sentence) = judge(&facts, NOW);
    Status {
        state,
        since: NOW,
        sentence,
        counts,
        day_began_at: ago(9 * 3600 + 15 * 60 + 22),
        bank,
        facts,
        recent,
        disk: Disk::default(),
        outbox: OutboxCounts::default(),
        lanes: Vec::new(),
        at: NOW,
    }
}

fn busy_morning() -> Status {
    let counts = StatusCounts {
        due: 640,
        sent: 625,
        delivered: 611,
        failed: 2,
        received: 87,
        waiting: 3,
        oldest_due_at: Some(ago(21)),
        held: 0,
        stale: 0,
        scheduled: 120,
        unknown: 1,
        last_accepted_at: Some(ago(4)),
    };
    status(bank(), counts, texts())
}

#[test]
fn the_page_is_the_one_in_the_snapshot() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/status.html");
    let html = page::whole(&busy_morning(), false).replace(env!("CARGO_PKG_VERSION"), "VERSION");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &html).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(
        html == kept,
        "the page changed: look at it, then run the test again with UPDATE_SNAPSHOTS=1"
    );
}

#[test]
fn nothing_comes_from_another_address_and_no_style_or_script_stands_in_the_page() {
    let assets = [
        include_str!("assets/status.css"),
        include_str!("assets/status.js"),
        include_str!("assets/page.html"),
    ];
    let page = page::whole(&busy_morning(), true);
    for text in assets.into_iter().chain([page.as_str()]) {
        for banned in ["http://", "https://", "//cdn", "@import", "url("] {
            assert!(!text.contains(banned), "{banned}");
        }
    }
    for banned in [" style=", "<style", "onclick", "javascript:", "<script>"] {
        assert!(
            !page.contains(banned),
            "{banned}: the content security policy forbids it"
        );
    }
}

#[test]
fn the_page_shows_neither_numbers_nor_identities() {
    let page = page::whole(&busy_morning(), true);
    for secret in ["353868000001", "860425047368214"] {
        assert!(!page.contains(secret));
    }
}

#[test]
fn each_state_has_its_colour_its_word_and_its_sentence() {
    let counts = busy_morning().counts;
    let green = page::whole(&busy_morning(), false);
    assert!(green.contains("data-state=\"ok\"") && green.contains(">Reachable<"));
    assert!(green.contains("Patients can be texted now."));

    let stale = StatusCounts {
        last_accepted_at: Some(ago(2 * 3600)),
        ..counts
    };
    let amber = page::whole(&status(bank(), stale, Vec::new()), false);
    assert!(amber.contains("data-state=\"slow\"") && amber.contains(">Careful<"));
    let wanted = "not proven since <time datetime=\"2026-06-15T07:15:22.000Z\">07:15 UTC</time>.";
    assert!(amber.contains(wanted), "{amber}");

    let red = page::whole(&status(Snapshot::default(), counts, Vec::new()), false);
    assert!(red.contains("data-state=\"down\"") && red.contains(">Not reachable<"));
    assert!(red.contains("No modem is set up"));
}

#[test]
fn words_of_modems_are_escaped() {
    let mut bank = bank();
    bank.modems[0].label = "<b>\"'&".to_owned();
    bank.modems[1].operator = "<script>alert(1)</script>".to_owned();
    bank.modems[3].reason = "<img src=x>".to_owned();
    let page = page::whole(&status(bank, StatusCounts::default(), Vec::new()), false);
    assert!(page.contains("&lt;b&gt;&quot;&#39;&amp;"));
    assert!(!page.contains("<script>alert") && !page.contains("<img"));
}

#[test]
fn the_rendering_stands_still_while_nothing_but_seconds_pass() {
    let first = busy_morning();
    let mut later = first.clone();
    later.at = later.at + std::time::Duration::from_secs(3);
    assert_eq!(page::inside(&first, false), page::inside(&later, false));
}
