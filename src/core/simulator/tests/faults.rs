//! Every mishap, each alone and at every opportunity; then all of them at once.

use proptest::prelude::*;

use std::vec;

use super::*;

const MODEM_FAULTS: [Fault; 4] = [
    Fault::Restart,
    Fault::PortVanishes,
    Fault::Hang,
    Fault::RegistrationLost,
];

fn always(fault: Fault) -> Driver {
    let mut driver = Driver::one(Faults::none()).set_up();
    driver.bank.set_faults(Faults::none().with(fault, 1_000));
    driver
}

/// What came in within so many seconds.
fn within(driver: &mut Driver, seconds: u64) -> String {
    driver.seconds(seconds);
    driver.heard(0)
}

/// The status reports' references and states, in the order of their coming.
fn reported(driver: &Driver) -> Vec<(bool, u8)> {
    let all = driver.journal.iter().map(|event| &event.what);
    all.filter_map(|what| {
        let Air::Reported { submission, tp_st, .. } = what else {
            return None;
        };
        Some((submission.is_some(), *tp_st))
    })
    .collect()
}

#[test]
fn every_fault_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = Fault::ALL.iter().map(|fault| fault.as_str()).collect();
    assert_eq!(names.len(), Fault::ALL.len());
    for fault in Fault::ALL {
        assert_eq!(fault.as_str().parse(), Ok(fault));
        assert_eq!(Faults::none().with(fault, 2_000).per_mille(fault), 1_000);
        assert_eq!(Faults::all(7).with(fault, 9).per_mille(fault), 9);
        assert_eq!(Faults::all(7).per_mille(fault), if fault.lasts() { 0 } else { 7 });
        assert_eq!(
            Faults::none().with_lasting(7).per_mille(fault),
            if fault.lasts() { 7 } else { 0 }
        );
    }
    assert_eq!("tea-spilt".parse::<Fault>(), Err(UnknownFault));
}

#[test]
fn a_lost_result_is_accepted_and_the_modem_goes_on() {
    let mut driver = always(Fault::ResultLost);
    assert_eq!(driver.send(PHONE, "hello"), "\r\n> ");
    assert_eq!(driver.accepted().len(), 1);
    driver.expect("AT", "\r\nOK\r\n");
    let later = within(&mut driver, 600);
    assert!(later.contains("+CDS: ") && !later.contains("+CMGS"), "{later}");
}

#[test]
fn an_error_after_acceptance_is_still_accepted() {
    let mut driver = always(Fault::ErrorAfterAcceptance);
    driver.send(PHONE, "hello");
    assert!(within(&mut driver, 60).contains("\r\n+CMS ERROR: 500\r\n"));
    assert_eq!(driver.accepted().len(), 1);
}

#[test]
fn a_network_refusal_is_not_accepted() {
    let mut driver = always(Fault::NetworkRefusal);
    let answer = driver.send(PHONE, "hello");
    let code: u16 = answer.split("ERROR: ").nth(1).unwrap().trim().parse().unwrap();
    assert!(code < 300, "{code}");
    assert_eq!((driver.accepted().len(), driver.count("refused")), (0, 1));
    assert_eq!(within(&mut driver, 600), "");
}

#[test]
fn a_local_refusal_comes_before_the_prompt() {
    let mut driver = always(Fault::LocalRefusal);
    let answer = driver.ask("AT+CMGS=22");
    assert!(
        answer.starts_with("\r\n+CMS ERROR: ") && !answer.contains('>'),
        "{answer}"
    );
    driver.expect("AT", "\r\nOK\r\n");
}

#[test]
fn a_lost_prompt_swallows_commands_until_escape() {
    let mut driver = always(Fault::PromptLost);
    driver.expect("AT+CMGS=22", "");
    driver.expect("AT", "");
    driver.write(0, "\x1b");
    assert_eq!(driver.heard(0), "\r\nOK\r\n");
    driver.expect("AT", "\r\nOK\r\n");
}

#[test]
fn a_lost_ctrl_z_leaves_the_modem_collecting() {
    let mut driver = always(Fault::CtrlZLost);
    assert_eq!(driver.send(PHONE, "hello"), "\r\n> ");
    assert_eq!(within(&mut driver, 600), "");
    driver.bank.set_faults(Faults::none());
    // The end comes after all: what was collected is whole.
    driver.write(0, "\x1a");
    assert!(driver.heard(0).contains("+CMGS: 1"));
}

