//! `[dispatch]`, `[[service]]`, `[[pool]]` and `[[route]]`: how the bank is shared, and who goes where.

use wardwire_core::dispatch::Pool;
use wardwire_core::dispatch::pool::DEFAULT_POOL;
use wardwire_core::dispatch::share::WEIGHT_MAX;
use wardwire_core::queue::lane::Way;
use wardwire_core::queue::route::Route;
use wardwire_core::queue::state::Category;

use super::check::known;
use super::walk::{At, Section, Walk, nearest};
use super::{Modem, Service, Sharing};

/// Pools, routes and services at most.
const POOLS: usize = 32;
const ROUTES: usize = 256;
const SERVICES: usize = 256;
/// Names in one list.
const NAMES: usize = 256;

/// All of it.
pub(super) fn sharing<'a>(walk: &mut Walk<'a>, root: &Section<'a>, modems: &[Modem], discovery: bool) -> Sharing {
    let section = walk.section(root, "dispatch");
    known(walk, &section, "dispatch");
    let bulk_share = walk.number(&section, "bulk_share_percent", 1..51, 10);
    let services = services(walk, root);
    let pools = pools(walk, root, modems, discovery);
    let routes = routes(walk, root, &pools);
    Sharing {
        bulk_share: u8::try_from(bulk_share).unwrap_or_default(),
        services,
        pools,
        routes,
    }
}

/// The tables of a list, no more than are taken.
pub(super) fn bounded<'a>(walk: &mut Walk<'a>, root: &Section<'a>, name: &str, most: usize) -> Vec<Section<'a>> {
    let mut sections = walk.sections(root, name);
    if sections.len() > most {
        let at = root.value(name).map_or(0, |value| value.span().start);
        walk.fail(at, name, format!("more than {most}"), "join some of them");
        sections.truncate(most);
    }
    for section in &sections {
        known(walk, section, name);
    }
    sections
}

/// A name of 1 to 32 plain characters that no other has.
fn name<'a>(walk: &mut Walk<'a>, section: &Section<'a>, taken: &[&str]) -> Option<At<&'a str>> {
    walk.missing(section, "name", "give it a short name, as name = \"wards\"");
    let (text, span) = walk.string(section, "name")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let key = section.key("name");
    if !(1..=32).contains(&text.len()) || !text.chars().all(plain) {
        walk.fail(
            span.start,
            &key,
            "is no name",
            "write 1 to 32 characters of A-Z a-z 0-9 . _ -",
        );
        return None;
    }
    if taken.contains(&text) {
        walk.fail(span.start, &key, "is there twice", "give each its own name");
        return None;
    }
    Some((text, span))
}

fn services<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Vec<Service> {
    let mut found: Vec<Service> = Vec::new();
    for section in bounded(walk, root, "service", SERVICES) {
        let taken: Vec<&str> = found.iter().map(|service| service.name.as_str()).collect();
        let name = name(walk, &section, &taken);
        let weight = walk.number(&section, "weight", 1..WEIGHT_MAX + 1, 1);
        if let Some((name, _)) = name {
            found.push(Service {
                name: name.to_owned(),
                weight,
            });
        }
    }
    found
}

fn pools<'a>(walk: &mut Walk<'a>, root: &Section<'a>, modems: &[Modem], discovery: bool) -> Vec<Pool> {
    let mut found: Vec<Pool> = Vec::new();
    for section in bounded(walk, root, "pool", POOLS) {
        let taken: Vec<&str> = found.iter().map(|pool| pool.name.as_str()).collect();
        let Some((name, span)) = name(walk, &section, &taken) else {
            continue;
        };
        let labels = list(walk, &section, "modems");
        for (index, at) in labels.iter().enumerate() {
            let key = format!("{}[{}]", section.key("modems"), index + 1);
            is_modem(walk, &key, at, modems, discovery);
        }
        let sims = cards(walk, &section);
        let all = name == DEFAULT_POOL;
        if all != (labels.is_empty() && sims.is_empty()) {
            let (what, mend) = if all {
                (
                    "holds every SIM by itself",
                    "leave modems and sims out, or give the pool another name",
                )
            } else {
                (
                    "has no SIM",
                    "name its modems, as modems = [\"m0\"], or its sims by ICCID",
                )
            };
            walk.fail(span.start, &section.key("name"), what, mend);
        }
        let reserve = walk.string(&section, "reserve");
        if let Some((text, span)) = &reserve {
            let listed = labels.iter().chain(&sims).any(|(name, _)| name == text);
            let key = section.key("reserve");
            if all && !is_iccid(text) {
                is_modem(walk, &key, &(*text, span.clone()), modems, discovery);
            } else if !all && !listed {
                walk.fail(
                    span.start,
                    &key,
                    "is not in this pool",
                    "name one of its modems or sims",
                );
            }
        }
        let texts = |list: Vec<At<&str>>| list.into_iter().map(|(text, _)| text.to_owned()).collect();
        found.push(Pool {
            name: name.to_owned(),
            modems: texts(labels),
            sims: texts(sims),
            reserve: reserve.map(|(text, _)| text.to_owned()),
        });
    }
    if !found.iter().any(|pool| pool.name == DEFAULT_POOL) {
        found.insert(0, Pool::of_all());
    }
    found
}

