//! What is done to the modems of a bank, and what lasts until it is.

use super::*;

fn one() -> Driver {
    Driver::one(Faults::none()).set_up()
}

fn provoked(fault: Fault) -> Driver {
    let mut driver = one();
    driver.bank.provoke(driver.now, 0, fault);
    driver.collect();
    driver
}

#[test]
fn each_death_has_its_remedy() {
    for (fault, usb_helps, power_helps) in [
        (Fault::DeadUntilUsbReset, true, true),
        (Fault::UrcsOnly, true, true),
        (Fault::DeadUntilPowerCycle, false, true),
        (Fault::DeadForEver, false, false),
    ] {
        let mut driver = provoked(fault);
        driver.expect("AT", "");
        driver.bank.usb_reset(driver.now, 0);
        driver.seconds(10);
        assert_eq!(driver.ask("AT").contains("OK"), usb_helps, "{fault:?}");
        driver.bank.power_cycle(driver.now, 0);
        driver.seconds(30);
        driver.heard(0);
        assert_eq!(driver.ask("AT").contains("OK"), power_helps, "{fault:?}");
        let back = driver
            .events
            .iter()
            .filter(|event| **event == BankEvent::PortBack(0))
            .count();
        assert_eq!(back, if power_helps { 2 } else { 1 }, "{fault:?}");
        driver.bank.cure(driver.now, 0);
        driver.seconds(30);
        driver.heard(0);
        assert!(driver.ask("AT").contains("OK"), "{fault:?}");
    }
}

#[test]
fn what_the_network_does_to_a_sim_lasts() {
    let mut driver = provoked(Fault::NoCredit);
    driver.send(PHONE, "hello");
    driver.seconds(600);
    assert_eq!((driver.heard(0).as_str(), driver.accepted().len()), ("", 0));
    let mut driver = provoked(Fault::SilentDrop);
    assert!(driver.send(PHONE, "hello").contains("+CMGS: "));
    assert_eq!(driver.accepted().len(), 0);
    driver.seconds(3 * 3_600);
    driver.send(PHONE, "hello");
    assert_eq!(driver.accepted().len(), 1);
    let mut driver = provoked(Fault::Barred);
    driver.send(PHONE, "hello");
    driver.send(PHONE, "hello");
    let causes: Vec<_> = driver
        .journal
        .iter()
        .filter(|event| event.what.name() == "refused")
        .collect();
    assert!(causes.len() == 2 && causes[0].what == causes[1].what);
}

#[test]
fn a_denied_sim_is_let_in_when_the_list_is_cleared_and_the_radio_was_off() {
    let mut driver = provoked(Fault::Denied);
    driver.expect("AT+CREG?", "\r\n+CREG: 0,3\r\n\r\nOK\r\n");
    driver.ask("AT+CFUN=4");
    driver.ask("AT+CFUN=1");
    driver.expect("AT+CREG?", "\r\n+CREG: 0,3\r\n\r\nOK\r\n");
    assert!(driver.ask("AT+CRSM=176,28539,0,0,12").contains("\"72F299FF"));
    let cleared = format!("AT+CRSM=214,28539,0,0,12,\"{}\"", "FF".repeat(12));
    driver.expect(&cleared, "\r\n+CRSM: 144,0\r\n\r\nOK\r\n");
    driver.expect("AT+CREG?", "\r\n+CREG: 0,3\r\n\r\nOK\r\n");
    driver.ask("AT+CFUN=4");
    driver.ask("AT+CFUN=1");
    driver.expect("AT+CREG?", "\r\n+CREG: 0,1\r\n\r\nOK\r\n");
}

#[test]
fn a_deaf_modem_hears_again_after_its_remedy() {
    for (fault, remedy) in [
        (Fault::Deaf, "AT+CFUN=4;+CFUN=1"),
        (
            Fault::DeafUntilToggled,
            "AT+CPMS=\"SM\",\"SM\",\"SM\";+CPMS=\"ME\",\"ME\",\"ME\"",
        ),
    ] {
        let mut driver = provoked(fault);
        driver.bank.inject(driver.now, 0, PHONE, "hi").unwrap();
        driver.seconds(3_600);
        assert_eq!(driver.count("stored"), 0, "{fault:?}");
        assert!(driver.send(PHONE, "it sends").contains("+CMGS"), "{fault:?}");
        driver.ask(remedy);
        driver.collect();
        assert_eq!(driver.count("stored"), 1, "{fault:?}");
    }
}

#[test]
fn a_poisoned_command_is_never_answered_and_the_others_are() {
    let mut driver = provoked(Fault::PoisonCommand);
    driver.expect("AT+CSQ", "");
    driver.seconds(600);
    driver.expect("AT+CSQ", "");
    assert!(driver.ask("AT+CREG?").contains("OK"));
    driver.ask("AT+CFUN=1,1");
    driver.seconds(60);
    assert!(driver.ask("AT+CSQ").contains("+CSQ: "));
}