#[test]
fn a_late_answer_comes_late_and_bytes_wait_for_it() {
    let mut driver = always(Fault::LateAnswer);
    driver.send(PHONE, "hello");
    driver.write(0, "AT\r");
    assert!(!within(&mut driver, 29).contains("+CMGS"));
    let late = within(&mut driver, 130);
    assert!(late.contains("+CMGS: 1\r\n\r\nOK\r\n\r\nOK\r\n"), "{late}");
}

#[test]
fn a_wrong_reference_is_not_the_one_that_is_reported() {
    let mut driver = always(Fault::WrongReference);
    assert!(!driver.send(PHONE, "hello").contains("+CMGS: 1\r"));
    assert_eq!(driver.accepted()[0].tp_mr, 1);
}

#[test]
fn a_line_stands_in_the_middle_of_an_answer() {
    let mut driver = always(Fault::UrcInAnswer);
    let answer = driver.ask("AT+CSQ");
    let lines: Vec<&str> = answer.split("\r\n").filter(|line| !line.is_empty()).collect();
    assert_eq!((lines.len(), lines[0], lines[2]), (3, "+CSQ: 14,99", "OK"));
}

#[test]
fn noise_precedes_an_answer() {
    let mut driver = always(Fault::Noise);
    driver.write(0, "AT\r");
    let heard = core::mem::take(&mut driver.heard[0]);
    assert!(
        heard.ends_with(b"\r\nOK\r\n") && heard.len() > 6 && heard[0] >= 0x80,
        "{heard:?}"
    );
}

#[test]
fn a_slow_answer_keeps_the_modem_busy() {
    let mut driver = always(Fault::SlowAnswer);
    driver.expect("AT+CSQ", "");
    driver.expect("AT", "");
    assert_eq!(within(&mut driver, 4), "\r\n+CSQ: 14,99\r\n\r\nOK\r\n\r\nOK\r\n");
}

#[test]
fn a_torn_answer_comes_whole_but_in_pieces() {
    let mut driver = always(Fault::TornWrite);
    let at_once = driver.ask("AT+CSQ");
    driver.seconds(1);
    let later = driver.heard(0);
    assert_eq!(format!("{at_once}{later}"), "\r\n+CSQ: 14,99\r\n\r\nOK\r\n");
    assert!(!later.is_empty());
}

#[test]
fn the_echo_returns() {
    let mut driver = always(Fault::EchoReturns);
    let echoed = (0..1_000).any(|_| driver.ask("AT").starts_with("AT\r"));
    assert!(echoed);
}

#[test]
fn a_restart_forgets_settings_and_tells_its_boot() {
    let mut driver = always(Fault::Restart);
    driver.send(PHONE, "hello");
    driver.bank.set_faults(Faults::none());
    driver.expect("AT", "");
    let boot = within(&mut driver, 20);
    for line in ["\r\nRDY\r\n", "+CFUN: 1", "+CPIN: READY", "SMS Ready"] {
        assert!(boot.contains(line), "{boot}");
    }
    assert!(!boot.contains("+CMGS"));
    driver.expect("AT", "AT\r\r\nOK\r\n");
    assert!(driver.ask("AT+CNMI?").contains("+CNMI: 0,0,0,0,0"));
}

#[test]
fn a_restarted_modem_needs_time_for_its_sim_and_its_messages() {
    for seed in 0..20 {
        let mut driver = Driver::new(Options {
            modems: 1,
            seed,
            ..Options::default()
        });
        driver.ask("AT+CFUN=1,1");
        while driver.heard(0).is_empty() {
            driver.pass(Duration::from_millis(10));
        }
        driver.ask("ATE0;+CMEE=1");
        // The network may have it by then; it brings nothing before the message service is up.
        driver.bank.inject(driver.now, 0, PHONE, "too early").unwrap();
        driver.expect("AT+CPIN?", "\r\n+CME ERROR: 14\r\n");
        driver.expect("AT+CIMI", "\r\n+CME ERROR: 14\r\n");
        driver.expect("AT+CMGF=0", "\r\n+CMS ERROR: 314\r\n");
        driver.expect("AT+CMGS=22", "\r\n+CMS ERROR: 314\r\n");
        while !driver.heard(0).contains("SMS Ready") {
            assert_eq!(driver.count("stored"), 0);
            driver.pass(Duration::from_millis(10));
        }
        driver.seconds(20);
        assert_eq!(driver.count("stored"), 1);
        driver.heard(0);
        driver.expect("AT+CMGF=0", "\r\nOK\r\n");
    }
}