/// SIMs by their ICCIDs.
pub(super) fn cards<'a>(walk: &mut Walk<'a>, section: &Section<'a>) -> Vec<At<&'a str>> {
    let sims = list(walk, section, "sims");
    for (index, (text, span)) in sims.iter().enumerate() {
        if !is_iccid(text) {
            let key = format!("{}[{}]", section.key("sims"), index + 1);
            let mend = "write the 18 to 22 digits on the card";
            walk.fail(span.start, &key, "is no ICCID", mend);
        }
    }
    sims
}

fn is_iccid(text: &str) -> bool {
    (18..=22).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// A modem of the configuration, or one that may be found.
fn is_modem(walk: &mut Walk<'_>, key: &str, (text, span): &At<&str>, modems: &[Modem], discovery: bool) {
    let found = discovery && text.starts_with("usb-");
    if found || modems.iter().any(|modem| modem.label == *text) {
        return;
    }
    let labels: Vec<&str> = modems.iter().map(|modem| modem.label.as_str()).collect();
    let mend = nearest(text, &labels).map_or_else(
        || "write the label of a [[modem]], or that of one that is found, as \"usb-1-1.2\"".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    walk.fail(span.start, key, format!("no modem is called \"{text}\""), mend);
}

fn routes<'a>(walk: &mut Walk<'a>, root: &Section<'a>, pools: &[Pool]) -> Vec<Route> {
    let mut found = Vec::new();
    for section in bounded(walk, root, "route", ROUTES) {
        walk.missing(&section, "pool", "say where it leads, as pool = \"wards\"");
        let way = walk
            .string(&section, "pool")
            .and_then(|at| pool(walk, &section, &at, pools));
        let prefixes = prefixes(walk, &section);
        let services = list(walk, &section, "services");
        let categories = categories(walk, &section);
        let texts = |list: Vec<At<&str>>| list.into_iter().map(|(text, _)| text.to_owned()).collect();
        found.push(Route {
            prefixes: texts(prefixes),
            services: texts(services),
            categories,
            way: way.unwrap_or_default(),
        });
    }
    found
}

/// Beginnings of numbers.
pub(super) fn prefixes<'a>(walk: &mut Walk<'a>, section: &Section<'a>) -> Vec<At<&'a str>> {
    let prefixes = list(walk, section, "prefixes");
    for (index, (text, span)) in prefixes.iter().enumerate() {
        let digits = text.strip_prefix('+').unwrap_or_default();
        if !(1..=15).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            let key = format!("{}[{}]", section.key("prefixes"), index + 1);
            let mend = "write how the number begins with its country code, as \"+35387\"";
            walk.fail(span.start, &key, "is no beginning of a number", mend);
        }
    }
    prefixes
}

fn pool(walk: &mut Walk<'_>, section: &Section<'_>, (text, span): &At<&str>, pools: &[Pool]) -> Option<Way> {
    let found = pools.iter().find(|pool| pool.name == *text);
    if found.is_none() {
        let names: Vec<&str> = pools.iter().map(|pool| pool.name.as_str()).collect();
        let mend = nearest(text, &names).map_or_else(
            || format!("there are: {}", names.join(", ")),
            |near| format!("did you mean {near}?"),
        );
        let what = format!("no [[pool]] is called \"{text}\"");
        walk.fail(span.start, &section.key("pool"), what, mend);
    }
    found.map(Pool::way)
}

pub(super) fn categories<'a>(walk: &mut Walk<'a>, section: &Section<'a>) -> Vec<Category> {
    let mut found = Vec::new();
    for (index, (text, span)) in list(walk, section, "categories").into_iter().enumerate() {
        match Category::ALL.into_iter().find(|category| category.as_str() == text) {
            Some(category) => found.push(category),
            None => {
                let words = Category::ALL.map(Category::as_str);
                let key = format!("{}[{}]", section.key("categories"), index + 1);
                let mend = nearest(text, &words).map_or_else(
                    || format!("there are: {}", words.join(", ")),
                    |near| format!("did you mean {near}?"),
                );
                walk.fail(span.start, &key, "is no category", mend);
            }
        }
    }
    found
}

