//! How the bank is shared, and what a pool or a route may be, whichever way it comes: from the file or over the API. Pure: it knows
//! neither TOML nor JSON, and nothing of what is plugged in.

use wardwire_core::dispatch::Pool;
use wardwire_core::dispatch::pool::DEFAULT_POOL;
use wardwire_core::queue::lane::{PoolId, Way};
use wardwire_core::queue::route::Route;
use wardwire_core::queue::state::Category;

use super::walk::nearest;
use super::{Config, Modem, Service};

/// Pools at most.
pub const POOLS: usize = 32;
/// Routes at most.
pub const ROUTES: usize = 256;
/// Names in one list at most.
pub const NAMES: usize = 256;

/// How the bank is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// Percent of what normal and bulk send together that is bulk, while normal ones wait.
    pub bulk_share: u8,
    /// Services with a share of their own.
    pub services: Vec<Service>,
    /// Pools by their names, that of all among them.
    pub pools: Vec<Pool>,
    /// Who goes where: the first that fits wins.
    pub routes: Vec<Route>,
}

impl Sharing {
    /// The pool of this name.
    #[must_use]
    pub fn pool(&self, name: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.name == name)
    }

    /// Where a route leads, by name.
    #[must_use]
    pub fn pool_of(&self, route: &Route) -> &str {
        let pool = self.pools.iter().find(|pool| pool.way() == route.way);
        pool.map_or(DEFAULT_POOL, |pool| &pool.name)
    }

    /// The pools as messages know them, that of all apart.
    #[must_use]
    pub fn ids(&self) -> Vec<PoolId> {
        let id = |pool: &Pool| match pool.way() {
            Way::Pool(id) => Some(id),
            Way::Any | Way::Sim(_) => None,
        };
        self.pools.iter().filter_map(id).collect()
    }
}

/// A route as it is written: what a list does not name does not matter to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NewRoute {
    /// Name of the pool it leads to.
    pub pool: String,
    /// Beginnings of numbers, as `+35387`.
    pub prefixes: Vec<String>,
    /// Names of services.
    pub services: Vec<String>,
    /// Names of categories.
    pub categories: Vec<String>,
}

impl NewRoute {
    /// Written out again.
    #[must_use]
    pub fn of(sharing: &Sharing, route: &Route) -> Self {
        let names = route.categories.iter().map(|category| category.as_str().to_owned());
        Self {
            pool: sharing.pool_of(route).to_owned(),
            prefixes: route.prefixes.clone(),
            services: route.services.clone(),
            categories: names.collect(),
        }
    }
}

/// What people entered over the API, in the place of what the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entered {
    /// Pools: those of the file that they change, and those it does not have.
    pub pools: Vec<Pool>,
    /// The whole list of routes; none: as in the file.
    pub routes: Option<Vec<NewRoute>>,
}

impl Entered {
    /// With this pool, in the place of one of its name.
    #[must_use]
    pub fn with_pool(mut self, pool: Pool) -> Self {
        self.pools.retain(|other| other.name != pool.name);
        self.pools.push(pool);
        self
    }

    /// Without the pool of this name.
    #[must_use]
    pub fn without_pool(mut self, name: &str) -> Self {
        self.pools.retain(|other| other.name != name);
        self
    }

    /// Whether a pool of this name is among them.
    #[must_use]
    pub fn has_pool(&self, name: &str) -> bool {
        self.pools.iter().any(|pool| pool.name == name)
    }
}

/// What is wrong in a pool or a route, and what mends it. It may repeat what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// At which of its fields.
    pub field: &'static str,
    /// At which place of a list, from 0.
    pub index: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub mend: String,
}

impl Mistake {
    fn new(field: &'static str, index: Option<usize>, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            field,
            index,
            what: what.into(),
            mend: mend.into(),
        }
    }
}

impl Config {
    /// How the bank is shared when this was entered, and in words what of it does not fit this file (any more). A pool stays as it was
    /// entered, since its modems may come back; a route to a pool that is not there leads to all SIMs.
    #[must_use]
    pub fn shared(&self, entered: &Entered) -> (Sharing, Vec<String>) {
        let mut sharing = self.sharing.clone();
        let mut said = Vec::new();
        for pool in &entered.pools {
            for mistake in pool_mistakes(pool, &self.modems, self.discovery.enabled) {
                said.push(format!("pool {}, {}: {}", pool.name, mistake.field, mistake.what));
            }
            match sharing.pools.iter_mut().find(|of_file| of_file.name == pool.name) {
                Some(of_file) => *of_file = pool.clone(),
                None => sharing.pools.push(pool.clone()),
            }
        }
        if let Some(routes) = &entered.routes {
            sharing.routes.clear();
            for (place, new) in (1..).zip(routes) {
                let (route, mistakes) = read_route(new, &sharing.pools);
                let astray = mistakes.iter().all(|mistake| mistake.field == "pool");
                for mistake in mistakes {
                    let left = if astray {
                        "it leads to all SIMs"
                    } else {
                        "it is left out"
                    };
                    said.push(format!("route {place}, {}: {}; {left}", mistake.field, mistake.what));
                }
                if astray {
                    sharing.routes.push(route);
                }
            }
        }
        (sharing, said)
    }
}

