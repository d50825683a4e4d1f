//! Host, USB and power: ports that go, hubs that sag, firmware that dies. Entries 1 to 15.

use wardwire_core::gateway::snapshot::ModemState;
use wardwire_core::modem::PortAction;
use wardwire_core::queue::state::MessageStatus;
use wardwire_core::simulator::Fault;

use crate::site::{PHONE, Site};

/// Sends so many texts through the site, a minute apart.
fn work(site: &mut Site, texts: usize) -> Vec<wardwire_core::base::MessageId> {
    let mut sent = Vec::new();
    for text in 0..texts {
        sent.push(site.send(PHONE, &format!("text {text}")));
        site.seconds(60);
    }
    sent
}

/// Every text was delivered, and the air saw none twice.
fn all_once(site: &mut Site, sent: &[wardwire_core::base::MessageId]) {
    site.seconds(1_200);
    for id in sent {
        assert_eq!(site.status(*id), MessageStatus::Delivered);
    }
    assert_eq!(site.on_air(None).len(), sent.len());
}

#[test]
fn another_program_on_the_port_loses_no_text_and_doubles_none() {
    let mut site = Site::of(&["generic"]).ready();
    for _ in 0..4 {
        site.provoke(0, Fault::ForeignTalk);
    }
    let sent = work(&mut site, 4);
    all_once(&mut site, &sent);
    assert!(site.is_ready(0));
}

#[test]
fn a_modem_pulled_out_and_plugged_in_is_the_same_modem() {
    let mut site = Site::of(&["generic", "generic"]).ready();
    let before = site.modem(0);
    site.bank.unplug(0);
    site.seconds(600);
    assert_eq!(site.state(0), ModemState::Absent);
    let sent = work(&mut site, 1);
    site.bank.plug(site.now, 0);
    assert!(site.until(60, |site| site.is_ready(0)));
    let after = site.modem(0);
    assert_eq!(
        (before.modem, before.sim, before.imei),
        (after.modem, after.sim, after.imei)
    );
    assert_eq!(site.actions, [], "vanishing is no illness");
    all_once(&mut site, &sent);
    assert_eq!(site.on_air(Some(1)).len(), 1, "the other modem went on");
}

#[test]
fn a_hub_that_sags_while_sending_takes_no_text_along_and_is_not_reset_modem_by_modem() {
    let mut site = Site::of(&["generic"; 5]).ready();
    let id = site.send(PHONE, "the burst that was too much");
    site.provoke(0, Fault::HubFails);
    assert!(site.until(120, |site| (0..5).all(|modem| site.is_ready(modem))));
    assert_eq!(
        (site.asked(PortAction::UsbReset), site.asked(PortAction::PowerCycle)),
        (0, 0)
    );
    site.seconds(3_600);
    let record = site.record(id);
    assert_eq!(record.status, MessageStatus::Delivered);
    assert!(site.on_air(None).len() == 1 || record.possible_copy);
}

#[test]
fn a_restart_that_takes_the_port_along_is_no_illness() {
    let mut site = Site::of(&["simcom-sim7600"]).ready();
    site.provoke(0, Fault::Restart);
    assert_eq!(site.state(0), ModemState::Absent);
    assert!(site.until(90, |site| site.is_ready(0)));
    assert_eq!(site.actions, []);
    let sent = work(&mut site, 1);
    all_once(&mut site, &sent);
}

#[test]
fn a_quiet_day_sees_no_reset() {
    let mut site = Site::of(&["generic"]).ready();
    let up = site.now.monotonic;
    let sent = work(&mut site, 3);
    site.seconds(24 * 3_600);
    assert_eq!(site.actions, []);
    assert_eq!(site.said_since(0, up, "AT+CFUN="), 0);
    assert_eq!((site.modem(0).restarts, site.modem(0).resets_today), (0, 0));
    all_once(&mut site, &sent);
}

