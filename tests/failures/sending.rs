//! Sending: what is not known, what the network refuses, what it drops. Entries 34 to 45.

use wardwire_core::modem::{Order, OrderResult, PortAction};
use wardwire_core::queue::state::{MessageStatus, OnUnknown};
use wardwire_core::simulator::Fault;

use crate::site::{PHONE, Site};

fn delivered(site: &mut Site, id: wardwire_core::base::MessageId, within: u64) -> bool {
    site.until(within, |site| site.status(id) == MessageStatus::Delivered)
}

#[test]
fn a_lost_result_is_never_repeated_in_silence() {
    for on_unknown in [OnUnknown::Hold, OnUnknown::Retry] {
        let mut site = Site::of(&["generic", "generic"]).ready();
        site.on_unknown = on_unknown;
        for fault in [Fault::ResultLost, Fault::ReportLost] {
            site.provoke(0, fault);
            site.provoke(1, fault);
        }
        let id = site.send(PHONE, "hello");
        site.seconds(3_600);
        let (record, times) = (site.record(id), site.on_air(None).len());
        match on_unknown {
            OnUnknown::Hold => assert_eq!((record.status, times), (MessageStatus::Unknown, 1)),
            _ => assert!(times == 1 || record.possible_copy, "{times} times"),
        }
    }
}

#[test]
fn an_alarm_whose_answer_stays_away_goes_again_by_another_sim() {
    let mut site = Site::of(&["generic", "generic"]).ready();
    site.provoke(0, Fault::NoCredit);
    let sent: Vec<_> = (0..4).map(|n| site.send(PHONE, &format!("alarm {n}"))).collect();
    site.seconds(3 * 3_600);
    for id in sent {
        assert_eq!(site.status(id), MessageStatus::Delivered);
    }
}

#[test]
fn an_answer_after_two_minutes_is_waited_for() {
    let mut site = Site::of(&["generic"]).ready();
    site.provoke(0, Fault::LateAnswer);
    let id = site.send(PHONE, "hello");
    assert!(delivered(&mut site, id, 300));
    assert_eq!((site.on_air(None).len(), site.record(id).possible_copy), (1, false));
    assert!(site.is_ready(0));
}

/// One of two modems cannot send for this reason; every text goes all the same, and the host's remedies are left alone.
fn passed_over(fault: Fault) {
    let mut site = Site::of(&["generic", "generic"]).ready();
    site.provoke(0, fault);
    let sent: Vec<_> = (0..6)
        .map(|n| {
            let id = site.send(PHONE, &format!("text {n}"));
            site.seconds(120);
            id
        })
        .collect();
    site.seconds(2 * 3_600);
    for id in sent {
        assert_eq!(site.status(id), MessageStatus::Delivered, "{fault:?}");
    }
    assert_eq!(
        (site.on_air(None).len(), site.on_air(Some(1)).len()),
        (6, 6),
        "{fault:?}"
    );
    assert_eq!(
        (site.asked(PortAction::UsbReset), site.asked(PortAction::PowerCycle)),
        (0, 0),
        "{fault:?}"
    );
}

#[test]
fn a_modem_that_finds_no_way_to_send_is_passed_over() {
    passed_over(Fault::NoBearer);
}

#[test]
fn a_sim_that_may_not_send_is_passed_over() {
    passed_over(Fault::Barred);
}

#[test]
fn a_sim_refused_after_its_first_text_is_passed_over() {
    let mut site = Site::of(&["generic", "generic"]).ready();
    let first = site.send(PHONE, "the first");
    assert!(delivered(&mut site, first, 60));
    site.provoke(0, Fault::Barred);
    site.provoke(1, Fault::NetworkRefusal);
    let second = site.send(PHONE, "the second");
    assert!(delivered(&mut site, second, 3_600), "{:?}", site.record(second).status);
    assert_eq!(site.on_air(None).len(), 2);
}

#[test]
fn refused_over_night_is_sent_in_the_morning() {
    let mut site = Site::of(&["generic"]).ready();
    for _ in 0..3 {
        site.provoke(0, Fault::NetworkRefusal);
    }
    let ids: Vec<_> = (0..3).map(|n| site.send(PHONE, &format!("text {n}"))).collect();
    site.seconds(12 * 3_600);
    let open = [MessageStatus::Delivered, MessageStatus::Failed];
    for id in ids {
        assert!(open.contains(&site.status(id)), "{:?}", site.status(id));
    }
    assert!(site.is_ready(0));
}

#[test]
fn silence_without_credit_is_unknown_and_the_next_sim_takes_over() {
    let mut site = Site::of(&["generic", "generic"]).ready();
    site.on_unknown = OnUnknown::Hold;
    site.provoke(0, Fault::NoCredit);
    let mut statuses = Vec::new();
    for n in 0..6 {
        let id = site.send(PHONE, &format!("text {n}"));
        site.seconds(600);
        statuses.push(site.status(id));
    }
    assert!(statuses.contains(&MessageStatus::Delivered));
    let swallowed = statuses
        .iter()
        .filter(|status| **status == MessageStatus::Unknown)
        .count();
    assert_eq!(swallowed + site.on_air(None).len(), 6, "{statuses:?}");
    assert_eq!(site.on_air(Some(0)).len(), 0);
}