/// A list of texts; an empty one would mean all, and so is a mistake.
pub(super) fn list<'a>(walk: &mut Walk<'a>, section: &Section<'a>, name: &str) -> Vec<At<&'a str>> {
    let Some((listed, span)) = walk.strings(section, name) else {
        return Vec::new();
    };
    if listed.is_empty() || listed.len() > NAMES {
        let mend = format!("name 1 to {NAMES}, or leave the key out");
        walk.fail(span.start, &section.key(name), "names none, or too many", mend);
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check;

    fn with(lines: &str) -> Result<Sharing, String> {
        let text = format!(
            "data_dir = 'd'\nregion = 'IE'\n[[modem]]\nlabel = 'm0'\nport = '/dev/a'\n[[modem]]\nlabel = 'm1'\nport = '/dev/b'\n{lines}\n"
        );
        check(&text, "w.toml").map(|config| config.sharing).map_err(|errors| {
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            texts.join("\n")
        })
    }

    #[test]
    fn pools_and_routes_lead_where_they_say() {
        let sharing = with(
            "[dispatch]\nbulk_share_percent = 25\n[[service]]\nname = 'opd'\nweight = 3\n\
             [[pool]]\nname = 'wards'\nmodems = ['m0', 'usb-1-1.2']\nsims = ['8935301234567890123']\nreserve = 'm0'\n\
             [[route]]\npool = 'wards'\nprefixes = ['+35387']\nservices = ['opd']\ncategories = ['staff_alert']\n\
             [[route]]\npool = 'default'",
        )
        .unwrap();
        assert_eq!((sharing.bulk_share, sharing.services[0].weight), (25, 3));
        let names: Vec<_> = sharing.pools.iter().map(|pool| pool.name.as_str()).collect();
        assert_eq!(names, ["default", "wards"]);
        assert_eq!(sharing.pools[1].reserve.as_deref(), Some("m0"));
        assert_eq!(sharing.routes[0].way, sharing.pools[1].way());
        assert_eq!(sharing.routes[0].categories, [Category::StaffAlert]);
        assert_eq!(sharing.routes[1].way, Way::Any);
        assert_eq!(with("").unwrap().pools, [Pool::of_all()]);
    }

    #[test]
    fn unknown_names_are_told_with_what_there_is() {
        for (lines, said) in [
            (
                "[[pool]]\nname = 'a'\nmodems = ['m2']",
                "pool[1].modems[1]: no modem is called \"m2\"; did you mean",
            ),
            (
                "[[pool]]\nname = 'a'\nmodems = ['attic']",
                "write the label of a [[modem]]",
            ),
            (
                "[[pool]]\nname = 'a'\nmodems = ['m0']\nreserve = 'm1'",
                "pool[1].reserve: is not in this pool",
            ),
            ("[[pool]]\nname = 'a'", "pool[1].name: has no SIM"),
            (
                "[[pool]]\nname = 'default'\nmodems = ['m0']",
                "holds every SIM by itself",
            ),
            (
                "[[pool]]\nname = 'default'\nreserve = 'attic'",
                "no modem is called \"attic\"",
            ),
            ("[[pool]]\nname = 'a'\nsims = ['12']", "pool[1].sims[1]: is no ICCID"),
            ("[[pool]]\nname = 'a b'\nmodems = ['m0']", "is no name"),
            (
                "[[pool]]\nname = 'a'\nmodems = ['m0']\n[[pool]]\nname = 'a'\nmodems = ['m1']",
                "pool[2].name: is there twice",
            ),
            ("[[route]]\nservices = ['opd']", "route[1].pool: is missing"),
            ("[[route]]\npool = 'defualt'", "did you mean default?"),
            (
                "[[route]]\npool = 'default'\nprefixes = ['087']",
                "route[1].prefixes[1]: is no beginning",
            ),
            (
                "[[route]]\npool = 'default'\ncategories = ['apointment']",
                "did you mean appointment?",
            ),
            ("[[route]]\npool = 'default'\nservices = []", "names none"),
            (
                "[[service]]\nname = 'opd'\nweight = 0",
                "service[1].weight: out of range",
            ),
            (
                "[dispatch]\nbulk_share_percent = 0",
                "dispatch.bulk_share_percent: out of range",
            ),
        ] {
            let found = with(lines).unwrap_err();
            assert!(found.contains(said), "{lines}\n{found}");
        }
    }
}