#[test]
fn a_port_that_drops_when_idle_is_taken_up_again_each_time() {
    let mut site = Site::of(&["generic"]).ready();
    for _ in 0..12 {
        site.seconds(1_800);
        site.provoke(0, Fault::PortVanishes);
        assert!(site.until(60, |site| site.is_ready(0)));
    }
    assert_eq!(site.actions, []);
    let sent = work(&mut site, 1);
    all_once(&mut site, &sent);
}

#[test]
fn a_call_is_rejected_and_the_modem_goes_on() {
    let mut site = Site::of(&["generic"]).ready();
    site.provoke(0, Fault::CallComes);
    assert!(
        site.until(12, |site| !site.bank.is_ringing(0)),
        "half a minute is the caller's patience"
    );
    let sent = work(&mut site, 1);
    all_once(&mut site, &sent);
    assert!(site.is_ready(0));
}

#[test]
fn a_modem_dead_until_its_power_is_cut_is_brought_back_so() {
    let mut site = Site::of(&["quectel-ec25", "generic"]).ready();
    site.provoke(0, Fault::DeadUntilPowerCycle);
    let sent = work(&mut site, 2);
    assert!(site.until(1_800, |site| site.is_ready(0)));
    assert!(site.asked(PortAction::UsbReset) >= 1 && site.asked(PortAction::PowerCycle) == 1);
    all_once(&mut site, &sent);
}

#[test]
fn a_modem_that_no_power_brings_back_is_given_up_and_the_others_go_on() {
    let mut site = Site::of(&["generic", "generic"]).ready();
    site.provoke(0, Fault::DeadForEver);
    let sent = work(&mut site, 3);
    site.seconds(3_600);
    let modem = site.modem(0);
    assert!(!site.is_ready(0) && !modem.reason.is_empty(), "{modem:?}");
    assert!(site.asked(PortAction::PowerCycle) <= 4);
    site.seconds(24 * 3_600);
    assert!(
        site.actions.len() < 40,
        "{} steps in a day for a dead modem",
        site.actions.len()
    );
    assert_eq!(site.on_air(Some(1)).len(), 3);
    all_once(&mut site, &sent);
}

#[test]
fn a_flapping_port_is_waited_for() {
    let mut site = Site::of(&["generic", "generic"]).ready();
    site.provoke(0, Fault::PortFlaps);
    let sent = work(&mut site, 2);
    assert!(site.until(300, |site| site.is_ready(0)));
    assert_eq!(site.asked(PortAction::PowerCycle), 0);
    all_once(&mut site, &sent);
}

#[test]
fn a_mute_port_is_woken_by_a_usb_reset() {
    for fault in [Fault::UrcsOnly, Fault::DeadUntilUsbReset] {
        let mut site = Site::of(&["generic"]).ready();
        site.provoke(0, fault);
        assert!(site.until(1_800, |site| !site.is_ready(0)));
        assert!(
            site.until(1_800, |site| site.is_ready(0)),
            "{fault:?}: {:?}",
            site.modem(0)
        );
        assert_eq!(
            (site.asked(PortAction::UsbReset), site.asked(PortAction::PowerCycle)),
            (1, 0),
            "{fault:?}"
        );
        let sent = work(&mut site, 1);
        all_once(&mut site, &sent);
    }
}

#[test]
fn the_first_command_after_sleep_may_be_lost() {
    let mut site = Site::of(&["generic"]).ready();
    for _ in 0..5 {
        site.provoke(0, Fault::FirstLineLost);
        site.seconds(300);
    }
    site.provoke(0, Fault::FirstLineLost);
    let sent = work(&mut site, 1);
    all_once(&mut site, &sent);
    assert!(site.is_ready(0));
}

#[test]
fn octets_spoilt_on_the_line_spoil_no_text() {
    let mut site = Site::of(&["generic"]).ready();
    for _ in 0..6 {
        site.provoke(0, Fault::Noise);
        site.provoke(0, Fault::TornWrite);
    }
    site.provoke(0, Fault::BytesLost);
    let sent = work(&mut site, 3);
    all_once(&mut site, &sent);
    let texts: Vec<_> = site.on_air(None).iter().map(|part| part.text.clone()).collect();
    assert!((0..3).all(|text| texts.contains(&Some(format!("text {text}")))));
}
