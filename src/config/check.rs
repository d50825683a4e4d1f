//! What each key means and which values it takes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeTable;
use wardwire_core::queue::plan::{self, Plan};

use super::keys::known;
use super::walk::{At, Section, Walk};
use super::{
    Config, ConfigError, Country, Http, NumberPolicy, Policy, Retention, Storage, credit, hours, pools, ports, tariff,
    webhook,
};

/// Longest file read; the longest real one (256 modems, all numbers of a pilot) is far below.
const FILE_OCTETS: usize = 1 << 20;

/// Where modem profiles are looked for unless the file says otherwise.
pub const PROFILES_DIR: &str = "/etc/wardwire/profiles";

/// Reads a configuration. `file_name` only serves the messages.
///
/// # Errors
/// Every mistake of the file, in the order of its lines.
pub fn check(text: &str, file_name: &str) -> Result<Config, Vec<ConfigError>> {
    let mut walk = Walk::new(file_name, text);
    if text.len() > FILE_OCTETS {
        walk.fail(0, "", "the file is longer than 1 MiB", "is it the right file?");
        return Err(walk.errors);
    }
    let (document, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        walk.syntax(error.span(), error.message());
    }
    let root = Section::new(Some(document.get_ref()), "", 0..0);
    let config = read(&mut walk, &root);
    match config {
        Some(config) if walk.errors.is_empty() => Ok(config),
        _ => {
            walk.errors.sort_by_key(|e| (e.line, e.column));
            Err(walk.errors)
        }
    }
}

fn read<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Option<Config> {
    known(walk, root, "");
    let data_dir = data_dir(walk, root);
    let region = region(walk, root);
    let profiles_dir = profiles_dir(walk, root);
    let drain = walk.number(root, "drain_seconds", 0..601, 30);
    let storage = storage(walk, root);
    let retention = retention(walk, root);
    let webhooks_allowed = ports::networks(walk, root, "webhooks_allowed");
    let webhooks = webhook::webhooks(walk, root);
    let http = http(walk, root);
    let tcp_ports_allowed = ports::networks(walk, root, "tcp_ports_allowed");
    let discovery = ports::discovery(walk, root);
    let hub = ports::hub(walk, root);
    let modems = ports::modems(walk, root, &tcp_ports_allowed, discovery.enabled);
    let sim_defaults = sim_defaults(walk, root);
    let sharing = pools::sharing(walk, root, &modems, discovery.enabled);
    let preference = tariff::preference(walk, root);
    let credit = credit::credit(walk, root);
    let (timezone, hours) = hours::hours(walk, root);
    let policy = policy(walk, root, region);
    Some(Config {
        data_dir: data_dir?,
        region: region?,
        drain: Duration::from_secs(drain.into()),
        profiles_dir,
        storage,
        retention,
        webhooks,
        webhooks_allowed,
        http: http?,
        tcp_ports_allowed,
        discovery,
        hub: hub?,
        modems,
        sim_defaults,
        sharing,
        preference,
        credit,
        timezone,
        hours,
        policy: policy?,
    })
}

fn data_dir<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Option<PathBuf> {
    let mend = "write data_dir = \"/var/lib/wardwire\"";
    walk.missing(root, "data_dir", mend);
    let (text, span) = walk.string(root, "data_dir")?;
    if text.trim().is_empty() || text.contains('\0') {
        walk.fail(span.start, "data_dir", "is no directory", mend);
        return None;
    }
    Some(PathBuf::from(text))
}

fn profiles_dir<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> PathBuf {
    let Some((text, span)) = walk.string(root, "profiles_dir") else {
        return PathBuf::from(PROFILES_DIR);
    };
    let fits = text.starts_with('/') && !text.contains('\0');
    if !fits {
        let mend = "write a whole path, as \"/etc/wardwire/profiles\", or leave the key out";
        walk.fail(span.start, "profiles_dir", "is no whole path", mend);
    }
    PathBuf::from(text)
}

fn region<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Option<Country> {
    walk.missing(root, "region", "write the site's country, as region = \"IE\"");
    let at = walk.string(root, "region")?;
    country(walk, &at, "region")
}

fn country(walk: &mut Walk<'_>, (text, span): &At<&str>, key: &str) -> Option<Country> {
    let country = Country::parse(text);
    if country.is_none() {
        let mend = "write an ISO 3166 country in two capital letters, as \"IE\"";
        walk.fail(span.start, key, "is no country with a numbering plan", mend);
    }
    country
}

fn storage<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Storage {
    let section = walk.section(root, "storage");
    known(walk, &section, "storage");
    let storage = Storage {
        size_limit_mib: walk.number(&section, "size_limit_mib", 0..16_777_217, 0),
        reserve_mib: walk.number(&section, "reserve_mib", 1..65_537, 64),
    };
    if storage.size_limit_mib > 0 && storage.size_limit_mib <= storage.reserve_mib {
        let at = section.value("size_limit_mib").map_or(0, |value| value.span().start);
        let mend = "make it several times storage.reserve_mib, or 0 for the whole disk";
        walk.fail(at, "storage.size_limit_mib", "leaves no room beside the reserve", mend);
    }
    storage
}