#[test]
fn a_call_rings_until_it_is_ended_or_given_up() {
    let mut driver = one();
    driver.ask("AT+CLIP=1");
    driver.bank.call(driver.now, 0, PHONE);
    driver.seconds(7);
    let said = driver.heard(0);
    assert_eq!((said.matches("RING").count(), said.matches("+CLIP: ").count()), (2, 2));
    driver.ask("AT+CHUP");
    driver.seconds(60);
    assert!(!driver.heard(0).contains("RING") && !driver.bank.is_ringing(0));
    driver.bank.call(driver.now, 0, PHONE);
    driver.seconds(60);
    assert_eq!(driver.heard(0).matches("RING").count(), 6);
}

#[test]
fn swapped_cards_take_their_numbers_along() {
    let mut driver = Driver::new(Options::default());
    let before: Vec<_> = (0..2)
        .map(|modem| driver.bank.identity(modem).unwrap().clone())
        .collect();
    driver.bank.swap_sims(driver.now, 0, 1);
    driver.seconds(30);
    let after: Vec<_> = (0..2)
        .map(|modem| driver.bank.identity(modem).unwrap().clone())
        .collect();
    assert_eq!(
        (&after[0].iccid, &after[0].number, &after[0].imei),
        (&before[1].iccid, &before[1].number, &before[0].imei)
    );
    assert_eq!((&after[1].imsi, &after[1].imei), (&before[0].imsi, &before[1].imei));
}

#[test]
fn one_hub_fails_and_the_other_does_not() {
    let mut driver = Driver::new(Options {
        modems: 6,
        ..Options::default()
    });
    driver.bank.provoke(driver.now, 1, Fault::HubFails);
    driver.seconds(30);
    let gone: Vec<_> = driver
        .events
        .iter()
        .filter(|event| matches!(event, BankEvent::PortGone(_)))
        .collect();
    assert_eq!(gone.len(), 4);
    assert_eq!(driver.events.len(), 8, "all come back");
}

#[test]
fn a_flapping_port_goes_again_and_again_and_stays_in_the_end() {
    let mut driver = provoked(Fault::PortFlaps);
    driver.seconds(120);
    let gone = driver
        .events
        .iter()
        .filter(|event| **event == BankEvent::PortGone(0))
        .count();
    assert_eq!((gone, driver.events.len()), (7, 14));
    driver.bank.unplug(0);
    driver.seconds(600);
    assert_eq!(driver.events.len(), 14);
    driver.collect();
    assert_eq!(driver.events.last(), Some(&BankEvent::PortGone(0)));
    driver.bank.plug(driver.now, 0);
    driver.seconds(30);
    assert_eq!(driver.events.last(), Some(&BankEvent::PortBack(0)));
}

#[test]
fn special_messages_come_where_the_standard_says() {
    let mut driver = one();
    for (special, memory) in [
        (Special::Flash("now".into()), "ME"),
        (Special::ForSim("for the card".into()), "SM"),
        (Special::Waiting { active: true }, "ME"),
        (Special::WapPush, "ME"),
        (Special::MmsNotice, "ME"),
        (Special::TypeZero, "ME"),
        (
            Special::Binary {
                port: 5_000,
                octets: Vec::from([0, 1, 0x1A, 0x1B]),
            },
            "ME",
        ),
    ] {
        driver.bank.inject_special(driver.now, 0, PHONE, &special).unwrap();
        driver.collect();
        let said = driver.heard(0);
        assert!(said.contains(&format!("+CMTI: \"{memory}\"")), "{special:?}: {said}");
    }
    let unknown = driver
        .bank
        .inject_special(driver.now, 0, "a sender too long", &Special::WapPush);
    assert_eq!(unknown, Err(NotInjected::NotAMessage));
}

#[test]
fn small_mishaps_wait_for_their_opportunity_and_happen_once() {
    let mut driver = provoked(Fault::DeleteFails);
    driver.bank.inject(driver.now, 0, PHONE, "hi").unwrap();
    driver.collect();
    driver.heard(0);
    driver.expect("AT+CMGD=1", "\r\nOK\r\n");
    assert!(driver.ask("AT+CMGR=1").contains("+CMGR"));
    driver.ask("AT+CMGD=1");
    driver.expect("AT+CMGR=1", "\r\nOK\r\n");
    let mut driver = provoked(Fault::WrongMemory);
    driver.bank.inject(driver.now, 0, PHONE, "hi").unwrap();
    driver.collect();
    assert!(driver.heard(0).contains("+CMTI: \"SM\",1"));
    let mut driver = provoked(Fault::BytesLost);
    assert!(driver.send(PHONE, "hello").contains("+CMS ERROR: 304"));
    assert!(driver.send(PHONE, "hello").contains("+CMGS"));
    let mut driver = provoked(Fault::RadioAnswerLost);
    driver.expect("AT+CFUN=4", "");
    driver.seconds(31);
    driver.expect("AT+CFUN?", "\r\n+CFUN: 4\r\n\r\nOK\r\n");
    let mut driver = provoked(Fault::StartsRadioOff);
    driver.ask("AT+CFUN=1,1");
    driver.seconds(60);
    assert!(driver.ask("AT+CFUN?").contains("+CFUN: 4"));
    let mut driver = provoked(Fault::FirstLineLost);
    driver.seconds(31);
    driver.expect("AT", "");
    driver.expect("AT", "\r\nOK\r\n");
}