#[test]
fn what_was_to_be_said_before_a_restart_is_not_said_after_it() {
    let mut driver = always(Fault::SlowAnswer);
    driver.expect("AT+CFUN=1,1", "");
    driver.bank.set_faults(Faults::none());
    assert!(within(&mut driver, 20).starts_with("\r\nRDY\r\n"));
}

#[test]
fn a_broken_submission_may_be_accepted_or_not() {
    for fault in MODEM_FAULTS {
        let outcomes: std::collections::BTreeSet<usize> = (0..40)
            .map(|seed| {
                let faults = Faults::none().with(fault, 1_000);
                let mut driver = Driver::new(Options {
                    modems: 1,
                    seed,
                    ..Options::default()
                })
                .set_up();
                driver.bank.set_faults(faults);
                // An ordinary command may meet it too; then there is no prompt.
                let (line, length) = pdus(PHONE, "hello").remove(0);
                let prompted = driver.ask(&format!("AT+CMGS={length}")).ends_with("> ");
                driver.write(0, &format!("{line}\x1a"));
                assert!(!driver.heard(0).contains("+CMGS:"), "{fault:?}");
                if prompted { driver.accepted().len() } else { 0 }
            })
            .collect();
        assert_eq!(outcomes, [0, 1].into(), "{fault:?}");
    }
}

#[test]
fn a_port_vanishes_and_comes_back() {
    let mut driver = always(Fault::PortVanishes);
    driver.send(PHONE, "hello");
    assert_eq!(driver.events, [BankEvent::PortGone(0)]);
    driver.bank.set_faults(Faults::none());
    driver.expect("AT", "");
    driver.seconds(10);
    assert_eq!(driver.events, [BankEvent::PortGone(0), BankEvent::PortBack(0)]);
    assert!(driver.ask("AT").contains("OK"));
}

#[test]
fn a_hung_modem_wakes_as_it_was() {
    let mut driver = always(Fault::Hang);
    driver.send(PHONE, "hello");
    driver.bank.set_faults(Faults::none());
    driver.expect("AT", "");
    driver.bank.inject(driver.now, 0, PHONE, "anybody there?").unwrap();
    driver.collect();
    assert_eq!(driver.heard(0), "");
    assert!(within(&mut driver, 60).contains("+CMTI: "));
    driver.expect("AT+CNMI?", "\r\n+CNMI: 2,1,0,1,0\r\n\r\nOK\r\n");
}

#[test]
fn a_lost_registration_is_told_and_comes_back() {
    let mut driver = Driver::one(Faults::none()).set_up();
    driver.ask("AT+CREG=1");
    driver
        .bank
        .set_faults(Faults::none().with(Fault::RegistrationLost, 1_000));
    let said = driver.send(PHONE, "hello");
    driver.bank.set_faults(Faults::none());
    let said = said + &within(&mut driver, 61);
    let places = ["+CREG: 2", "+CMS ERROR: 332", "+CREG: 1"].map(|line| said.find(line));
    assert!(
        places[0].is_some() && places[1].is_some() && places[2].is_some(),
        "{said}"
    );
    assert!(driver.send(PHONE, "hello").contains("+CMGS: "));
}

#[test]
fn a_notice_comes_twice_or_not_at_all() {
    for (fault, times) in [(Fault::NoticeTwice, 2), (Fault::NoticeLost, 0)] {
        let mut driver = always(fault);
        driver.bank.inject(driver.now, 0, PHONE, "hi").unwrap();
        driver.collect();
        assert_eq!(driver.heard(0), "\r\n+CMTI: \"ME\",1\r\n".repeat(times));
        assert!(driver.ask("AT+CMGL=4").contains("+CMGL: 1,0,,"));
    }
}

#[test]
fn a_full_storage_makes_the_network_wait() {
    let mut driver = always(Fault::StorageFull);
    driver.bank.inject(driver.now, 0, PHONE, "hi").unwrap();
    driver.collect();
    assert_eq!(within(&mut driver, 29), "");
    assert!(within(&mut driver, 120).contains("+CMTI: "));
}

