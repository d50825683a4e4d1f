//! Hours as a bank lives with them: no failure, but what keeps a phone from ringing at night.

use std::time::Duration;

use wardwire_core::base::{MessageId, UtcTime};
use wardwire_core::queue::hours::{Days, Hours, Rule, Window};
use wardwire_core::queue::state::{Category, MessageStatus as M, Priority};
use wardwire_core::queue::verbs::NewMessage;
use wardwire_core::simulator::Air;

use super::site::{BEGIN, PHONE, Site};

const HOUR: u64 = 3_600;

/// Appointments go from eight to this time, in UTC. A site begins at seven.
fn from_eight_to(finish: &str) -> Hours {
    let utc = wardwire::config::zone("UTC").expect("it is in the database");
    Hours {
        rules: vec![Rule {
            categories: vec![Category::Appointment],
            window: Window::new(Days::ALL, "0800", finish, utc).expect("a sample is a window"),
        }],
    }
}

/// So many seconds after the eight o'clock of that day, the first being 0.
fn eight(day: u64, seconds: u64) -> UtcTime {
    BEGIN + Duration::from_secs(HOUR + day * 24 * HOUR + seconds)
}

fn notices(site: &mut Site, count: usize, change: impl Fn(&mut NewMessage)) -> Vec<MessageId> {
    let mut message = site.message(PHONE, "Come at ten.");
    message.category = Some(Category::Appointment);
    change(&mut message);
    site.post(vec![message; count])
}

fn pass_until(site: &mut Site, time: UtcTime) {
    let left = time.since(site.now.utc);
    assert!(left > Duration::ZERO);
    site.wait(left);
}

/// When the network took each part.
fn taken(site: &Site) -> Vec<UtcTime> {
    let accepted = site.air.iter().filter(|event| matches!(event.what, Air::Accepted(_)));
    accepted.map(|event| event.at.utc).collect()
}

fn gone(site: &Site, ids: &[MessageId]) -> usize {
    let went = |id: &&MessageId| matches!(site.status(**id), M::Sent | M::Delivered);
    ids.iter().filter(went).count()
}

#[test]
fn a_text_of_the_night_goes_at_the_opening_and_an_emergency_at_once() {
    let mut site = Site::of(&["generic", "generic"]).ready();
    site.keep_hours(from_eight_to("2000"));
    let held = notices(&mut site, 1, |_| {});
    let emergency = notices(&mut site, 1, |message| message.priority = Priority::Emergency);
    let alert = notices(&mut site, 1, |message| message.category = Some(Category::StaffAlert));
    site.seconds(60);
    assert_eq!((gone(&site, &emergency), gone(&site, &alert)), (1, 1));
    assert_eq!(site.status(held[0]), M::Scheduled);
    assert_eq!(site.record(held[0]).scheduled_for, Some(eight(0, 0)));
    let begun = |site: &Site| site.said(0, "AT+CMGS") + site.said(1, "AT+CMGS");
    assert_eq!(begun(&site), 2);
    pass_until(&mut site, eight(0, 0).before(Duration::from_millis(1)));
    assert_eq!(begun(&site), 2, "no modem is asked before");
    site.seconds(10);
    assert_eq!(gone(&site, &held), 1);
    assert!(
        taken(&site).last() <= Some(&eight(0, 3)),
        "and it goes in the first seconds"
    );
}

#[test]
fn what_waits_when_the_hours_end_goes_in_the_next_ones() {
    let mut site = Site::of(&["generic"]).ready();
    site.keep_hours(from_eight_to("0830"));
    pass_until(&mut site, eight(0, 29 * 60));
    let ids = notices(&mut site, 150, |_| {});
    let end = eight(0, 30 * 60);
    pass_until(&mut site, end);
    let within = gone(&site, &ids);
    assert!((30..120).contains(&within), "{within}");
    let closed_at = site.now.monotonic;
    let plain = site.send("+353871000009", "Bring your card.");
    site.seconds(120);
    assert_eq!(gone(&site, &[plain]), 1, "it goes at any hour");
    let late = taken(&site).into_iter().filter(|at| *at > end).count();
    assert!(late <= 2, "one was on its way, and one goes at any hour: {late}");
    let asked = site.said_since(0, closed_at, "AT+CMGS");
    assert!(asked <= 3, "what was put off costs the modem no try each: {asked}");
    let waiting = ids.iter().filter(|id| site.status(**id) == M::Scheduled).count();
    assert_eq!(waiting + gone(&site, &ids), 150);
    pass_until(&mut site, eight(1, 0));
    assert_eq!(waiting + gone(&site, &ids), 150, "nothing went at night");
    site.seconds(600);
    assert_eq!(gone(&site, &ids), 150);
    assert_eq!(taken(&site).len(), 151, "each once");
}

#[test]
fn the_recipients_own_window_is_kept_by_his_clock() {
    let mut site = Site::of(&["generic"]).ready();
    // 08:30 in Dublin is 07:30 in UTC, in June.
    let dublin = wardwire::config::zone("Europe/Dublin").expect("it is in the database");
    let window = Window::new(Days::ALL, "0830", "0900", dublin).expect("a sample is a window");
    let ids = notices(&mut site, 1, |message| message.window = Some(window.clone()));
    pass_until(&mut site, BEGIN + Duration::from_secs(HOUR / 2));
    assert_eq!(gone(&site, &ids), 0);
    site.seconds(5);
    assert_eq!(gone(&site, &ids), 1);
}
