//! The checks of the running gateway: what `/v1/modems` says of each modem, read as a person who knows modems would.

use serde_json::Value;

use super::Finding;

/// Weaker than this, and texts begin to fail (27.007 clause 8.5: -113 dBm is the least that is told).
const WEAK_DBM: i64 = -100;

/// Beginnings of the names of models that know GSM (2G) only, as the modem tells its name.
const ONLY_2G: [&str; 16] = [
    "SIM800",
    "SIM808",
    "SIM868",
    "SIM900",
    "SIMCOM_SIM800",
    "SIMCOM_SIM900",
    "M95",
    "M66",
    "M10",
    "MC35",
    "MC39",
    "MC55",
    "TC35",
    "TC65",
    "BGS2",
    "Q2406",
];

/// What is known of one modem. Texts are empty where nothing is known.
#[derive(Clone, Debug, Default)]
pub struct Modem {
    /// Its label.
    pub label: String,
    /// As the modem says.
    pub model: String,
    /// `ready`, `absent`, `quarantined` and so on.
    pub state: String,
    /// Why it is not ready.
    pub reason: String,
    /// `home`, `denied` and so on.
    pub registration: String,
    /// Signal.
    pub signal_dbm: Option<i64>,
    /// Its SIM was asked for the service centre and named none.
    pub no_service_centre: bool,
}