#[test]
fn an_odd_stored_profile_holds_up_no_text() {
    passed_over(Fault::OddProfile);
}

#[test]
fn a_denied_sim_is_shown_so_and_the_others_send() {
    let mut site = Site::of(&["generic", "generic"]).ready();
    site.provoke(0, Fault::Denied);
    assert!(site.until(120, |site| !site.is_ready(0)));
    let modem = site.modem(0);
    assert_eq!(modem.registration, "denied");
    assert!(!modem.reason.is_empty());
    let id = site.send(PHONE, "hello");
    assert!(delivered(&mut site, id, 60));
    site.seconds(3_600);
    assert_eq!(
        (site.asked(PortAction::UsbReset), site.asked(PortAction::PowerCycle)),
        (0, 0)
    );
}

#[test]
fn a_denied_sim_is_let_in_again_when_a_person_reads_its_list_of_networks_and_empties_it() {
    let mut site = Site::of(&["generic"]).ready();
    let networks = |site: &mut Site| match site.order(0, Order::ReadForbidden) {
        OrderResult::Networks(networks) => networks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(networks(&mut site), [""; 0]);
    site.provoke(0, Fault::Denied);
    assert!(site.until(120, |site| !site.is_ready(0)));
    assert_eq!(networks(&mut site), ["27299"]);
    assert_eq!(site.order(0, Order::ClearForbidden), OrderResult::Done);
    let id = site.send(PHONE, "hello");
    assert!(delivered(&mut site, id, 300), "{}", site.modem(0).reason);
    assert_eq!(networks(&mut site), [""; 0]);
}

/// Two SIMs, and which of them the person behind [`PHONE`] knows.
fn known_by_one() -> (Site, usize) {
    let mut site = Site::of(&["generic", "generic"]).ready();
    let first = site.send(PHONE, "the first");
    assert!(delivered(&mut site, first, 60));
    let own = usize::from(site.on_air(Some(0)).is_empty());
    (site, own)
}

fn post(site: &mut Site, count: usize) -> Vec<wardwire_core::base::MessageId> {
    let texts = (0..count).map(|n| site.message(PHONE, &format!("text {n}"))).collect();
    site.post(texts)
}

/// How many of these the network has.
fn sent(site: &Site, ids: &[wardwire_core::base::MessageId]) -> usize {
    let done = [MessageStatus::Sent, MessageStatus::Delivered];
    ids.iter().filter(|id| done.contains(&site.status(**id))).count()
}

#[test]
fn a_throttled_sim_gives_what_its_people_wait_for_to_others_at_once_and_comes_back_by_one_trial() {
    let (mut site, own) = known_by_one();
    // Refused with one of the causes that operators use against what they take for spam, whatever is sent.
    site.provoke(own, Fault::Barred);
    let from = site.now.monotonic;
    let ids = post(&mut site, 20);
    assert!(site.until(28, |site| sent(site, &ids) == 20), "{}", sent(&site, &ids));
    assert_eq!(site.on_air(Some(1 - own)).len(), 20);
    assert_eq!(
        site.said_since(own, from, "AT+CMGS="),
        3,
        "three in a row, and it rests"
    );

    // After half a minute it tries one; refused again, it rests for a minute, while the text goes by the other.
    site.seconds(20);
    let from = site.now.monotonic;
    let ids = post(&mut site, 6);
    assert!(site.until(20, |site| sent(site, &ids) == 6));
    assert_eq!(site.said_since(own, from, "AT+CMGS="), 1);
    assert!(!site.is_ready(own));

    // The operator thinks better of it: nobody knows before the next trial.
    site.bank.cure(site.now, own);
    let from = site.now.monotonic;
    let ids = post(&mut site, 6);
    assert!(site.until(20, |site| sent(site, &ids) == 6));
    assert_eq!(site.said_since(own, from, "AT+CMGS="), 0);
    site.seconds(60);
    assert!(!site.is_ready(own));
    let ids = post(&mut site, 10);
    assert!(site.until(8, |site| sent(site, &ids) == 10), "both send again");
    assert!(site.is_ready(own));
}

#[test]
fn what_its_people_wait_for_goes_by_others_at_once_when_a_sim_loses_its_network() {
    for fault in [Fault::RegistrationLost, Fault::Denied] {
        let (mut site, own) = known_by_one();
        site.provoke(own, fault);
        let ids = post(&mut site, 10);
        // The text that was on its way may have gone; what became of it is waited for.
        assert!(
            site.until(15, |site| sent(site, &ids) >= 9),
            "{fault:?}: {}",
            sent(&site, &ids)
        );
        assert!(site.on_air(Some(1 - own)).len() >= 9, "{fault:?}");
        assert!(!site.is_ready(own), "{fault:?}");
    }
}
