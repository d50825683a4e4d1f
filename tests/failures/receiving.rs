//! Receiving and delivery reports. Entries 46 to 52, and what else comes in that is no answer of a patient.

use wardwire_core::modem::PortAction;
use wardwire_core::queue::state::MessageStatus;
use wardwire_core::simulator::{Bank, Fault, Special};

use crate::site::{PHONE, Site};

#[test]
fn a_full_storage_is_emptied_at_start_and_nothing_is_lost() {
    for model in ["generic", "simcom-sim800", "huawei-e3372"] {
        let fill = |bank: &mut Bank| {
            for n in 0..70 {
                let from = format!("+3538712345{n:02}");
                bank.inject(wardwire_core::base::Now::default(), 0, &from, &format!("answer {n}"))
                    .expect("a sample fits");
            }
        };
        let mut site = Site::with(&[model], None, fill).ready();
        assert!(
            site.until(900, |site| site.texts().len() == 70),
            "{model}: {}",
            site.texts().len()
        );
        site.inbound(0, "one more");
        assert!(
            site.until(60, |site| site.texts().contains(&"one more".to_owned())),
            "{model}"
        );
        assert_eq!(site.count("deleted"), 71, "{model}");
    }
}

#[test]
fn a_notice_names_the_memory_that_is_read() {
    let mut site = Site::of(&["generic"]).ready();
    site.provoke(0, Fault::WrongMemory);
    site.inbound(0, "on the card");
    assert!(site.until(10, |site| site.texts() == ["on the card"]));
    site.inbound(0, "in the device");
    assert!(site.until(10, |site| site.texts().len() == 2));
    assert_eq!(site.count("deleted"), 2);
}

#[test]
fn what_comes_in_does_not_wait_behind_the_texts_that_go_out() {
    for model in ["generic", "telit-le910", "simcom-sim800", "huawei-e3372"] {
        let mut site = Site::of(&[model]).ready();
        for _ in 0..60 {
            site.send(PHONE, "a broadcast");
        }
        assert!(site.until(60, |site| site.on_air(None).len() >= 3), "{model}");
        site.inbound(0, "STOP");
        let before = site.on_air(None).len();
        assert!(site.until(200, |site| site.texts() == ["STOP"]), "{model}");
        let between = site.on_air(None).len() - before;
        assert!(between <= 2, "{model}: {between} texts went first");
        assert!(site.until(200, |site| site.on_air(None).len() == 60), "{model}");
    }
}

#[test]
fn a_notice_that_never_comes_is_not_needed() {
    let mut site = Site::of(&["generic"]).ready();
    site.provoke(0, Fault::NoticesStop);
    site.inbound(0, "hello");
    assert!(site.until(600, |site| site.texts() == ["hello"]));
}

#[test]
fn a_message_that_cannot_be_deleted_is_listed_once() {
    let mut site = Site::of(&["generic"]).ready();
    for _ in 0..3 {
        site.provoke(0, Fault::DeleteFails);
    }
    site.inbound(0, "again and again");
    site.seconds(3 * 3_600);
    assert_eq!(site.texts(), ["again and again"]);
    assert_eq!(site.count("deleted"), 1, "and goes in the end");
}

#[test]
fn an_ec25_gets_its_reports() {
    let mut site = Site::of(&["quectel-ec25"]).ready();
    let id = site.send(PHONE, "hello");
    assert!(site.until(60, |site| site.status(id) == MessageStatus::Delivered));
    assert_eq!(
        site.said(0, "AT+CNMI=2,1,0,2"),
        0,
        "reports that are stored go where nobody finds them"
    );
}

#[test]
fn reports_in_a_storage_of_their_own_are_read() {
    for model in ["odd", "sierra-mc7455"] {
        let mut site = Site::of(&[model]).ready();
        let id = site.send(PHONE, "hello");
        assert!(
            site.until(900, |site| site.status(id) == MessageStatus::Delivered),
            "{model}: {:?}",
            site.status(id)
        );
        assert_eq!(site.texts(), [""; 0], "{model}: a report is no text");
    }
}

#[test]
fn a_report_that_differs_in_form_is_still_the_one() {
    for fault in [
        Fault::ReportNational,
        Fault::ReportClockOff,
        Fault::WrongReference,
        Fault::ReportEarly,
        Fault::ReportTwice,
    ] {
        let mut site = Site::of(&["generic"]).ready();
        site.provoke(0, fault);
        let id = site.send(PHONE, "hello");
        site.seconds(1_200);
        let status = site.status(id);
        let known =
            status == MessageStatus::Delivered || (fault == Fault::WrongReference && status == MessageStatus::Sent);
        assert!(known, "{fault:?}: {status:?}");
        assert_eq!(site.on_air(None).len(), 1, "{fault:?}");
    }
}