/// What is wrong with the name of a pool or a service that no other may have.
#[must_use]
pub fn name_mistake(text: &str, taken: &[&str]) -> Option<Mistake> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !(1..=32).contains(&text.len()) || !text.chars().all(plain) {
        let mend = "write 1 to 32 characters of A-Z a-z 0-9 . _ -";
        return Some(Mistake::new("name", None, "is no name", mend));
    }
    let twice = taken.contains(&text);
    twice.then(|| Mistake::new("name", None, "is there twice", "give each its own name"))
}

/// What is wrong with a pool, its name apart.
#[must_use]
pub fn pool_mistakes(pool: &Pool, modems: &[Modem], discovery: bool) -> Vec<Mistake> {
    let unknown = |field, index, label: &str| {
        let (what, mend) = no_modem(label, modems, discovery)?;
        Some(Mistake::new(field, index, what, mend))
    };
    let labels = pool.modems.iter().enumerate();
    let mut found: Vec<Mistake> = labels
        .filter_map(|(index, label)| unknown("modems", Some(index), label))
        .collect();
    let sims = pool.sims.iter().enumerate();
    found.extend(sims.filter_map(|(index, sim)| card_mistake(index, sim)));
    let all = pool.name == DEFAULT_POOL;
    match (all, pool.modems.is_empty() && pool.sims.is_empty()) {
        (true, true) | (false, false) => {}
        (true, false) => {
            let mend = "leave modems and sims out, or give the pool another name";
            found.push(Mistake::new("name", None, "holds every SIM by itself", mend));
        }
        (false, true) => {
            let mend = "name its modems, as modems = [\"m0\"], or its sims by ICCID";
            found.push(Mistake::new("name", None, "has no SIM", mend));
        }
    }
    if let Some(reserve) = &pool.reserve {
        if all && !is_iccid(reserve) {
            found.extend(unknown("reserve", None, reserve));
        } else if !all && !pool.modems.contains(reserve) && !pool.sims.contains(reserve) {
            let mend = "name one of its modems or sims";
            found.push(Mistake::new("reserve", None, "is not in this pool", mend));
        }
    }
    found
}