#[test]
fn reports_go_every_way_there_is() {
    for (fault, expected) in [
        (Fault::ReportLost, vec![]),
        (Fault::ReportTwice, vec![(true, 0), (true, 0)]),
        (Fault::ReportForeign, vec![(false, 0), (true, 0)]),
        (Fault::ReportInterim, vec![(true, 0x20), (true, 0)]),
    ] {
        let mut driver = always(fault);
        driver.send(PHONE, "hello");
        driver.seconds(60);
        assert_eq!(reported(&driver), expected, "{fault:?}");
        assert_eq!(driver.count("report_lost"), usize::from(fault == Fault::ReportLost));
    }
    let mut driver = always(Fault::Undeliverable);
    driver.send(PHONE, "hello");
    driver.seconds(60);
    assert!(matches!(reported(&driver)[..], [(true, 0x40..)]));
}

#[test]
fn an_early_report_precedes_its_result() {
    let mut driver = always(Fault::ReportEarly);
    let said = driver.send(PHONE, "hello");
    assert!(
        said.find("+CDS: ") < said.find("+CMGS: ") && said.contains("+CDS: "),
        "{said}"
    );
}

/// A day's work with everything going wrong: all that was said and all that the air saw.
fn eventful(seed: u64) -> (Vec<Vec<u8>>, Vec<AirEvent>) {
    let latency = Duration::from_millis(500);
    let faults = Faults::all(50);
    let mut driver = Driver::new(Options {
        modems: 3,
        seed,
        latency,
        faults,
        ..Options::default()
    });
    let mut said: Vec<Vec<u8>> = (0..3).map(|_| Vec::new()).collect();
    for round in 0..40 {
        for modem in 0..3 {
            let (line, length) = pdus(PHONE, "Reply Y").remove(0);
            driver.write(modem, "AT+CNMI=2,1,0,1,0\r");
            driver.pass(Duration::from_millis(300));
            driver.write(modem, &format!("AT+CMGS={length}\r"));
            driver.pass(Duration::from_millis(300));
            driver.write(modem, &format!("{line}\x1a"));
            if round % 7 == 0 {
                driver.bank.inject(driver.now, modem, PHONE, "in between").unwrap();
            }
        }
        driver.seconds(20);
        for (all, heard) in said.iter_mut().zip(&mut driver.heard) {
            all.append(heard);
        }
    }
    (said, driver.journal)
}

#[test]
fn the_same_seed_tells_the_same_story_to_the_byte() {
    let first = eventful(11);
    assert_eq!(first, eventful(11));
    assert_ne!(first, eventful(12));
    let met: std::collections::BTreeSet<Fault> = first
        .1
        .iter()
        .filter_map(|event| {
            if let Air::Fault(fault) = event.what {
                Some(fault)
            } else {
                None
            }
        })
        .collect();
    let passing = Fault::ALL.into_iter().filter(|fault| !fault.lasts()).count();
    assert!(met.len() > passing * 2 / 3, "{met:?}");
    assert!(met.iter().all(|fault| !fault.lasts()), "{met:?}");
}

proptest! {
    /// Whatever a driver says and whatever goes wrong, the bank goes on, keeps its bounds, and is at rest in the end.
    #[test]
    fn nothing_a_driver_says_breaks_the_bank(
        seed in any::<u64>(),
        rate in 0..200_u16,
        said in proptest::collection::vec((0..2_usize, prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..40),
            "(AT)?[+&]?[A-Z]{1,5}[=?]{0,2}[0-9,\"]{0,8}[\r\x1a\x1b;]".prop_map(String::into_bytes),
            Just(b"AT+CMGS=22\r".to_vec()),
            Just(b"AT+CMGL=4\r".to_vec()),
            Just(b"\x1a".to_vec()),
        ], 0..3_000_u64), 0..40),
    ) {
        let mut driver = Driver::new(Options { modems: 2, seed, faults: Faults::all(rate), ..Options::default() });
        for (modem, bytes, millis) in said {
            driver.bank.handle_input(driver.now, modem, &bytes);
            driver.collect();
            let _ = driver.bank.inject(driver.now, modem, PHONE, "hi");
            driver.pass(Duration::from_millis(millis));
        }
        driver.bank.set_faults(Faults::none());
        driver.seconds(600);
        prop_assert_eq!(driver.bank.poll_timeout(), None);
        for modem in 0..2 {
            driver.write(modem, "\x1b\rAT\r");
            let heard = driver.heard(modem);
            prop_assert!(heard.contains("OK") || heard.contains("0\r") || heard.is_empty(), "{}", heard);
        }
    }
}
