//! Tables of the days on which clocks are set, and every minute compared with the calendar.

use super::*;
use jiff::civil::Weekday;
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec;

const DUBLIN: &str = "IST-1GMT0,M10.5.0,M3.5.0/1";
const DENVER: &str = "MST7MDT,M3.2.0,M11.1.0";
/// Half an hour.
const LORD_HOWE: &str = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";
/// At midnight: days of 23 hours that begin at one.
const HAVANA: &str = "CST5CDT,M3.2.0/0,M11.1.0/1";
const KATHMANDU: &str = "<+0545>-5:45";
const KIRITIMATI: &str = "<+14>-14";
const ZONES: [&str; 6] = [DUBLIN, DENVER, LORD_HOWE, HAVANA, KATHMANDU, KIRITIMATI];

fn zone(rules: &str) -> Zone {
    Zone(TimeZone::posix(rules).unwrap())
}

fn window(start: &str, finish: &str, rules: &str) -> Window {
    Window::new(Days::ALL, start, finish, zone(rules)).unwrap()
}

fn days(names: &[&str]) -> Days {
    names.iter().fold(Days::NONE, |days, name| days.with(name).unwrap())
}

fn at(text: &str) -> UtcTime {
    UtcTime::from_millis(text.parse::<Timestamp>().unwrap().as_millisecond())
}

fn site(windows: Vec<Window>) -> Hours {
    let rule = |window| Rule {
        categories: vec![Category::Appointment],
        window,
    };
    Hours {
        rules: windows.into_iter().map(rule).collect(),
    }
}

fn opens(window: &Window, from: &str) -> String {
    let hours = Hours::default();
    let openings = hours.of(None, Priority::Normal, Some(window)).unwrap();
    openings
        .opens(at(from))
        .map_or_else(|| "never".to_string(), |at| at.to_string())
}

/// Start, finish and zone of a window, a moment, and when it is open from then on.
const OPENINGS: &str = "
    // Start inclusive, finish exclusive.
    0900 2000 dublin 2026-06-18T08:00:00Z 2026-06-18T08:00:00.000Z
    0900 2000 dublin 2026-06-18T07:59:59.999Z 2026-06-18T08:00:00.000Z
    0900 2000 dublin 2026-06-18T18:59:59.999Z 2026-06-18T18:59:59.999Z
    0900 2000 dublin 2026-06-18T19:00:00Z 2026-06-19T08:00:00.000Z
    // The night before the clocks go on (29 March), the one before they go back (25 October).
    0900 2000 dublin 2026-03-28T21:00:00Z 2026-03-29T08:00:00.000Z
    0900 2000 dublin 2026-10-24T21:00:00Z 2026-10-25T09:00:00.000Z
    // It would start in the hour that is left out: as soon as that is over.
    0130 0400 dublin 2026-03-29T00:00:00Z 2026-03-29T01:00:00.000Z
    // All of it is left out: not on that day.
    0110 0150 dublin 2026-03-29T00:00:00Z 2026-03-30T00:10:00.000Z
    // It starts twice; over is over for the first time only.
    0130 0145 dublin 2026-10-25T00:00:00Z 2026-10-25T00:30:00.000Z
    0130 0145 dublin 2026-10-25T00:45:00Z 2026-10-25T01:30:00.000Z
    0130 0145 dublin 2026-10-25T01:45:00Z 2026-10-26T01:30:00.000Z
    // The clocks go back into it.
    0030 0115 dublin 2026-10-25T00:15:00Z 2026-10-25T01:00:00.000Z
    // Over midnight.
    2200 0600 denver 2026-06-18T12:00:00Z 2026-06-19T04:00:00.000Z
    2200 0600 denver 2026-06-18T11:59:00Z 2026-06-18T11:59:00.000Z
    1800 0000 kathmandu 2026-06-18T18:15:00Z 2026-06-19T12:15:00.000Z
    // A day without a midnight.
    0000 0300 havana 2026-03-08T04:00:00Z 2026-03-08T05:00:00.000Z
    0215 0230 lord_howe 2026-10-03T15:00:00Z 2026-10-04T15:15:00.000Z
    0000 2400 kiritimati 2026-06-18T12:34:56Z 2026-06-18T12:34:56.000Z
";