#[test]
fn a_modem_that_is_deaf_until_its_storages_were_changed_hears_after_bring_up() {
    let mut site = Site::of(&["foxconn-t77w968"]).ready();
    site.inbound(0, "hello");
    assert!(site.until(60, |site| site.texts() == ["hello"]));
    site.provoke(0, Fault::Restart);
    assert!(site.until(120, |site| !site.is_ready(0)) && site.until(120, |site| site.is_ready(0)));
    site.inbound(0, "again");
    assert!(site.until(60, |site| site.texts().len() == 2));
}

#[test]
fn what_is_no_text_is_kept_and_deleted_and_is_no_answer() {
    for special in [
        Special::Flash("evacuate".to_owned()),
        Special::ForSim("for the card".to_owned()),
        Special::Waiting { active: true },
        Special::WapPush,
        Special::MmsNotice,
        Special::TypeZero,
        Special::Binary {
            port: 16_000,
            octets: vec![0, 0x1A, 0x1B, 0xFF],
        },
    ] {
        let mut site = Site::of(&["generic"]).ready();
        site.bank
            .inject_special(site.now, 0, PHONE, &special)
            .expect("a sample fits");
        site.seconds(60);
        assert_eq!(
            site.count("deleted"),
            1,
            "{special:?}: it was put on disk and taken from the modem"
        );
        site.inbound(0, "a real answer");
        assert!(
            site.until(60, |site| site.texts().contains(&"a real answer".to_owned())),
            "{special:?}"
        );
        assert!(site.is_ready(0), "{special:?}");
    }
}

#[test]
fn a_locked_sim_is_opened_once_and_a_wrong_pin_is_never_repeated() {
    let lock = |bank: &mut Bank| bank.lock_sim(wardwire_core::base::Now::default(), 0, "4711", 3);
    let site = Site::with(&["generic"], Some("4711"), lock).ready();
    assert_eq!(site.bank.tries_left(0), Some((3, 10)));
    assert_eq!(site.said(0, "AT+CPIN="), 1);
    let mut site = Site::with(&["generic"], Some("0000"), lock);
    site.seconds(300);
    assert_eq!((site.bank.tries_left(0), site.said(0, "AT+CPIN=")), (Some((2, 10)), 1));
    for _ in 0..5 {
        site.bank.power_cycle(site.now, 0);
        site.seconds(300);
    }
    assert_eq!(
        (site.bank.tries_left(0), site.said(0, "AT+CPIN=")),
        (Some((2, 10)), 1),
        "{:?}",
        site.modem(0)
    );
}

#[test]
fn a_modem_whose_text_to_itself_does_not_arrive_is_helped_at_once() {
    let mut site = Site::of(&["generic"]).ready();
    let before = site.said(0, "AT+CNMI=?");
    site.loopback_in_vain(0);
    site.seconds(200);
    assert_eq!((site.said(0, "AT+CNMI=?"), site.is_ready(0)), (before, true));
    // The test runs out: the modem is set up anew, radio and restart follow if that does not help.
    site.seconds(200);
    assert!(site.said(0, "AT+CNMI=?") > before, "{:?}", site.modem(0));
    site.inbound(0, "Y");
    site.seconds(60);
    assert_eq!((site.is_ready(0), site.modem(0).reason.as_str()), (true, ""));
}

#[test]
fn a_modem_that_sends_and_hears_nothing_is_noticed_and_helped() {
    let mut site = Site::of(&["generic"]).ready();
    site.provoke(0, Fault::Deaf);
    let before = site.said(0, "AT+CFUN=4");
    let mut sent = Vec::new();
    for n in 0..30 {
        sent.push(site.send(PHONE, &format!("text {n}")));
        site.seconds(100);
    }
    assert!(site.said(0, "AT+CFUN=4") > before, "{:?}", site.modem(0));
    // It hears again: what is sent now is reported, and the suspicion is gone.
    let heard = site.send(PHONE, "is anybody there?");
    assert!(site.until(600, |site| site.status(heard) == MessageStatus::Delivered));
    assert_eq!((site.is_ready(0), site.modem(0).reason.as_str()), (true, ""));
    for id in sent {
        assert!(matches!(
            site.status(id),
            MessageStatus::Sent | MessageStatus::Delivered
        ));
    }
    assert_eq!(site.asked(PortAction::UsbReset), 0);
}
