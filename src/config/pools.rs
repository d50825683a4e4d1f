//! `[dispatch]`, `[[service]]`, `[[pool]]` and `[[route]]`: how the bank is shared, and who goes where.

use wardwire_core::dispatch::Pool;
use wardwire_core::dispatch::pool::DEFAULT_POOL;
use wardwire_core::dispatch::share::WEIGHT_MAX;
use wardwire_core::queue::route::Route;
use wardwire_core::queue::state::Category;

use super::keys::known;
use super::sharing::{self, Mistake, NAMES, NewRoute, POOLS, ROUTES, Sharing};
use super::walk::{At, Section, Walk};
use super::{Modem, Service};

/// Services at most.
const SERVICES: usize = 256;

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
    if let Some(mistake) = sharing::name_mistake(text, taken) {
        walk.fail(span.start, &section.key("name"), mistake.what, mistake.mend);
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
        let sims = list(walk, &section, "sims");
        let reserve = walk.string(&section, "reserve");
        let pool = Pool {
            name: name.to_owned(),
            modems: texts(&labels),
            sims: texts(&sims),
            reserve: reserve.as_ref().map(|(text, _)| (*text).to_owned()),
        };
        for mistake in sharing::pool_mistakes(&pool, modems, discovery) {
            let at = match mistake.field {
                "modems" => place(&labels, &mistake),
                "sims" => place(&sims, &mistake),
                "reserve" => reserve.as_ref().map(|(_, span)| span.start),
                _ => None,
            };
            fail(walk, &section, at.unwrap_or(span.start), mistake);
        }
        found.push(pool);
    }
    if !found.iter().any(|pool| pool.name == DEFAULT_POOL) {
        found.insert(0, Pool::of_all());
    }
    found
}

/// SIMs by their ICCIDs.
pub(super) fn cards<'a>(walk: &mut Walk<'a>, section: &Section<'a>) -> Vec<At<&'a str>> {
    judged(walk, section, "sims", sharing::card_mistake)
}

/// Beginnings of numbers.
pub(super) fn prefixes<'a>(walk: &mut Walk<'a>, section: &Section<'a>) -> Vec<At<&'a str>> {
    judged(walk, section, "prefixes", sharing::prefix_mistake)
}

/// A list of texts, each of which must be in order.
fn judged<'a>(
    walk: &mut Walk<'a>,
    section: &Section<'a>,
    name: &str,
    judge: fn(usize, &str) -> Option<Mistake>,
) -> Vec<At<&'a str>> {
    let listed = list(walk, section, name);
    for (index, (text, span)) in listed.iter().enumerate() {
        if let Some(mistake) = judge(index, text) {
            fail(walk, section, span.start, mistake);
        }
    }
    listed
}

/// The texts of a list.
pub(super) fn texts(list: &[At<&str>]) -> Vec<String> {
    list.iter().map(|(text, _)| (*text).to_owned()).collect()
}

/// Where in the file an entry of this list with a mistake stands.
fn place(list: &[At<&str>], mistake: &Mistake) -> Option<usize> {
    list.get(mistake.index?).map(|(_, span)| span.start)
}

fn fail(walk: &mut Walk<'_>, section: &Section<'_>, at: usize, mistake: Mistake) {
    let key = section.key(mistake.field);
    let key = mistake
        .index
        .map_or(key.clone(), |index| format!("{key}[{}]", index + 1));
    walk.fail(at, &key, mistake.what, mistake.mend);
}

fn routes<'a>(walk: &mut Walk<'a>, root: &Section<'a>, pools: &[Pool]) -> Vec<Route> {
    let mut found = Vec::new();
    for section in bounded(walk, root, "route", ROUTES) {
        walk.missing(&section, "pool", "say where it leads, as pool = \"wards\"");
        let pool = walk.string(&section, "pool");
        let prefixes = list(walk, &section, "prefixes");
        let services = list(walk, &section, "services");
        let categories = list(walk, &section, "categories");
        let new = NewRoute {
            // One that is missing was told of.
            pool: pool.as_ref().map_or(DEFAULT_POOL, |(text, _)| text).to_owned(),
            prefixes: texts(&prefixes),
            services: texts(&services),
            categories: texts(&categories),
        };
        let (route, mistakes) = sharing::read_route(&new, pools);
        for mistake in mistakes {
            let at = match mistake.field {
                "prefixes" => place(&prefixes, &mistake),
                "categories" => place(&categories, &mistake),
                _ => pool.as_ref().map(|(_, span)| span.start),
            };
            fail(walk, &section, at.unwrap_or_default(), mistake);
        }
        found.push(route);
    }
    found
}

pub(super) fn categories<'a>(walk: &mut Walk<'a>, section: &Section<'a>) -> Vec<Category> {
    let mut found = Vec::new();
    for (index, (text, span)) in list(walk, section, "categories").into_iter().enumerate() {
        match sharing::category(text, index) {
            Ok(category) => found.push(category),
            Err(mistake) => fail(walk, section, span.start, mistake),
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
    use wardwire_core::queue::lane::Way;

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
