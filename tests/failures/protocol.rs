//! The dialogue: late, torn, strange and missing answers, and models with ways of their own. Entries 16 to 33.

use std::time::Duration;

use wardwire_core::base::Instant;
use wardwire_core::gateway::snapshot::ModemState;
use wardwire_core::modem::PortAction;
use wardwire_core::queue::state::{MessageStatus, Priority};
use wardwire_core::simulator::{Fault, Faults, Model};

use crate::site::{PHONE, Site};

/// Sends a text and waits until it is delivered, once; or sent, where a bare `OK` told no reference that a report could name.
fn delivers(site: &mut Site) {
    let before = site.on_air(None).len();
    let id = site.send(PHONE, "hello");
    let bare = site.modem(0).model == "E1750";
    let goal = if bare {
        MessageStatus::Sent
    } else {
        MessageStatus::Delivered
    };
    assert!(
        site.until(1_200, |site| site.status(id) == goal),
        "{:?}",
        site.record(id).status
    );
    assert_eq!(site.on_air(None).len(), before + 1);
}

#[test]
fn a_late_answer_is_not_taken_for_the_next() {
    let mut site = Site::of(&["generic"]).ready();
    let before = site.modem(0);
    for _ in 0..6 {
        site.provoke(0, Fault::OverdueAnswer);
        site.seconds(120);
        delivers(&mut site);
    }
    assert!(site.until(120, |site| site.is_ready(0)));
    let after = site.modem(0);
    assert_eq!(
        (before.imei, before.firmware, before.operator),
        (after.imei, after.firmware, after.operator)
    );
}

#[test]
fn lines_inside_an_answer_are_no_answer() {
    let mut site = Site::of(&["huawei-e3372"]).ready();
    site.bank.set_faults(Faults::none().with(Fault::UrcInAnswer, 1_000));
    site.seconds(600);
    delivers(&mut site);
    assert!(site.is_ready(0) && site.modem(0).signal_dbm.is_some());
    assert_eq!(site.actions, []);
}

#[test]
fn no_echo_and_answers_in_pieces_are_understood() {
    let mut site = Site::of(&["odd"]);
    site.bank.set_faults(Faults::none().with(Fault::TornWrite, 1_000));
    let mut site = site.ready();
    site.seconds(600);
    delivers(&mut site);
    assert_eq!(site.actions, []);
}

#[test]
fn a_command_that_is_never_answered_does_not_hold_the_port_for_ever() {
    let mut site = Site::of(&["generic", "generic"]).ready();
    site.provoke(0, Fault::PoisonCommand);
    assert!(site.until(600, |site| !site.is_ready(0)), "it is noticed");
    let id = site.send(PHONE, "hello");
    site.seconds(120);
    assert_eq!(site.status(id), MessageStatus::Delivered, "the other modem is there");
    assert!(site.until(3_600, |site| site.is_ready(0)), "{:?}", site.modem(0));
}

#[test]
fn a_modem_left_in_its_prompt_is_freed_by_escape_and_never_by_ctrl_z() {
    for fault in [Fault::PromptLost, Fault::CtrlZLost] {
        let mut site = Site::of(&["generic"]).ready();
        let from = site.now.monotonic;
        site.provoke(0, fault);
        let id = site.send(PHONE, "hello");
        assert!(
            site.until(3_600, |site| site.status(id) == MessageStatus::Delivered),
            "{fault:?}"
        );
        assert!(site.said_since(0, from, "\x1b") >= 1, "{fault:?}");
        assert_eq!(
            site.said_since(0, from, "\x1a"),
            0,
            "{fault:?}: a bare Ctrl-Z could send what is half written"
        );
        assert!(site.on_air(None).len() == 1, "{fault:?}");
    }
}

#[test]
fn no_pdu_is_long_enough_to_hang_an_old_stick() {
    let mut site = Site::of(&["huawei-e1750"]).ready();
    let id = site.send(PHONE, &"a text as long as a part can be, \u{20ac}. ".repeat(12));
    assert!(site.until(1_200, |site| site.status(id) == MessageStatus::Sent));
    assert!(site.is_ready(0) && site.on_air(None).len() >= 3);
}

/// Commands that begin so are never written, whatever the model; with which the entries about them are answered.
const NEVER: [&str; 9] = [
    "AT+CMGF=1",
    "ATD",
    "AT+CHLD",
    "AT^GETPORTMODE",
    "AT+CGDATA",
    "AT+COPS=?",
    "AT&W",
    "A/",
    "AT+CMGW",
];

#[test]
fn commands_that_hurt_some_model_are_given_to_none() {
    for model in Model::ALL {
        let mut site = Site::of(&[model.name]).ready();
        delivers(&mut site);
        site.inbound(0, "an answer");
        site.provoke(0, Fault::Restart);
        site.seconds(400);
        for command in NEVER {
            assert_eq!(site.said(0, command), 0, "{}: {command}", model.name);
        }
        assert!(site.is_ready(0), "{}", model.name);
    }
}