/// The rows of a list that was answered; none when it is something else.
fn rows(answer: &Value) -> &[Value] {
    answer
        .get("data")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn text(row: &Value, key: &str) -> String {
    row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Reads the answer of `/v1/modems`; none when it is something else.
#[must_use]
pub fn modems(answer: &Value) -> Option<Vec<Modem>> {
    let read = |row: &Value| Modem {
        label: text(row, "label"),
        model: text(row, "model"),
        state: text(row, "state"),
        reason: text(row, "reason"),
        registration: text(row, "registration"),
        signal_dbm: row
            .get("signal")
            .and_then(|signal| signal.get("dbm"))
            .and_then(Value::as_i64),
        no_service_centre: row.get("service_centre").is_some_and(Value::is_null),
    };
    Some(answer.get("data")?.as_array()?.iter().map(read).collect())
}

/// Reads the answer of `/v1/pools`: the names of those through which nothing but emergencies can go, and whether not even these.
#[must_use]
pub fn idle_pools(answer: &Value) -> Vec<(String, bool)> {
    let idle = rows(answer).iter().map(|row| (text(row, "name"), text(row, "state")));
    idle.filter(|(_, state)| state != "ready")
        .map(|(name, state)| (name, state == "no_sim"))
        .collect()
}

/// What is to be said of pools that have nobody.
#[must_use]
pub fn pools(idle: &[(String, bool)]) -> Vec<Finding> {
    let said = idle.iter().map(|(name, all)| {
        let (what, remedy) = if *all {
            (
                "no SIM that can send: its texts wait",
                "see above what keeps its modems from sending, or route its texts elsewhere",
            )
        } else {
            (
                "only its reserve left: all but emergencies waits",
                "see above what keeps its other modems from sending",
            )
        };
        Finding::fail("pool", format!("pool {name}: {what}"), remedy)
    });
    said.collect()
}

/// Reads the answer of `/v1/sims`: slot and amount of those in the bank that may send and whose credit is low.
#[must_use]
pub fn low_credits(answer: &Value) -> Vec<(String, String)> {
    let is = |row: &Value, key: &str| row.get(key).and_then(Value::as_bool) == Some(true);
    let low = |row: &Value| {
        let balance = row.get("balance")?;
        let absent = text(row, "state") == "absent" || is(row, "receive_only");
        (is(balance, "low") && !absent).then(|| (text(row, "slot"), text(balance, "amount")))
    };
    rows(answer).iter().filter_map(low).collect()
}

/// What is to be said of SIMs whose credit is low.
#[must_use]
pub fn credits(low: &[(String, String)]) -> Vec<Finding> {
    let said = low.iter().map(|(slot, amount)| {
        let amount = match amount.as_str() {
            "" => String::new(),
            amount => format!(", {amount}"),
        };
        Finding::warn(
            "credit",
            format!("SIM in {slot}: its credit is low{amount}"),
            "top it up: without credit its modem takes texts and says nothing more of them",
        )
    });
    said.collect()
}

/// Every check of the bank; at least one finding for each modem.
#[must_use]
pub fn all(modems: &[Modem]) -> Vec<Finding> {
    if modems.is_empty() {
        let what = "the gateway runs and has no modem";
        let remedy = "plug one in, or name its port in a [[modem]]";
        return vec![Finding::fail("modem", what, remedy)];
    }
    modems.iter().flat_map(modem).collect()
}

fn modem(modem: &Modem) -> Vec<Finding> {
    let mut findings = vec![state(modem)];
    let searches = matches!(modem.registration.as_str(), "searching" | "not_registered" | "denied");
    if searches && knows_only_2g(&modem.model) {
        findings.push(Finding::warn(
            "only_2g",
            format!(
                "modem {}: a {} knows 2G only, and no 2G network takes it",
                modem.label, modem.model
            ),
            "ask the operator whether 2G is still served here; else replace the modem by one for LTE",
        ));
    }
    // Brought up, so it was asked.
    let up = matches!(modem.state.as_str(), "ready" | "degraded")
        && matches!(modem.registration.as_str(), "home" | "roaming");
    if up && modem.no_service_centre {
        findings.push(Finding::warn(
            "smsc",
            format!(
                "modem {}: its SIM names no service centre, and texts may not go out",
                modem.label
            ),
            "ask the operator for the service centre and set smsc = \"+...\" under its [[modem]]",
        ));
    }
    if let Some(dbm) = modem.signal_dbm.filter(|dbm| *dbm < WEAK_DBM) {
        findings.push(Finding::warn(
            "signal",
            format!("modem {}: weak signal, {dbm} dBm", modem.label),
            "move the antenna to a window or outside, 10 cm from the others and 50 cm from the server",
        ));
    }
    findings
}

fn knows_only_2g(model: &str) -> bool {
    let model = model.trim().to_ascii_uppercase();
    ONLY_2G.iter().any(|known| model.starts_with(known))
}

fn state(modem: &Modem) -> Finding {
    let what = match modem.reason.as_str() {
        "" => format!("modem {}: {}", modem.label, modem.state),
        reason => format!("modem {}: {}: {reason}", modem.label, modem.state),
    };
    let remedy = remedy(modem);
    match modem.state.as_str() {
        "ready" => Finding::ok("modem", what),
        "starting" | "recovering" | "drained" | "disabled" => Finding::warn("modem", what, remedy),
        _ => Finding::fail("modem", what, remedy),
    }
}

/// By the state where it says enough, else by the words of the reason.
fn remedy(modem: &Modem) -> &'static str {
    match modem.state.as_str() {
        "absent" => return "plug it in; wardwire doctor says above what is wrong with its port",
        "drained" | "disabled" => return "a person did that: wardwire modems --help says how to take it back",
        "starting" => return "wait a minute",
        _ => {}
    }
    let reason = modem.reason.to_ascii_lowercase();
    let words: [(&[&str], &str); 13] = [
        (
            &["another operator"],
            "use a SIM of the operator the modem is locked to, or have the modem unlocked",
        ),
        (&["roaming"], "use a SIM of an operator of this country"),
        (
            &["is taken"],
            "has the SIM credit, may it send texts, and is its service centre right? Set smsc = \"+...\" under its [[modem]] if not",
        ),
        (
            &["hears nothing"],
            "send it a text from a phone; if none arrives, ask the operator whether texts reach this SIM",
        ),
        (
            &["puk", "locked", "lock the"],
            "the SIM is locked: get its PUK from the operator; a wrong PUK destroys the SIM after ten tries",
        ),
        (
            &[" pin"],
            "enter the SIM's PIN as pin = \"....\" under its [[modem]]; a PIN that was refused is never tried again by itself",
        ),
        (
            &["service centre", "smsc"],
            "ask the operator for the service centre and set smsc = \"+...\" under its [[modem]]",
        ),
        (
            &["refuses this sim", "denied", "barred", "forbidden"],
            "the operator refuses this SIM: has it been activated, paid, barred? May it be used in this modem? Once that is in order: \
             wardwire sims forbidden SLOT --clear",
        ),
        (
            &["sim"],
            "put a SIM in, contacts clean and the right way round; then restart the modem",
        ),
        (
            &["no network", "registered", "signal"],
            "check the antenna and whether the operator has coverage in this room",
        ),
        (
            &["storage", "memory"],
            "the SIM's storage is full and cannot be emptied: restart the modem, else replace the SIM",
        ),
        (
            &["not answer", "no answer", "silent", "hung"],
            "it is being brought back by itself; if that goes on, pull it out and plug it in, then its hub and its power supply",
        ),
        (&["port"], "wardwire doctor says above what is wrong with its port"),
    ];
    words
        .iter()
        .find(|(any, _)| any.iter().any(|word| reason.contains(word)))
        .map_or("look at the log: journalctl -u wardwire", |(_, remedy)| remedy)
}
