//! The network behind the modems: acceptance, reports, inbound, handsets.

use super::*;

#[test]
fn what_is_submitted_is_on_the_air_and_reported() {
    let mut driver = Driver::new(Options {
        modems: 1,
        latency: Duration::from_secs(2),
        ..Options::default()
    })
    .set_up();
    assert_eq!(driver.send(PHONE, "hello"), "\r\n> ");
    driver.pass(Duration::from_millis(1_999));
    assert_eq!((driver.heard(0).as_str(), driver.accepted().len()), ("", 0));
    // Bytes wait while the modem is busy.
    driver.write(0, "AT\r");
    driver.pass(Duration::from_millis(1));
    assert_eq!(driver.heard(0), "\r\n+CMGS: 1\r\n\r\nOK\r\n\r\nOK\r\n");
    let sim = driver.bank.identity(0).unwrap().clone();
    let accepted = driver.accepted()[0].clone();
    assert_eq!((accepted.iccid, accepted.from), (sim.iccid, sim.number));
    assert_eq!(
        (accepted.recipient.as_str(), accepted.text.as_deref()),
        (PHONE, Some("hello"))
    );
    assert_eq!((accepted.submission, accepted.tp_mr, accepted.concat), (1, 1, None));
    driver.seconds(2);
    let report = driver.heard(0);
    let length: usize = report
        .strip_prefix("\r\n+CDS: ")
        .unwrap()
        .split("\r\n")
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let hex = report.trim_end().rsplit("\r\n").next().unwrap();
    assert_eq!(
        hex.len(),
        2 * (length + 1 + usize::from_str_radix(&hex[..2], 16).unwrap())
    );
    assert!(driver.journal.iter().any(|event| event.what
        == Air::Reported {
            submission: Some(1),
            tp_mr: 1,
            tp_st: 0
        }));
}

#[test]
fn the_reference_belongs_to_the_sim_and_wraps() {
    let mut driver = Driver::one(Faults::none()).set_up();
    for expected in (1..=255).chain(0..3) {
        let answer = driver.send(PHONE, "hello");
        assert!(answer.contains(&format!("+CMGS: {expected}\r")), "{answer}");
        driver.seconds(2);
        driver.heard(0);
    }
}

#[test]
fn a_long_text_is_read_whole_and_answered_once() {
    let mut driver = Driver::one(Faults::none()).set_up();
    let text = format!("{} Reply Y to confirm", "Your appointment is on Monday. ".repeat(8));
    driver.send(PHONE, &text);
    assert_eq!(driver.accepted().len(), 2);
    let parts: Vec<_> = driver.accepted().iter().map(|a| a.concat.unwrap()).collect();
    assert_eq!((parts[0].1, parts[0].2, parts[1].2), (2, 1, 2));
    driver.seconds(1);
    assert_eq!(driver.count("sent"), 0);
    driver.seconds(2);
    let sent: Vec<_> = driver
        .journal
        .iter()
        .filter(|event| event.what.name() == "sent")
        .collect();
    assert_eq!(sent.len(), 1);
    assert!(matches!(&sent[0].what, Air::Sent { from, text, .. } if from == PHONE && text == "Y"));
    assert!(driver.heard(0).contains("+CMTI: \"ME\",1"));
}

#[test]
fn stop_is_not_answered() {
    let mut driver = Driver::one(Faults::none()).set_up();
    driver.send(PHONE, "Text STOP to opt out");
    driver.seconds(60);
    assert_eq!(driver.count("sent"), 0);
}