#[test]
fn a_sim_that_is_busy_after_power_on_is_waited_for() {
    for model in ["wavecom-q2406", "quectel-m95"] {
        let mut site = Site::of(&[model]).ready();
        site.bank.power_cycle(site.now, 0);
        assert!(site.until(120, |site| !site.is_ready(0)));
        assert!(site.until(120, |site| site.is_ready(0)), "{model}: {:?}", site.modem(0));
        delivers(&mut site);
        assert_eq!(site.actions, [], "{model}");
    }
}

#[test]
fn pdu_mode_refused_after_power_on_is_asked_for_again() {
    let mut site = Site::of(&["simcom-sim800"]).ready();
    site.provoke(0, Fault::Restart);
    let from = site.now.monotonic;
    assert!(site.until(120, |site| !site.is_ready(0)) && site.until(120, |site| site.is_ready(0)));
    assert!(site.said_since(0, from, "AT+CMGF=0") >= 2);
    delivers(&mut site);
}

#[test]
fn a_word_that_never_comes_is_not_waited_for() {
    let mut site = Site::of(&["simcom-a7670"]).ready();
    site.provoke(0, Fault::Restart);
    assert!(site.until(90, |site| site.is_ready(0)), "{:?}", site.modem(0));
    delivers(&mut site);
}

#[test]
fn a_modem_without_text_mode_is_not_asked_for_it() {
    let mut site = Site::of(&["huawei-e3372"]).ready();
    delivers(&mut site);
    assert_eq!(site.said(0, "AT+CMGF=1"), 0);
}

#[test]
fn a_pdu_that_lost_octets_on_the_line_goes_again() {
    let mut site = Site::of(&["generic"]).ready();
    site.provoke(0, Fault::BytesLost);
    delivers(&mut site);
}

#[test]
fn a_refused_link_is_done_without() {
    for model in ["huawei-e3372", "odd"] {
        let mut site = Site::of(&[model]).ready();
        delivers(&mut site);
        assert!(site.said(0, "AT+CMMS") <= 2, "{model}");
    }
}

#[test]
fn a_kept_link_is_let_go_for_what_comes_in() {
    for (model, pauses) in [("simcom-sim800", 2), ("generic", 0)] {
        let mut site = Site::of(&[model]).ready();
        for _ in 0..40 {
            site.send(PHONE, "a broadcast");
        }
        assert!(site.until(600, |site| site.on_air(None).len() == 40), "{model}");
        let accepted = site.air.iter().filter(|event| event.what.name() == "accepted");
        let times: Vec<Instant> = accepted.map(|event| event.at.monotonic).collect();
        let long = |pair: &&[Instant]| pair[1].since(pair[0]) >= Duration::from_secs(5);
        assert_eq!(times.windows(2).filter(long).count(), pauses, "{model}: {times:?}");
    }
}

#[test]
fn an_emergency_does_not_wait_for_the_pause() {
    let mut site = Site::of(&["simcom-sim800"]).ready();
    for _ in 0..20 {
        site.send(PHONE, "a broadcast");
    }
    assert!(site.until(60, |site| site.on_air(None).len() == 15));
    site.seconds(1);
    assert_eq!(site.on_air(None).len(), 15, "it pauses");
    site.priority = Priority::Emergency;
    let urgent = site.send(PHONE, "come at once");
    site.seconds(2);
    assert!(site.record(urgent).submitted_at.is_some());
    assert_eq!(site.on_air(None).len(), 16, "that one and no other");
    assert!(site.until(60, |site| site.on_air(None).len() == 21));
}

#[test]
fn a_modem_that_starts_with_its_radio_off_is_switched_on() {
    for model in ["zte-mf190", "huawei-e1750"] {
        let mut site = Site::of(&[model]).ready();
        delivers(&mut site);
        assert!(site.said(0, "AT+CFUN=1") >= 1);
    }
    let mut site = Site::of(&["generic"]).ready();
    site.provoke(0, Fault::StartsRadioOff);
    site.provoke(0, Fault::Restart);
    assert!(site.until(120, |site| !site.is_ready(0)) && site.until(120, |site| site.is_ready(0)));
    delivers(&mut site);
}

#[test]
fn a_modem_that_restarts_when_switched_on_is_not_switched_on_when_it_is() {
    let mut site = Site::of(&["odd"]).ready();
    let from = site.now.monotonic;
    for _ in 0..3 {
        site.provoke(0, Fault::Restart);
        site.seconds(120);
    }
    assert_eq!(site.said_since(0, from, "AT+CFUN=1"), 0);
    assert!(site.is_ready(0));
}

#[test]
fn a_lost_answer_to_the_radio_command_is_survived() {
    let mut site = Site::of(&["ublox-sara-u201"]).ready();
    site.provoke(0, Fault::StartsRadioOff);
    site.provoke(0, Fault::RadioAnswerLost);
    site.provoke(0, Fault::Restart);
    site.seconds(30);
    assert!(
        site.until(240, |site| site.state(0) == ModemState::Ready),
        "{:?}",
        site.modem(0)
    );
    delivers(&mut site);
    assert_eq!(site.asked(PortAction::PowerCycle), 0);
    assert!(site.said_since(0, Instant::ZERO, "AT+CFUN=1") >= 1);
}