fn retention<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Retention {
    let section = walk.section(root, "retention");
    known(walk, &section, "retention");
    let text = walk.number(&section, "text_days", 8..3_651, 30);
    let number = walk.number(&section, "number_days", 8..3_651, 400);
    let record = walk.number(&section, "record_days", 8..36_501, 2_192);
    for (name, value, below, least) in [
        ("number_days", number, "text_days", text),
        ("record_days", record, "number_days", number),
    ] {
        if value < least {
            let at = section.value(name).map_or(0, |value| value.span().start);
            let what = format!("is less than retention.{below}, {least}");
            walk.fail(at, &section.key(name), what, "keep it at least as long");
        }
    }
    let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 3600);
    Retention {
        text: days(text),
        sensitive_text: days(walk.number(&section, "sensitive_text_days", 1..3_651, 7)),
        code_text: Duration::from_secs(60 * u64::from(walk.number(&section, "code_text_minutes", 1..10_081, 60))),
        number: days(number),
        event: days(walk.number(&section, "event_days", 7..3_651, 90)),
        record: days(record),
    }
}

fn http<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Option<Http> {
    let section = walk.section(root, "http");
    known(walk, &section, "http");
    let plain_anywhere = walk.boolean(&section, "allow_plain_off_loopback", false);
    let require_idempotency_key = walk.boolean(&section, "require_idempotency_key", false);
    let listen = match walk.string(&section, "listen") {
        Some(at) => listen(walk, &at, plain_anywhere)?,
        None => SocketAddr::from(([127, 0, 0, 1], 8080)),
    };
    Some(Http {
        listen,
        require_idempotency_key,
    })
}

fn listen(walk: &mut Walk<'_>, (text, span): &At<&str>, plain_anywhere: bool) -> Option<SocketAddr> {
    let key = "http.listen";
    let text = text
        .strip_prefix("localhost:")
        .map_or((*text).to_owned(), |port| format!("127.0.0.1:{port}"));
    let Ok(listen) = text.parse::<SocketAddr>() else {
        let mend = "write ADDRESS:PORT, as \"127.0.0.1:8080\" or \"[::1]:8080\"";
        walk.fail(span.start, key, "is no address with a port", mend);
        return None;
    };
    if !listen.ip().is_loopback() && !plain_anywhere {
        let what = "would serve plain HTTP beyond this machine";
        let mend = "listen on 127.0.0.1 behind a TLS proxy, or set http.allow_plain_off_loopback = true";
        walk.fail(span.start, key, what, mend);
        return None;
    }
    Some(listen)
}

fn sim_defaults<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Plan {
    let section = walk.section(root, "sim_defaults");
    known(walk, &section, "sim_defaults");
    let mut plan = Plan::CAREFUL;
    for key in &plan::KEYS {
        let value = walk.number(&section, key.name, key.range.clone(), key.of(&plan));
        key.set(&mut plan, value);
    }
    plan
}

fn policy<'a>(walk: &mut Walk<'a>, root: &Section<'a>, region: Option<Country>) -> Option<Policy> {
    let section = walk.section(root, "policy");
    known(walk, &section, "policy");
    let pilot = walk.boolean(&section, "pilot", true);
    let allow_roaming = walk.boolean(&section, "allow_roaming", true);
    let window = walk.number(&section, "evidence_window_seconds", 1..86_401, 900);
    let stale_after = walk.number(&section, "stale_after_seconds", 1_800..604_801, 7_200);
    let per_recipient_per_day = walk.number(&section, "per_recipient_per_day", 0..1_001, 0);
    let allowed = allowed_countries(walk, &section, region);
    let listed = walk.strings(&section, "pilot_numbers");
    let numbers = NumberPolicy::new(region?, allowed?);
    let mut pilot_numbers = Vec::new();
    for (index, (text, span)) in listed.into_iter().flat_map(|(list, _)| list).enumerate() {
        match numbers.parse(text, None) {
            Ok(number) => pilot_numbers.push(number),
            Err(error) => {
                let key = format!("policy.pilot_numbers[{}]", index + 1);
                walk.fail(
                    span.start,
                    &key,
                    error.to_string(),
                    "write a mobile number, as \"+353871234567\"",
                );
            }
        }
    }
    Some(Policy {
        numbers,
        pilot,
        pilot_numbers,
        evidence_window: Duration::from_secs(window.into()),
        stale_after: Duration::from_secs(stale_after.into()),
        per_recipient_per_day,
        allow_roaming,
    })
}

fn allowed_countries<'a>(walk: &mut Walk<'a>, section: &Section<'a>, region: Option<Country>) -> Option<Vec<Country>> {
    let Some((listed, span)) = walk.strings(section, "allowed_countries") else {
        return region.map(|r| vec![r]);
    };
    if listed.is_empty() {
        let mend = "name at least one, or leave the key out for the region alone";
        walk.fail(span.start, "policy.allowed_countries", "no country is allowed", mend);
    }
    let mut countries = Vec::new();
    for (index, at) in listed.iter().enumerate() {
        let key = format!("policy.allowed_countries[{}]", index + 1);
        countries.extend(country(walk, at, &key));
    }
    (countries.len() == listed.len()).then_some(countries)
}