#[test]
fn a_long_inbound_text_comes_in_parts() {
    let mut driver = Driver::one(Faults::none()).set_up();
    driver.bank.inject(driver.now, 0, PHONE, &"ж".repeat(150)).unwrap();
    driver.collect();
    assert_eq!(
        driver.heard(0),
        "\r\n+CMTI: \"ME\",1\r\n\r\n+CMTI: \"ME\",2\r\n\r\n+CMTI: \"ME\",3\r\n"
    );
    assert_eq!(
        driver.bank.inject(driver.now, 0, PHONE, ""),
        Err(NotInjected::NotAMessage)
    );
    assert_eq!(
        driver.bank.inject(driver.now, 0, "a name too long", "x"),
        Err(NotInjected::NotAMessage)
    );
    assert_eq!(
        driver.bank.inject(driver.now, 1, PHONE, "x"),
        Err(NotInjected::NoSuchModem)
    );
    assert_eq!(driver.bank.inject(driver.now, 0, "HOSPITAL", "x"), Ok(2));
}

#[test]
fn what_does_not_fit_waits_in_the_network() {
    let mut driver = Driver::new(Options {
        modems: 1,
        places: Some(2),
        ..Options::default()
    })
    .set_up();
    for text in ["one", "two", "three"] {
        driver.bank.inject(driver.now, 0, PHONE, text).unwrap();
    }
    driver.collect();
    assert_eq!(
        (driver.count("stored"), driver.heard(0).matches("+CMTI").count()),
        (2, 2)
    );
    driver.expect("AT+CMGD=2", "\r\nOK\r\n\r\n+CMTI: \"ME\",2\r\n");
    assert_eq!(driver.count("stored"), 3);
}

#[test]
fn routed_messages_are_not_stored() {
    let mut driver = Driver::one(Faults::none()).set_up();
    driver.ask("AT+CNMI=2,2,0,1,0");
    driver.bank.inject(driver.now, 0, PHONE, "hi").unwrap();
    driver.collect();
    assert!(driver.heard(0).starts_with("\r\n+CMT: ,"));
    assert_eq!((driver.count("routed"), driver.count("stored")), (1, 0));
}

#[test]
fn reports_are_stored_where_the_driver_wants_that() {
    let mut driver = Driver::one(Faults::none()).set_up();
    driver.ask("AT+CNMI=2,1,0,2,0");
    driver.send(PHONE, "hello");
    driver.seconds(2);
    assert_eq!(driver.heard(0), "\r\n+CDSI: \"ME\",1\r\n");
    assert!(driver.ask("AT+CMGR=1").contains("+CMGR: 0,,"));
}

#[test]
fn a_report_for_nobody_is_lost_or_kept_as_told() {
    for keep in [false, true] {
        let mode = if keep {
            ReportsWhileClosed::Keep
        } else {
            ReportsWhileClosed::Lose
        };
        let mut driver = Driver::new(Options {
            modems: 1,
            reports_while_closed: mode,
            ..Options::default()
        })
        .set_up();
        driver.send(PHONE, "hello");
        driver.bank.handle_closed(driver.now, 0);
        driver.seconds(60);
        assert_eq!(
            (driver.heard(0).as_str(), driver.count("report_lost")),
            ("", usize::from(!keep))
        );
        let answer = driver.ask("AT");
        assert_eq!(answer.contains("+CDS: "), keep, "{answer}");
        assert!(answer.contains("\r\nOK\r\n"));
    }
}

#[test]
fn nothing_is_said_to_a_closed_port_but_messages_are_stored() {
    let mut driver = Driver::one(Faults::none()).set_up();
    driver.bank.handle_closed(driver.now, 0);
    driver.bank.inject(driver.now, 0, PHONE, "while you were out").unwrap();
    driver.collect();
    assert_eq!(driver.heard(0), "");
    assert!(driver.ask("AT+CMGL=4").contains("+CMGL: 1,0,,"));
}

#[test]
fn an_idle_bank_asks_for_nothing() {
    let mut driver = Driver::new(Options::default()).set_up();
    assert_eq!(driver.bank.poll_timeout(), None);
    driver.send(PHONE, "Reply Y");
    assert!(driver.bank.poll_timeout().is_some());
    driver.seconds(10);
    assert_eq!(driver.bank.poll_timeout(), None);
}