#[test]
fn a_window_opens_by_the_clock_on_the_wall() {
    let zones = [
        ("dublin", DUBLIN),
        ("denver", DENVER),
        ("lord_howe", LORD_HOWE),
        ("havana", HAVANA),
        ("kathmandu", KATHMANDU),
        ("kiritimati", KIRITIMATI),
    ];
    let lines = OPENINGS
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"));
    let mut seen = 0;
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let &[start, finish, name, from, wanted] = words.as_slice() else {
            panic!("{line}")
        };
        let (_, rules) = zones.iter().find(|(known, _)| *known == name).unwrap();
        assert_eq!(opens(&window(start, finish, rules), from), wanted, "{line}");
        seen += 1;
    }
    assert_eq!(seen, 18);
}

#[test]
fn days_are_those_a_window_starts_on() {
    let week = days(&["mon", "tue", "wed", "thu", "fri"]);
    let office = Window::new(week, "0800", "2000", zone(DUBLIN)).unwrap();
    // 2026-06-19 is a Friday.
    assert_eq!(opens(&office, "2026-06-19T19:00:00Z"), "2026-06-22T07:00:00.000Z");
    let night = Window::new(days(&["fri"]), "2200", "0600", zone(DUBLIN)).unwrap();
    assert_eq!(
        opens(&night, "2026-06-20T04:59:00Z"),
        "2026-06-20T04:59:00.000Z",
        "Saturday morning"
    );
    assert_eq!(opens(&night, "2026-06-20T05:00:00Z"), "2026-06-26T21:00:00.000Z");
    assert_eq!(
        opens(&night, "2026-06-19T03:00:00Z"),
        "2026-06-19T21:00:00.000Z",
        "not Friday's morning"
    );
    let never = Window::new(Days::NONE, "0800", "2000", zone(DUBLIN)).unwrap();
    assert_eq!(opens(&never, "2026-06-19T03:00:00Z"), "never");
    assert_eq!(Days::NONE.with("monday"), None);
}

#[test]
fn what_is_no_window_is_told_which_end_is_wrong() {
    for (start, finish, wrong) in [
        ("0900", "0900", WindowError::Empty),
        ("0000", "0000", WindowError::Empty),
        ("2400", "0900", WindowError::Start),
        ("900", "2000", WindowError::Start),
        ("09:00", "2000", WindowError::Start),
        ("+900", "2000", WindowError::Start),
        ("0960", "2000", WindowError::Start),
        ("0900", "2401", WindowError::Finish),
        ("0900", "2460", WindowError::Finish),
        ("0900", "", WindowError::Finish),
    ] {
        assert_eq!(
            Window::new(Days::ALL, start, finish, zone(DUBLIN)),
            Err(wrong),
            "{start} {finish}"
        );
    }
    let whole = window("0000", "2400", DUBLIN);
    assert_eq!(
        (whole.start().to_string(), whole.finish().to_string()),
        ("0000".into(), "2400".into())
    );
}

#[test]
fn what_the_hours_name_keeps_to_them_and_nothing_else_does() {
    let hours = site(vec![window("0800", "2000", DUBLIN)]);
    let own = window("0900", "1000", DUBLIN);
    let night = at("2026-06-18T22:00:00Z");
    let held = |category, priority, own| hours.of(category, priority, own).is_some_and(|of| !of.is_open(night));
    assert!(held(Some(Category::Appointment), Priority::Normal, None));
    assert!(held(Some(Category::Appointment), Priority::High, None));
    assert!(!held(Some(Category::Appointment), Priority::Emergency, None));
    assert!(!held(Some(Category::Appointment), Priority::Emergency, Some(&own)));
    assert!(!held(Some(Category::StaffAlert), Priority::High, None));
    assert!(!held(None, Priority::Bulk, None));
    assert!(held(None, Priority::Bulk, Some(&own)), "it names them itself");
    assert!(
        Hours::default()
            .of(Some(Category::Marketing), Priority::Bulk, None)
            .is_none()
    );
}

