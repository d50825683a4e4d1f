//! `timezone` and `[[hours]]`: at which hours of the site's day texts of which category go.

use wardwire_core::queue::hours::{Days, Hours, Rule, Window, WindowError, Zone};
use wardwire_core::queue::state::Category;

use super::pools::{bounded, categories, list};
use super::walk::{Section, Walk, nearest};
use super::zones::{nearest_zone, zone};

/// Most of them.
const HOURS: usize = 32;

/// The site's zone, and its hours.
pub(super) fn hours<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> (Option<Zone>, Hours) {
    let site = timezone(walk, root);
    let sections = bounded(walk, root, "hours", HOURS);
    if !sections.is_empty() {
        // What the machine's own clock shows is no answer: many a server runs in UTC.
        let mend = "write the site's, as timezone = \"Europe/Dublin\": hours are those of its day";
        walk.missing(root, "timezone", mend);
    }
    let mut rules = Vec::new();
    for section in sections {
        let categories = match section.value("categories") {
            Some(_) => categories(walk, &section),
            // Whom somebody waits for is held back only where the file says so outright.
            None => Category::ALL
                .into_iter()
                .filter(|category| !category.is_alert())
                .collect(),
        };
        let days = days(walk, &section);
        let window = window(walk, &section, days, site.as_ref());
        rules.extend(window.map(|window| Rule { categories, window }));
    }
    (site, Hours { rules })
}

fn timezone<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Option<Zone> {
    let (name, span) = walk.string(root, "timezone")?;
    let found = zone(name);
    if found.is_none() {
        let mend = nearest_zone(name).map_or_else(
            || "write a name of the IANA database, as \"Europe/Dublin\"".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        walk.fail(span.start, "timezone", "is no time zone", mend);
    }
    found
}

fn days<'a>(walk: &mut Walk<'a>, section: &Section<'a>) -> Days {
    if section.value("days").is_none() {
        return Days::ALL;
    }
    let mut days = Days::NONE;
    for (index, (text, span)) in list(walk, section, "days").into_iter().enumerate() {
        match days.with(text) {
            Some(more) => days = more,
            None => {
                let key = format!("{}[{}]", section.key("days"), index + 1);
                let mend = nearest(text, &Days::NAMES).map_or_else(
                    || format!("there are: {}", Days::NAMES.join(", ")),
                    |near| format!("did you mean {near}?"),
                );
                walk.fail(span.start, &key, "is no day of the week", mend);
            }
        }
    }
    days
}

