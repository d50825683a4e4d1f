//! The words a configuration may hold, by table, and what is said of others.

use super::walk::{Section, Walk};

/// Every table with its keys. The empty name is the top of the file.
pub const KNOWN_KEYS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "data_dir",
            "region",
            "timezone",
            "drain_seconds",
            "profiles_dir",
            "tcp_ports_allowed",
            "storage",
            "retention",
            "webhooks_allowed",
            "webhook",
            "http",
            "discovery",
            "hub",
            "modem",
            "sim_defaults",
            "dispatch",
            "service",
            "pool",
            "route",
            "operator",
            "tariff",
            "credit",
            "hours",
            "policy",
        ],
    ),
    ("webhook", &["label", "url", "secret", "types"]),
    ("storage", &["size_limit_mib", "reserve_mib"]),
    (
        "retention",
        &[
            "text_days",
            "sensitive_text_days",
            "code_text_minutes",
            "number_days",
            "event_days",
            "record_days",
        ],
    ),
    (
        "http",
        &["listen", "allow_plain_off_loopback", "require_idempotency_key"],
    ),
    ("discovery", &["enabled", "sys_dir", "dev_dir"]),
    ("hub", &["sockets", "command", "off_seconds"]),
    ("modem", &["label", "port", "imei", "pin", "smsc", "wiring"]),
    ("dispatch", &["bulk_share_percent", "prefer"]),
    ("service", &["name", "weight"]),
    ("pool", &["name", "modems", "sims", "reserve"]),
    ("route", &["pool", "prefixes", "services", "categories"]),
    ("operator", &["plmns", "prefixes"]),
    ("tariff", &["plmns", "sims", "prefixes", "cost_per_part"]),
    ("credit", &["code", "every_hours", "low", "after", "plmns", "sims"]),
    ("hours", &["categories", "days", "start", "finish"]),
    (
        "sim_defaults",
        &[
            "per_minute",
            "burst",
            "per_hour",
            "per_day",
            "per_month",
            "recipients_per_month",
            "billing_day",
            "gap_seconds",
            "gap_jitter_seconds",
        ],
    ),
    (
        "policy",
        &[
            "allowed_countries",
            "allow_roaming",
            "pilot",
            "pilot_numbers",
            "evidence_window_seconds",
            "stale_after_seconds",
            "per_recipient_per_day",
        ],
    ),
];

/// Refuses what [`KNOWN_KEYS`] does not list.
pub(super) fn known<'a>(walk: &mut Walk<'a>, section: &Section<'a>, table: &str) {
    let keys = KNOWN_KEYS.iter().find(|(t, _)| *t == table).map_or(&[][..], |(_, k)| k);
    walk.unknown_keys(section, keys, |name| {
        let (home, _) = KNOWN_KEYS.iter().find(|(t, k)| *t != table && k.contains(&name))?;
        Some(match *home {
            "" => "no table, above the first one".to_owned(),
            "modem" => "[[modem]]".to_owned(),
            list @ ("service" | "pool" | "route" | "operator" | "tariff" | "credit" | "hours") => format!("[[{list}]]"),
            home => format!("[{home}]"),
        })
    });
}
