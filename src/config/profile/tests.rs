//! Profile files: how they lie on top of each other, what is refused, and that every shipped one can be followed.

use std::time::Duration;

use wardwire_core::modem::profile::{Action, Timing};
use wardwire_core::modem::{Profile, Wiring};

use super::*;

const BASE: &str = "name = 'generic'\nstorages = ['SM']\nnotifications = ['2,1']\nhang_up = ['ATH']\nnever = ['+CHLD']\n\
    [pin]\ntries_left = 2\ncounter = []\n[timing]\ngap_ms = 20\n\
    [[step]]\nname = 'attention'\ndo = 'attention'\n[[step]]\nname = 'profile'\ndo = 'profile'\n\
    [[step]]\nname = 'echo'\nsend = 'ATE0'\n[[step]]\nname = 'end'\nsend = 'AT'\n";
const MODEL: &str = "name = 'model'\ninherits = 'generic'\n";
const MATCH: &str = "[match]\nmodel = ['M1']\n";

fn with(head: &str, rest: &str) -> Result<Profiles, ProfilesError> {
    let text = format!("{MODEL}{head}{MATCH}{rest}");
    compile(&[("generic", BASE), ("model", &text)])
}

fn model(head: &str, rest: &str) -> Profile {
    Profile::clone(with(head, rest).unwrap().choose("", "M1", ""))
}

fn refused(head: &str, rest: &str) -> String {
    with(head, rest).unwrap_err().to_string()
}

fn steps(profile: &Profile) -> Vec<&str> {
    profile.steps.iter().map(|step| step.name.as_str()).collect()
}

#[test]
fn every_file_of_the_folder_is_shipped() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/firmware-config/profiles");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let mut shipped: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    found.sort();
    shipped.sort_unstable();
    assert_eq!(found, shipped);
}

/// Every shipped file can be followed and asks for nothing less than the smallest bring-up.
#[test]
fn shipped_profiles_can_be_followed() {
    let profiles = profiles(&[]).unwrap();
    for profile in profiles.models().iter().chain([profiles.generic()]) {
        for needed in Profile::smallest().steps.iter().filter(|step| step.essential) {
            let there = |step: &wardwire_core::modem::profile::Step| {
                step.action == needed.action && step.essential && step.tries >= needed.tries
            };
            assert!(profile.steps.iter().any(there), "{}: {needed:?}", profile.name);
        }
        assert!(
            profile.steps.iter().any(|step| step.action == Action::Storage),
            "{}",
            profile.name
        );
        assert!(profile.forbids("AT+CHLD=1"), "{}", profile.name);
        assert!(profile.timing.command > Duration::ZERO, "{}", profile.name);
    }
}

#[test]
fn a_file_says_only_what_differs() {
    let same = model("", "");
    assert_eq!(same.timing.gap, Duration::from_millis(20));
    assert_eq!(same.timing.result, Timing::default().result);
    assert_eq!(steps(&same), ["attention", "profile", "echo", "end"]);
    let other = model(
        "without = ['end']\nnever = ['^X']\nstorages = ['ME']\n",
        "[quirks]\none_storage = true\n[timing]\nprompt_ms = 1\n[reset]\nboot_ms = 5\n\
        [[step]]\nname = 'echo'\nsend = 'ATE1'\n[[step]]\nname = 'new'\nafter = 'profile'\nsend = 'AT+X'\nwiring = 'uart'\n\
        [[step]]\nname = 'newer'\nafter = 'new'\nsend = 'AT+Y'\n",
    );
    assert_eq!(steps(&other), ["attention", "profile", "new", "newer", "echo"]);
    assert_eq!(other.steps[2].wiring, Wiring::Uart);
    assert_eq!(other.steps[4].commands().collect::<Vec<_>>(), ["ATE1"]);
    assert!(other.forbids("AT+CHLD=2") && other.forbids("AT^X?"));
    assert!(other.quirks.one_storage && !other.quirks.toggle_storages);
    assert_eq!(
        (other.timing.gap, other.timing.prompt),
        (Duration::from_millis(20), Duration::from_millis(1))
    );
    assert_eq!(other.reset.boot, Duration::from_millis(5));
    assert_eq!(other.reset.commands, ["AT+CFUN=1,1"]);
}

#[test]
fn a_file_of_the_same_name_takes_the_place_of_the_shipped_one() {
    let shipped = profiles(&[]).unwrap();
    let (name, text) = SHIPPED.iter().find(|(name, _)| *name == GENERIC).unwrap();
    let quicker = text.replace("poll_every_ms = 15_000", "poll_every_ms = 14_000");
    let given = profiles(&[((*name).to_owned(), quicker)]).unwrap();
    assert_eq!(given.models().len(), shipped.models().len());
    assert_eq!(given.generic().timing.poll_every, Duration::from_secs(14));
}

#[test]
fn mistakes_are_named() {
    for (head, rest, word) in [
        ("", "[[step]]\nname = 'echo'\nsend = 'AT'\nspeed = 9\n", "speed"),
        ("colour = 1\n", "", "colour"),
        ("", "[quirks]\nodd = true\n", "odd"),
        ("", "[[step]]\nname = 'echo'\ndo = 'magic'\n", "magic"),
        ("", "[[step]]\nname = 'echo'\nsend = 'AT'\ndo = 'sim'\n", "either"),
        ("", "[[step]]\nname = 'echo'\ntries = 3\n", "either"),
        ("", "[[step]]\nname = 'echo'\ndo = 'sim'\nlearn = 'imei'\n", "only"),
        ("", "[[step]]\nname = 'echo'\nsend = 'AT+CMGS=9'\n", "\"echo\""),
        ("", "[[step]]\nname = 'new'\nsend = 'AT'\n", "after"),
        ("", "[[step]]\nname = 'echo'\nafter = 'end'\nsend = 'AT'\n", "after"),
        (
            "",
            "[[step]]\nname = 'new'\nafter = 'nowhere'\nsend = 'AT'\n",
            "nowhere",
        ),
        ("without = ['nothing']\n", "", "nothing"),
        ("without = ['attention']\n", "", "begin"),
        ("storages = ['SM_P']\n", "", "SM_P"),
        ("", "[timing]\nresult_ms = 179_999\n", "result_ms"),
        ("", "[pin]\ntries_left = 1\n", "tries_left"),
        ("never = ['ATE0']\n", "", "echo"),
    ] {
        let said = refused(head, rest);
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn files_must_fit_together() {
    let refused = |name: &str, text: &str| {
        let other = if name == GENERIC { None } else { Some((GENERIC, BASE)) };
        let files: Vec<_> = other.into_iter().chain([(name, text)]).collect();
        compile(&files).unwrap_err().to_string()
    };
    assert!(refused("model", "name = 'other'\n").contains("other"));
    assert!(refused("model", "name = 'model'\ninherits = 'nobody'\n").contains("nobody"));
    assert!(refused("model", "name = 'model'\ninherits = 'model'\n").contains("inherits"));
    assert!(refused("model", MODEL).contains("[match]"));
    assert!(refused("generic", &format!("{BASE}{MATCH}")).contains("[match]"));
    assert!(refused("model", &format!("name = 'model'\n{MATCH}")).contains("missing"));
    assert!(refused("generic", &BASE.replace("[pin]", "[timing]\n[pin]")).contains("generic"));
}