fn window<'a>(walk: &mut Walk<'a>, section: &Section<'a>, days: Days, site: Option<&Zone>) -> Option<Window> {
    walk.missing(section, "start", "say when it begins, as start = \"0800\"");
    walk.missing(section, "finish", "say when it ends, as finish = \"2000\"");
    let (start, finish) = (walk.string(section, "start"), walk.string(section, "finish"));
    let ((start, start_span), (finish, finish_span)) = (start?, finish?);
    // Judged also where the zone is missing, which is told once.
    let zone = site.cloned().or_else(|| zone("UTC"))?;
    match Window::new(days, start, finish, zone) {
        Ok(window) => Some(window),
        Err(error) => {
            let (name, span) = match error {
                WindowError::Start => ("start", start_span),
                WindowError::Finish | WindowError::Empty => ("finish", finish_span),
            };
            let mend = "write four digits, hours and minutes, as \"0800\"";
            walk.fail(span.start, &section.key(name), error.to_string(), mend);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check;
    use chrono::DateTime;
    use wardwire_core::base::UtcTime;
    use wardwire_core::queue::state::Priority;

    fn with(lines: &str) -> Result<Hours, String> {
        let text = format!("data_dir = 'd'\nregion = 'IE'\n{lines}\n");
        check(&text, "w.toml").map(|config| config.hours).map_err(|errors| {
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            texts.join("\n")
        })
    }

    fn at(text: &str) -> UtcTime {
        UtcTime::from_millis(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    #[test]
    fn hours_hold_what_they_name_and_by_themselves_nobody_who_is_waited_for() {
        let hours = with(
            "timezone = 'Europe/Dublin'\n[[hours]]\nstart = '0800'\nfinish = '2000'\n\
             [[hours]]\ncategories = ['staff_alert']\ndays = ['mon', 'sun']\nstart = '0600'\nfinish = '2400'",
        )
        .unwrap();
        // A Tuesday, 23:30 in Dublin.
        let night = at("2026-06-16T22:30:00Z");
        let goes = |category: Category| {
            let openings = hours.of(Some(category), category.priority(), None);
            openings.map(|openings| openings.opens(night).unwrap().to_string())
        };
        for category in Category::ALL {
            let wanted = match category {
                Category::StaffAlert => Some("2026-06-21T05:00:00.000Z"),
                Category::Otp | Category::System => None,
                Category::Appointment
                | Category::ResultNotice
                | Category::Program
                | Category::Broadcast
                | Category::PublicHealth
                | Category::Marketing => Some("2026-06-17T07:00:00.000Z"),
            };
            assert_eq!(goes(category).as_deref(), wanted, "{category:?}");
        }
        let none = with("timezone = 'Europe/Dublin'").unwrap();
        assert!(
            none.of(Some(Category::Marketing), Priority::Bulk, None).is_none(),
            "none set, none kept"
        );
    }

    #[test]
    fn mistakes_are_told_with_their_place_and_what_there_is() {
        let rest = "start = '0800'\nfinish = '2000'";
        let zone = "timezone = 'Europe/Dublin'\n[[hours]]";
        for (lines, said) in [
            (
                format!("[[hours]]\n{rest}"),
                "w.toml:1:1: timezone: is missing; write the site's, as timezone = \"Europe/Dublin\": hours are those of its day",
            ),
            (
                "timezone = 'Europe/Dubln'".to_owned(),
                "w.toml:3:12: timezone: is no time zone; did you mean Europe/Dublin?",
            ),
            (
                "timezone = 'here'".to_owned(),
                "w.toml:3:12: timezone: is no time zone; write a name of the IANA database, as \"Europe/Dublin\"",
            ),
            (
                format!("{zone}\nfinish = '2000'"),
                "w.toml:4:1: hours[1].start: is missing; say when it begins, as start = \"0800\"",
            ),
            (
                format!("{zone}\nstart = '0800'\nfinish = '0800'"),
                "w.toml:6:10: hours[1].finish: is when it starts, so that it is never open; the whole day is 0000 to 2400",
            ),
            (
                format!("{zone}\nstart = '8:00'\nfinish = '2000'"),
                "w.toml:5:9: hours[1].start: is no time of day from 0000 to 2359; write four digits, hours and minutes, as \"0800\"",
            ),
            (
                format!("{zone}\nstart = '0800'\nfinish = '2500'"),
                "hours[1].finish: is no time of day from 0000 to 2400; write four digits",
            ),
            (
                format!("{zone}\ndays = ['mon', 'thursday']\n{rest}"),
                "w.toml:5:16: hours[1].days[2]: is no day of the week; there are: mon, tue, wed, thu, fri, sat, sun",
            ),
            (
                format!("{zone}\ndays = ['mo']\n{rest}"),
                "hours[1].days[1]: is no day of the week; did you mean mon?",
            ),
            (
                format!("{zone}\ndays = []\n{rest}"),
                "hours[1].days: names none, or too many",
            ),
            (
                format!("{zone}\ncategories = ['apointment']\n{rest}"),
                "hours[1].categories[1]: is no category; did you mean appointment?",
            ),
            (
                format!("{zone}\ncategories = []\n{rest}"),
                "hours[1].categories: names none",
            ),
            (
                format!("{zone}\nfinsh = '0800'\n{rest}"),
                "hours[1].finsh: unknown key; did you mean finish?",
            ),
        ] {
            let found = with(&lines).unwrap_err();
            assert!(found.contains(said), "{lines}\n{found}\nnot: {said}");
            assert_eq!(found.lines().count(), 1, "{lines}\n{found}");
        }
    }
}
