//! Tables of files and numbers with exactly what is said about each.

use super::*;
use wardwire_core::queue::plan;

const SHIPPED: &str = include_str!("../../firmware-config/wardwire.toml");

const MINIMAL: &str = r#"
data_dir = "/var/lib/wardwire"
region = "IE"
[http]
listen = "127.0.0.1:8080"
[[modem]]
label = "m0"
port = "/dev/serial/by-path/x"
[sim_defaults]
per_minute = 6
burst = 10
per_hour = 100
per_day = 200
[policy]
allowed_countries = ["IE"]
pilot = true
pilot_numbers = []
"#;

/// What the messages say, one line each.
fn complaints(text: &str) -> Vec<String> {
    match check(text, "w.toml") {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn the_minimal_file_reads_as_written() {
    let config = check(MINIMAL, "w.toml").unwrap();
    assert_eq!(config.data_dir, PathBuf::from("/var/lib/wardwire"));
    assert_eq!(config.region.code(), "IE");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert!(!config.http.require_idempotency_key);
    assert_eq!(config.modems.len(), 1);
    assert_eq!(config.sim_defaults, Plan::CAREFUL);
    assert!(config.policy.pilot);
    assert_eq!(config.policy.evidence_window, Duration::from_secs(900));
    assert_eq!(config.policy.stale_after, Duration::from_secs(7_200));
    assert!(config.policy.allow_roaming);
    assert_eq!(config.profiles_dir, PathBuf::from(PROFILES_DIR));
    assert_eq!(config.modems.first().map(|modem| modem.wiring), Some(Wiring::Any));
}

#[test]
fn two_keys_suffice() {
    let config = check("data_dir = 'd'\nregion = 'DE'", "w.toml").unwrap();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert!(config.policy.pilot, "a box is installed in pilot");
    assert!(config.policy.numbers.parse("+491711234567", None).is_ok());
    assert_eq!(
        config.policy.numbers.parse("+353871234567", None),
        Err(NumberError::CountryNotAllowed)
    );
}

#[test]
fn the_shipped_file_passes_as_it_is_and_with_every_default_written_out() {
    let shipped = check(SHIPPED, "wardwire.toml").unwrap();
    let written_out: String = SHIPPED
        .lines()
        .map(|l| {
            l.strip_prefix('#')
                .filter(|r| !r.starts_with(' '))
                .unwrap_or(l)
                .to_owned()
                + "\n"
        })
        .collect();
    let written = check(&written_out, "wardwire.toml").unwrap();
    assert_eq!(written.modems.len(), 2);
    assert_eq!((written.sharing.pools.len(), written.sharing.routes.len()), (2, 1));
    // What stands behind a `#` is the default indeed; only the modems, who shares them, credit and hours are examples.
    let config = Config {
        modems: Vec::new(),
        webhooks: Vec::new(),
        credit: Vec::new(),
        timezone: None,
        hours: Hours::default(),
        sharing: Sharing {
            bulk_share: written.sharing.bulk_share,
            ..shipped.sharing.clone()
        },
        ..written
    };
    assert_eq!(format!("{config:?}"), format!("{shipped:?}"));
}

#[test]
fn the_shipped_file_documents_every_key_and_no_other() {
    let mut table = String::new();
    let mut documented = Vec::new();
    for line in SHIPPED.lines() {
        let line = line.strip_prefix('#').filter(|r| !r.starts_with(' ')).unwrap_or(line);
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_matches(['[', ']']).to_owned();
            documented.push((String::new(), table.clone()));
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            documented.push((table.clone(), name.to_owned()));
        }
    }
    let mut known: Vec<(String, String)> = KNOWN_KEYS
        .iter()
        .flat_map(|(t, keys)| keys.iter().map(|k| ((*t).to_owned(), (*k).to_owned())))
        .collect();
    known.sort();
    documented.sort();
    // Two examples of a modem.
    documented.dedup();
    assert_eq!(documented, known);
}

#[test]
fn every_mistake_is_named_in_one_pass_with_its_place() {
    let text = r#"data_dir = ""
region = "IR3"
drain_secnds = 5
per_minute = 3
[http]
listen = "nine"
[[modem]]
label = "m 0"
port = "ttyUSB0"
pin = "12"
smsc = "0868002000"
[[modem]]
port = "/dev/a"
[[modem]]
label = "m2"
port = "/dev/a"
[sim_defaults]
per_minute = -1
burst = "ten"
[policy]
pilot = "no"
allowed_countries = ["IE", "XX"]
[polcy]
"#;
    let wanted = [
        "w.toml:1:12: data_dir: is no directory; write data_dir = \"/var/lib/wardwire\"",
        "w.toml:2:10: region: is no country with a numbering plan; write an ISO 3166 country in two capital letters, \
         as \"IE\"",
        "w.toml:3:1: drain_secnds: unknown key; did you mean drain_seconds?",
        "w.toml:4:1: per_minute: unknown key; it belongs under [sim_defaults]",
        "w.toml:6:10: http.listen: is no address with a port; write ADDRESS:PORT, as \"127.0.0.1:8080\" or \
         \"[::1]:8080\"",
        "w.toml:8:9: modem[1].label: is no label; write 1 to 32 characters of A-Z a-z 0-9 . _ -",
        "w.toml:9:8: modem[1].port: is no port; write a whole device path, as \"/dev/serial/by-path/...\", or \
         \"tcp://host:port\"",
        "w.toml:10:7: modem[1].pin: is no PIN; write 4 to 8 digits in quotes",
        "w.toml:11:8: modem[1].smsc: a number in E.164 form begins with +; write the service centre with its country \
         code and no blanks, or leave the key out",
        "w.toml:12:1: modem[2].label: is missing; give it a short name, as label = \"m0\"",
        "w.toml:16:8: modem[3].port: \"/dev/a\" is taken by the modem of line 13; give each modem its own",
        "w.toml:18:14: sim_defaults.per_minute: out of range; write a number from 0 to 10000",
        "w.toml:19:9: sim_defaults.burst: is a text; write a whole number without quotes",
        "w.toml:21:9: policy.pilot: is a text; write true or false",
        "w.toml:22:28: policy.allowed_countries[2]: is no country with a numbering plan; write an ISO 3166 country \
         in two capital letters, as \"IE\"",
        "w.toml:23:2: polcy: unknown key; did you mean policy?",
    ];
    assert_eq!(complaints(text), wanted);
}

#[test]
fn syntax_errors_are_listed_with_the_others_and_nothing_is_called_missing_because_of_them() {
    let text = "data_dir = /var\nregion = \"ZZ\"\n[http\nlisten = \"127.0.0.1:1\"\nlisten = 5\n";
    let errors = check(text, "w.toml").unwrap_err();
    let lines: Vec<usize> = errors.iter().map(|e| e.line).collect();
    assert_eq!(lines, [1, 2, 3, 5], "{errors:?}");
    assert!(errors.iter().all(|e| !e.what.contains("missing")));
    // Truncated, garbage and empty files fail, and never panic.
    for end in 0..MINIMAL.len() {
        let _ = check(&MINIMAL[..end], "w.toml");
    }
    assert_eq!(complaints("\u{0}\u{1}").len(), 1);
    assert_eq!(
        complaints(""),
        [
            "w.toml:1:1: data_dir: is missing; write data_dir = \"/var/lib/wardwire\"",
            "w.toml:1:1: region: is missing; write the site's country, as region = \"IE\""
        ]
    );
}

#[test]
fn tables_of_the_wrong_shape_are_named() {
    let head = "data_dir = 'd'\nregion = 'IE'\n";
    for (rest, wanted) in [
        ("http = 5", "http: must be a table; write it as [http]"),
        (
            "[modem]\nlabel='a'",
            "modem: must be a list of tables; write each one as [[modem]]",
        ),
        ("modem = [1]", "modem[1]: must be a table; write each one as [[modem]]"),
        ("[policy]\nallowed_countries = []", "no country is allowed"),
        (
            "[policy]\nallowed_countries = 'IE'",
            "policy.allowed_countries: is a text; write a list",
        ),
        (
            "[policy]\npilot_numbers = [353]",
            "policy.pilot_numbers[1]: is a whole number",
        ),
        ("[http]\nlisten = '0.0.0.0:80'", "beyond this machine"),
        ("[http]\nlisten = '127.0.0.1'", "no address with a port"),
        ("drain_seconds = 601", "write a number from 0 to 600"),
        ("drain_seconds = 99999999999999999999", "out of range"),
        ("drain_seconds = 1.5", "is a number with a point"),
    ] {
        let found = complaints(&format!("{head}{rest}"));
        assert_eq!(found.len(), 1, "{rest}: {found:?}");
        assert!(found[0].contains(wanted), "{rest}: {found:?}");
    }
    let open = format!("{head}[http]\nlisten = '0.0.0.0:80'\nallow_plain_off_loopback = true");
    assert_eq!(complaints(&open), [""; 0]);
}

#[test]
fn ports_are_paths_or_tcp() {
    for (port, fits) in [
        ("/dev/ttyUSB0", true),
        ("sim/modem0", false),
        ("tcp://127.0.0.1:4001", true),
        ("tcp://[::1]:4001", true),
        ("tcp://10.0.0.9", false),
        ("tcp://10.0.0.9:0", false),
        ("tcp://:4001", false),
        ("udp://10.0.0.9:1", false),
        ("COM3", false),
        ("", false),
    ] {
        let text = format!("data_dir='d'\nregion='IE'\n[[modem]]\nlabel='a'\nport='{port}'");
        assert_eq!(complaints(&text).is_empty(), fits, "{port}");
    }
}

#[test]
fn a_serial_server_stands_where_it_may() {
    for (networks, port, wanted) in [
        ("[]", "tcp://127.0.0.1:1", ""),
        ("[]", "tcp://[::1]:1", ""),
        ("[]", "tcp://serial.example:1", ""),
        (
            "[]",
            "tcp://10.0.0.9:1",
            "modem[1].port: is an address that tcp_ports_allowed does not hold",
        ),
        ("['10.0.0.0/24']", "tcp://10.0.0.9:1", ""),
        ("['10.0.0.0/24', 'fd00::/16']", "tcp://[fd00::7]:1", ""),
        ("['10.0.0.0/24']", "tcp://[::ffff:10.0.1.9]:1", "does not hold"),
        (
            "['10.0.0.9/24']",
            "tcp://127.0.0.1:1",
            "tcp_ports_allowed[1]: is an address inside a range",
        ),
        (
            "['everywhere']",
            "tcp://127.0.0.1:1",
            "tcp_ports_allowed[1]: is no range of addresses",
        ),
        (
            "'10.0.0.0/24'",
            "tcp://127.0.0.1:1",
            "tcp_ports_allowed: is a text; write a list",
        ),
    ] {
        let text =
            format!("data_dir='d'\nregion='IE'\ntcp_ports_allowed={networks}\n[[modem]]\nlabel='a'\nport='{port}'");
        let found = complaints(&text);
        assert_eq!(found.len(), usize::from(!wanted.is_empty()), "{port}: {found:?}");
        assert!(found.iter().all(|f| f.contains(wanted)), "{port}: {found:?}");
    }
}

#[test]
fn a_modem_is_told_by_its_port_or_by_its_imei() {
    let imei = "490154203237518";
    for (head, modem, wanted) in [
        ("", format!("imei='{imei}'"), ""),
        (
            "",
            format!("imei='{imei}'\nport='/a'"),
            "modem[1].imei: stands beside port",
        ),
        ("", "imei='49015420323751'".to_owned(), "modem[1].imei: is no IMEI"),
        ("", "imei='49015420323751x'".to_owned(), "modem[1].imei: is no IMEI"),
        (
            "",
            "imei=490154203237518".to_owned(),
            "modem[1].imei: is a whole number",
        ),
        ("", String::new(), "modem[1].port: is missing"),
        (
            "",
            format!("imei='{imei}'\n[[modem]]\nlabel='b'\nimei='{imei}'"),
            "is taken by the modem of line",
        ),
        (
            "[discovery]\nenabled=false\n",
            format!("imei='{imei}'"),
            "names a modem that nobody looks for",
        ),
    ] {
        let found = complaints(&format!(
            "data_dir='d'\nregion='IE'\n{head}[[modem]]\nlabel='a'\n{modem}"
        ));
        assert_eq!(found.len(), usize::from(!wanted.is_empty()), "{modem}: {found:?}");
        assert!(found.iter().all(|f| f.contains(wanted)), "{modem}: {found:?}");
    }
    let text = format!("data_dir='d'\nregion='IE'\n[[modem]]\nlabel='a'\nimei='{imei}'");
    let config = check(&text, "w.toml").unwrap();
    assert!(config.discovery.enabled, "a gateway finds its modems");
    assert_eq!((config.modems[0].imei(), config.modems[0].port()), (Some(imei), None));
}

#[test]
fn power_is_cut_only_behind_a_hub() {
    for (hub, wanted) in [
        ("sockets=['1-1.2', '2-1.4.7']", ""),
        ("sockets=['1-1']", "hub.sockets[1]: is a socket of the machine itself"),
        ("sockets=['usb-1-1.2']", "hub.sockets[1]: is no USB socket"),
        ("sockets=['1-1.2:1.0']", "hub.sockets[1]: is no USB socket"),
        ("sockets=['1-1.0']", "hub.sockets[1]: is no USB socket"),
        ("sockets=['1-../../x.1']", "hub.sockets[1]: is no USB socket"),
        ("command='uhubctl'", "hub.command: is no program"),
        (
            "off_seconds=1",
            "hub.off_seconds: out of range; write a number from 2 to 120",
        ),
        ("sys_dir='/s'", "hub.sys_dir: unknown key; it belongs under [discovery]"),
    ] {
        let found = complaints(&format!("data_dir='d'\nregion='IE'\n[hub]\n{hub}"));
        assert_eq!(found.len(), usize::from(!wanted.is_empty()), "{hub}: {found:?}");
        assert!(found.iter().all(|f| f.contains(wanted)), "{hub}: {found:?}");
    }
    let folders = complaints("data_dir='d'\nregion='IE'\n[discovery]\nsys_dir='sys'\ndev_dir=''");
    assert_eq!(folders.len(), 2, "{folders:?}");
}

#[test]
fn a_bank_has_a_bound_and_so_has_the_list_of_mistakes() {
    let modem = |n: usize| format!("[[modem]]\nlabel='m{n}'\nport='/dev/{n}'\n");
    let bank = |count| "data_dir='d'\nregion='IE'\n".to_owned() + &(0..count).map(modem).collect::<String>();
    assert_eq!(check(&bank(256), "w.toml").unwrap().modems.len(), 256);
    assert_eq!(complaints(&bank(257)).len(), 1);
    let many: String = (0..500).map(|n| format!("key{n} = 1\n")).collect();
    assert_eq!(complaints(&many).len(), 100);
    assert_eq!(complaints(&" ".repeat(2 << 20)).len(), 1);
}

#[test]
fn numbers_and_pins_stay_out_of_messages_and_debug() {
    let text = "data_dir='d'\nregion='IE'\n[[modem]]\nlabel='a'\nport='/a'\npin='98765x'\nsmsc='+35386800x'\n\
                [policy]\npilot_numbers=['+35386555123x', '+35312987654']";
    let found = complaints(text).join("\n");
    assert_eq!(found.lines().count(), 4);
    for secret in ["98765", "35386800", "35386555", "12987654"] {
        assert!(!found.contains(secret), "{found}");
    }
    let good = "data_dir='d'\nregion='IE'\n[[modem]]\nlabel='a'\nport='/a'\npin='9876'\nsmsc='+353868002000'\n\
                [policy]\npilot_numbers=['087 123 4567']";
    let config = check(good, "w.toml").unwrap();
    assert_eq!(config.policy.pilot_numbers[0].as_e164(), "+353871234567");
    let shown = format!("{config:?}");
    assert!(!shown.contains("9876") && !shown.contains("353868002000") && !shown.contains("353871234567"));
}

#[test]
fn the_pilot_holds_every_number_but_its_own() {
    let text = "data_dir='d'\nregion='IE'\n[policy]\npilot_numbers=['+353871234567']";
    let policy = check(text, "w.toml").unwrap().policy;
    let number = |n| PhoneNumber::from_e164(n).unwrap();
    assert!(!policy.holds(&number("+353871234567")));
    assert!(policy.holds(&number("+353871234568")));
    let live = check(&format!("{text}\npilot=false"), "w.toml").unwrap().policy;
    assert!(!live.holds(&number("+353871234568")));
}

#[test]
fn slips_of_the_hand_are_recognised_and_far_words_are_not() {
    let known = ["listen", "per_minute", "pilot"];
    for (name, near) in [
        ("lisen", Some("listen")),
        ("per-minute", Some("per_minute")),
        ("Pilot", Some("pilot")),
        ("colour", None),
        ("x", None),
    ] {
        assert_eq!(walk::nearest(name, &known), near, "{name}");
    }
}

#[test]
fn numbers_are_taken_by_the_plan() {
    use NumberError::{CountryNotAllowed, Invalid, NotMobile};
    let country = |c| Country::parse(c).unwrap();
    let policy = NumberPolicy::new(country("IE"), vec![country("IE"), country("DE"), country("US")]);
    for (text, wanted) in [
        ("+353871234567", Ok("+353871234567")),
        ("087 123 4567", Ok("+353871234567")),
        ("(087) 123-4567", Ok("+353871234567")),
        ("+353 (0)87 123 4567", Ok("+353871234567")),
        ("00353871234567", Ok("+353871234567")),
        ("+4915112345678", Ok("+4915112345678")),
        // The plan of North America does not tell mobile and fixed apart.
        ("+12025550173", Ok("+12025550173")),
        // A mobile range no table has: as long as a mobile number.
        ("+353811234567", Ok("+353811234567")),
        ("+35312345678", Err(NotMobile)),
        ("01 234 5678", Err(NotMobile)),
        ("+447700900123", Err(CountryNotAllowed)),
        ("+447400123456", Err(CountryNotAllowed)),
        // Premium, shared cost, toll-free.
        ("+3531520123456", Err(Invalid)),
        ("1800 123 456", Err(Invalid)),
        ("1850 123 456", Err(Invalid)),
        // Short codes and emergency numbers, with and without their country.
        ("112", Err(Invalid)),
        ("999", Err(Invalid)),
        ("50123", Err(Invalid)),
        ("+353112", Err(Invalid)),
        ("+353999", Err(Invalid)),
        ("+49110", Err(Invalid)),
        ("+1911", Err(Invalid)),
        // Too short, too long, no country, letters, other scripts, nothing.
        ("+35387", Err(Invalid)),
        ("+3538712345678901", Err(Invalid)),
        ("+999871234567", Err(Invalid)),
        ("+35387a234567", Err(Invalid)),
        ("tel:+353871234567", Err(Invalid)),
        ("+353871234567;ext=5", Err(Invalid)),
        ("+353871234567 x5", Err(Invalid)),
        ("٠٨٧١٢٣٤٥٦٧", Err(Invalid)),
        ("＋353871234567", Err(Invalid)),
        ("++353871234567", Err(Invalid)),
        ("087\n1234567", Err(Invalid)),
        ("+", Err(Invalid)),
        ("", Err(Invalid)),
        ("not a number", Err(Invalid)),
    ] {
        let found = policy.parse(text, None);
        assert_eq!(
            found.as_ref().map(PhoneNumber::as_e164),
            wanted.as_ref().map(|s| *s),
            "{text}"
        );
    }
    let german = policy.parse("0151 12345678", Some(country("DE"))).unwrap();
    assert_eq!(german.as_e164(), "+4915112345678");
    assert_eq!(policy.parse("110", Some(country("DE"))), Err(Invalid));
}

#[test]
fn countries_are_two_capital_letters_with_a_plan() {
    assert_eq!(Country::parse("GB").unwrap().code(), "GB");
    for code in ["", "ie", "XX", "IRL", "é", "00", "AQ"] {
        assert!(Country::parse(code).is_none(), "{code}");
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_file_makes_it_panic_and_every_mistake_stands_inside_the_file(text in "([a-z_\\[\\]=\"#.0-9 \n']|http|modem|policy){0,120}") {
            if let Err(errors) = check(&text, "w.toml") {
                prop_assert!(!errors.is_empty());
                for e in errors {
                    prop_assert!(e.line >= 1 && e.line <= text.matches('\n').count() + 1 && e.column >= 1);
                }
            }
        }

        #[test]
        fn whatever_is_taken_is_taken_again_in_e164_form(text in "[+0-9 ()./-]{3,20}") {
            let country = |c| Country::parse(c).unwrap();
            let policy = NumberPolicy::new(country("IE"), vec![country("IE"), country("DE"), country("US")]);
            if let Ok(number) = policy.parse(&text, None) {
                prop_assert_eq!(policy.parse(number.as_e164(), None), Ok(number));
            }
        }
    }
}

#[test]
fn every_number_of_a_plan_is_a_key() {
    for key in &plan::KEYS {
        let (name, most) = (key.name, key.range.end - 1);
        let text = format!("data_dir = \"/d\"\nregion = \"IE\"\n[sim_defaults]\n{name} = {most}\n");
        let config = check(&text, "w.toml").unwrap();
        assert_eq!(key.of(&config.sim_defaults), most, "{name}");
        let text = format!(
            "data_dir = \"/d\"\nregion = \"IE\"\n[sim_defaults]\n{name} = {}\n",
            most + 1
        );
        let errors = check(&text, "w.toml").unwrap_err();
        let wanted = format!("sim_defaults.{name}: out of range; write a number from");
        assert!(errors[0].to_string().contains(&wanted), "{errors:?}");
    }
}