#[test]
fn several_rules_open_in_turn_and_the_own_window_closes_between() {
    let saturday = Window::new(days(&["sat"]), "1000", "1400", zone(DUBLIN)).unwrap();
    let office = Window::new(days(&["fri"]), "0800", "2000", zone(DUBLIN)).unwrap();
    let hours = site(vec![saturday, office]);
    let of = |own| hours.of(Some(Category::Appointment), Priority::Normal, own).unwrap();
    let told = |own, from: &str| of(own).opens(at(from)).map(|at| at.to_string());
    assert_eq!(told(None, "2026-06-19T19:30:00Z").unwrap(), "2026-06-20T09:00:00.000Z");
    assert_eq!(
        of(None).closes(at("2026-06-20T09:00:00Z")),
        Some(at("2026-06-20T13:00:00Z"))
    );
    // Denver is seven hours behind Dublin.
    let denver = window("0500", "0630", DENVER);
    assert_eq!(
        told(Some(&denver), "2026-06-19T12:30:00Z").unwrap(),
        "2026-06-20T11:00:00.000Z"
    );
    let evening = window("1800", "2300", DENVER);
    assert_eq!(told(Some(&evening), "2026-06-19T12:30:00Z"), None, "they never meet");
    let always = window("0000", "2400", DUBLIN);
    assert_eq!(
        Hours::default()
            .of(None, Priority::Normal, Some(&always))
            .unwrap()
            .closes(at("2026-06-19T12:30:00Z")),
        None
    );
}

/// Whether it is open, as a person would find out with a calendar and the clock on the wall.
fn calendar(window: &Window, at: UtcTime) -> bool {
    let local = window
        .zone
        .0
        .to_datetime(Timestamp::from_millisecond(at.as_millis()).unwrap());
    let minute = local.hour() as u16 * 60 + local.minute() as u16;
    let on = |weekday: Weekday| window.days.0 >> weekday.to_monday_zero_offset() & 1 == 1;
    let (today, yesterday) = (on(local.weekday()), on(local.weekday().previous()));
    let (start, finish) = (window.start.0, window.finish.0);
    if start < finish {
        today && (start..finish).contains(&minute)
    } else {
        today && minute >= start || yesterday && minute < finish
    }
}

fn any_window() -> impl Strategy<Value = Window> {
    (0..ZONES.len(), 1..0x80u8, 0..1_440u16, 0..1_441u16)
        .prop_filter("never open", |(_, _, start, finish)| start != finish)
        .prop_map(|(index, days, start, finish)| Window {
            days: Days(days),
            start: Minute(start),
            finish: Minute(finish),
            zone: zone(ZONES[index]),
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// From whatever moment of two years: the next opening is not earlier than asked, is open, and no minute between is; and
    /// so is the next closing.
    #[test]
    fn the_next_opening_is_the_first_open_minute(
        site_windows in proptest::collection::vec(any_window(), 0..3),
        own in proptest::option::of(any_window()),
        from in at("2026-01-01T00:00:00Z").as_millis()..at("2028-01-01T00:00:00Z").as_millis(),
    ) {
        let hours = site(site_windows);
        let from = UtcTime::from_millis(from);
        let Some(openings) = hours.of(Some(Category::Appointment), Priority::Normal, own.as_ref()) else {
            return Ok(());
        };
        let is_open = |at: UtcTime| {
            let rules = &hours.rules;
            let of_site = rules.is_empty() || rules.iter().any(|rule| calendar(&rule.window, at));
            of_site && own.as_ref().is_none_or(|window| calendar(window, at))
        };
        for (first, wanted) in [(openings.opens(from), true), (openings.closes(from), false)] {
            // Edges are whole minutes in every zone there is today.
            let end = first.unwrap_or(from + Duration::from_secs(8 * 24 * 3_600));
            prop_assert!(end >= from);
            let mut at = from;
            while at < end {
                prop_assert_eq!(is_open(at), !wanted, "{} from {}", at, from);
                prop_assert_eq!(openings.is_open(at), !wanted);
                at = UtcTime::from_millis((at.as_millis() / MINUTE_MILLIS + 1) * MINUTE_MILLIS);
            }
            if first.is_some() {
                prop_assert_eq!(is_open(end), wanted, "{} from {}", end, from);
            }
        }
    }

    /// Nothing a clock can show stops it.
    #[test]
    fn no_time_is_a_reason_to_stop(window in any_window(), from: i64) {
        let hours = Hours::default();
        let openings = hours.of(None, Priority::Normal, Some(&window)).unwrap();
        let from = UtcTime::from_millis(from);
        let (opens, closes) = (openings.opens(from), openings.closes(from));
        prop_assert!(opens.is_none_or(|at| at >= from) && closes.is_none_or(|at| at >= from));
    }
}