/// Whether this can be the number on a SIM card.
#[must_use]
pub fn is_iccid(text: &str) -> bool {
    (18..=22).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// What is wrong with the ICCID at this place of `sims`.
#[must_use]
pub fn card_mistake(index: usize, text: &str) -> Option<Mistake> {
    let mend = "write the 18 to 22 digits on the card";
    (!is_iccid(text)).then(|| Mistake::new("sims", Some(index), "is no ICCID", mend))
}

/// What is wrong with the beginning of a number at this place of `prefixes`.
#[must_use]
pub fn prefix_mistake(index: usize, text: &str) -> Option<Mistake> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let sound = (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let mend = "write how the number begins with its country code, as \"+35387\"";
    (!sound).then(|| Mistake::new("prefixes", Some(index), "is no beginning of a number", mend))
}

/// Nothing for a modem of the configuration, or one that may be found.
fn no_modem(label: &str, modems: &[Modem], discovery: bool) -> Option<(String, String)> {
    let found = discovery && label.starts_with("usb-");
    if found || modems.iter().any(|modem| modem.label == label) {
        return None;
    }
    let labels: Vec<&str> = modems.iter().map(|modem| modem.label.as_str()).collect();
    let mend = nearest(label, &labels).map_or_else(
        || "write the label of a [[modem]], or that of one that is found, as \"usb-1-1.2\"".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    Some((format!("no modem is called \"{label}\""), mend))
}

/// A route among these pools, and what is wrong with it: what could not be read is not in it.
#[must_use]
pub fn read_route(new: &NewRoute, pools: &[Pool]) -> (Route, Vec<Mistake>) {
    let mut found = Vec::new();
    let pool = pools.iter().find(|pool| pool.name == new.pool);
    if pool.is_none() {
        let names: Vec<&str> = pools.iter().map(|pool| pool.name.as_str()).collect();
        let what = format!("no [[pool]] is called \"{}\"", new.pool);
        found.push(Mistake::new("pool", None, what, near_or_all(&new.pool, &names)));
    }
    let prefixes = new.prefixes.iter().enumerate();
    found.extend(prefixes.filter_map(|(index, text)| prefix_mistake(index, text)));
    let mut categories = Vec::new();
    for (index, text) in new.categories.iter().enumerate() {
        match category(text, index) {
            Ok(category) => categories.push(category),
            Err(mistake) => found.push(mistake),
        }
    }
    let route = Route {
        prefixes: new.prefixes.clone(),
        services: new.services.clone(),
        categories,
        way: pool.map(Pool::way).unwrap_or_default(),
    };
    (route, found)
}

/// The category of this name, at this place of a list.
///
/// # Errors
/// A [`Mistake`] at `categories` when there is none.
pub fn category(text: &str, index: usize) -> Result<Category, Mistake> {
    let found = Category::ALL.into_iter().find(|category| category.as_str() == text);
    found.ok_or_else(|| {
        let mend = near_or_all(text, &Category::ALL.map(Category::as_str));
        Mistake::new("categories", Some(index), "is no category", mend)
    })
}

fn near_or_all(text: &str, known: &[&str]) -> String {
    nearest(text, known).map_or_else(
        || format!("there are: {}", known.join(", ")),
        |near| format!("did you mean {near}?"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check;

    const FILE: &str = "data_dir = 'd'\nregion = 'IE'\n[[modem]]\nlabel = 'm0'\nport = '/dev/a'\n\
                        [[pool]]\nname = 'wards'\nmodems = ['m0']\n[[route]]\npool = 'wards'\nservices = ['opd']\n";

    fn pool(name: &str, modems: &[&str]) -> Pool {
        Pool {
            name: name.into(),
            modems: modems.iter().map(|&label| label.to_owned()).collect(),
            sims: Vec::new(),
            reserve: None,
        }
    }

    #[test]
    fn what_was_entered_stands_in_the_place_of_what_the_file_says() {
        let config = check(FILE, "w.toml").unwrap();
        assert_eq!(
            config.shared(&Entered::default()),
            (config.sharing.clone(), Vec::<String>::new())
        );
        let wards = Pool {
            reserve: Some("m0".into()),
            ..pool("wards", &["m0"])
        };
        let entered = Entered::default()
            .with_pool(pool("lab", &["m0"]))
            .with_pool(pool("wards", &["m0"]))
            .with_pool(wards.clone());
        let (sharing, said) = config.shared(&entered);
        assert_eq!(said, Vec::<String>::new());
        assert_eq!(sharing.pools, [Pool::of_all(), wards, pool("lab", &["m0"])]);
        assert_eq!(sharing.routes, config.sharing.routes);
        assert_eq!(sharing.ids(), [PoolId::of("wards"), PoolId::of("lab")]);
        let routes = vec![NewRoute {
            pool: "lab".into(),
            ..NewRoute::default()
        }];
        let entered = Entered {
            routes: Some(routes.clone()),
            ..entered.without_pool("wards")
        };
        let (sharing, _) = config.shared(&entered);
        assert_eq!(sharing.pool("wards"), config.sharing.pool("wards"), "as in the file");
        let [route] = sharing.routes.as_slice() else {
            panic!("one");
        };
        assert_eq!(NewRoute::of(&sharing, route), routes[0]);
    }

    #[test]
    fn what_does_not_fit_the_file_any_more_is_told_and_leads_to_all() {
        let config = check(FILE, "w.toml").unwrap();
        let route = |pool: &str, category: &str| NewRoute {
            pool: pool.into(),
            categories: vec![category.into()],
            ..NewRoute::default()
        };
        let entered = Entered {
            pools: vec![pool("lab", &["m7"])],
            routes: Some(vec![route("attic", "otp"), route("lab", "rumour"), route("lab", "otp")]),
        };
        let (sharing, said) = config.shared(&entered);
        let ways: Vec<Way> = sharing.routes.iter().map(|route| route.way).collect();
        assert_eq!(ways, [Way::Any, pool("lab", &[]).way()]);
        assert_eq!(
            said,
            [
                "pool lab, modems: no modem is called \"m7\"",
                "route 1, pool: no [[pool]] is called \"attic\"; it leads to all SIMs",
                "route 2, categories: is no category; it is left out",
            ]
        );
        assert!(sharing.pool("lab").is_some(), "its modem may come back");
    }
}
