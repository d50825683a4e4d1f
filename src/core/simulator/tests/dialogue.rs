//! What a modem says to a driver who does nothing wrong, and to one who does.

use super::*;

#[test]
fn a_fresh_modem_echoes_and_answers() {
    let mut driver = Driver::one(Faults::none());
    driver.expect("AT", "AT\r\r\nOK\r\n");
    driver.expect("ATE0", "ATE0\r\r\nOK\r\n");
    driver.expect("AT", "\r\nOK\r\n");
    driver.expect("at+cfun?;+cpin?", "\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\nOK\r\n");
    driver.expect("ATZ", "\r\nOK\r\n");
    driver.expect("AT", "AT\r\r\nOK\r\n");
}

#[test]
fn results_are_words_or_numbers_or_nothing() {
    let mut driver = Driver::one(Faults::none()).set_up();
    driver.expect("ATV0", "0\r");
    driver.expect("AT+CSQ", "+CSQ: 14,99\r\n0\r");
    driver.expect("AT+NONSENSE", "4\r");
    driver.expect("ATV1Q1", "");
    driver.expect("AT", "");
    driver.expect("ATQ0", "\r\nOK\r\n");
}

#[test]
fn errors_are_told_as_the_driver_wants_them() {
    let mut driver = Driver::one(Faults::none());
    driver.ask("ATE0");
    driver.expect("AT+CPMS=\"XX\"", "\r\nERROR\r\n");
    driver.expect("AT+CMEE=1", "\r\nOK\r\n");
    driver.expect("AT+CPMS=\"XX\"", "\r\n+CMS ERROR: 302\r\n");
    driver.expect("AT+CPIN=1234", "\r\n+CME ERROR: 3\r\n");
    driver.expect("AT+NONSENSE", "\r\nERROR\r\n");
    driver.expect("AT+CMEE=2", "\r\nOK\r\n");
    driver.expect("AT+CPIN=1234", "\r\n+CME ERROR: operation not allowed\r\n");
    driver.expect("AT+CMEE=3", "\r\n+CME ERROR: incorrect parameters\r\n");
    // The first that fails ends the line.
    driver.expect("AT+CMEE=1;+NONSENSE;+CMEE=0", "\r\nERROR\r\n");
    driver.expect("AT+CMEE?", "\r\n+CMEE: 1\r\n\r\nOK\r\n");
    driver.expect("junk", "");
    assert_eq!(driver.ask(&format!("AT{}", "X".repeat(600))), "\r\nERROR\r\n");
}

#[test]
fn modems_of_a_bank_say_who_they_are_and_differ() {
    let mut driver = Driver::new(Options::default());
    let mut said = std::collections::BTreeSet::new();
    for modem in 0..4 {
        let identity = driver.bank.identity(modem).unwrap().clone();
        for (command, value) in [
            ("+CGSN", identity.imei),
            ("+CIMI", identity.imsi),
            ("+CCID", identity.iccid),
            ("+CNUM", identity.number),
        ] {
            driver.write(modem, &format!("AT{command}\r"));
            let answer = driver.heard(modem);
            assert!(answer.contains(&value), "{command}: {answer}");
            said.insert(answer);
        }
    }
    assert_eq!(said.len(), 16);
    assert!(driver.bank.identity(4).is_none());
}

#[test]
fn the_card_is_read_by_file() {
    let mut driver = Driver::one(Faults::none()).set_up();
    let iccid = driver.bank.identity(0).unwrap().iccid.clone();
    let answer = driver.ask("AT+CRSM=176,12258,0,0,10");
    let digits: Vec<char> = answer.split('"').nth(1).unwrap().chars().collect();
    let swapped: String = digits.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    assert_eq!(swapped.trim_end_matches('F'), iccid);
    let before = driver.ask("AT+CRSM=176,28483,0,0,1");
    driver.send(PHONE, "hello");
    assert_ne!(driver.ask("AT+CRSM=176,28483,0,0,1"), before);
    driver.expect("AT+CRSM=176,1,0,0,1", "\r\n+CRSM: 148,4\r\n\r\nOK\r\n");
}

#[test]
fn notifications_are_taken_within_their_ranges() {
    let mut driver = Driver::one(Faults::none()).set_up();
    driver.expect("AT+CNMI=?", "\r\n+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)\r\n\r\nOK\r\n");
    driver.expect("AT+CNMI=2,1,2,2,1", "\r\nOK\r\n");
    for wrong in [
        "3,1,0,1,0",
        "2,4,0,1,0",
        "2,1,1,1,0",
        "2,1,0,3,0",
        "2,1,0,1,2",
        "2,1,0,1,0,0",
        "x",
    ] {
        driver.expect(&format!("AT+CNMI={wrong}"), "\r\n+CMS ERROR: 303\r\n");
    }
    driver.expect("AT+CNMI?", "\r\n+CNMI: 2,1,2,2,1\r\n\r\nOK\r\n");
    driver.expect("AT+CNMI=1,1", "\r\nOK\r\n");
    driver.expect("AT+CNMI?", "\r\n+CNMI: 1,1,2,2,1\r\n\r\nOK\r\n");
}

#[test]
fn the_prompt_takes_exactly_the_announced_tpdu() {
    let mut driver = Driver::one(Faults::none()).set_up();
    let (line, length) = pdus(PHONE, "hello").remove(0);
    driver.expect(&format!("AT+CMGS={length}"), "\r\n> ");
    driver.write(0, &format!("{line}\x1a"));
    assert_eq!(driver.heard(0), "\r\n+CMGS: 1\r\n\r\nOK\r\n");
    for wrong in [
        line.replace('0', "G"),
        line[2..].into(),
        format!("{line}00"),
        String::new(),
        "00".into(),
    ] {
        driver.expect(&format!("AT+CMGS={length}"), "\r\n> ");
        driver.write(0, &format!("{wrong}\x1a"));
        assert_eq!(driver.heard(0), "\r\n+CMS ERROR: 304\r\n", "{wrong}");
    }
    for wrong in ["", "0", "7", "179", "x"] {
        driver.expect(&format!("AT+CMGS={wrong}"), "\r\n+CMS ERROR: 304\r\n");
    }
    assert_eq!(driver.accepted().len(), 1);
}

#[test]
fn escape_leaves_the_prompt_and_nothing_is_sent() {
    let mut driver = Driver::one(Faults::none()).set_up();
    let (line, length) = pdus(PHONE, "hello").remove(0);
    driver.expect(&format!("AT+CMGS={length}"), "\r\n> ");
    // Commands are swallowed as data, and nothing unsolicited is said meanwhile.
    driver.expect("AT", "");
    driver.bank.inject(driver.now, 0, PHONE, "hi").unwrap();
    driver.collect();
    assert_eq!(driver.heard(0), "");
    driver.write(0, &format!("{line}\x1b"));
    assert_eq!(driver.heard(0), "\r\nOK\r\n\r\n+CMTI: \"ME\",1\r\n");
    driver.expect("AT", "\r\nOK\r\n");
    assert_eq!(driver.accepted().len(), 0);
}

#[test]
fn storages_are_chosen_listed_read_and_emptied() {
    let mut driver = Driver::one(Faults::none()).set_up();
    driver.bank.inject(driver.now, 0, PHONE, "one").unwrap();
    driver.bank.inject(driver.now, 0, "+353861111111", "two").unwrap();
    driver.collect();
    assert_eq!(driver.heard(0), "\r\n+CMTI: \"ME\",1\r\n\r\n+CMTI: \"ME\",2\r\n");
    driver.expect(
        "AT+CPMS?",
        "\r\n+CPMS: \"ME\",2,30,\"ME\",2,30,\"ME\",2,30\r\n\r\nOK\r\n",
    );
    let one = driver.ask("AT+CMGR=1");
    assert!(
        one.starts_with("\r\n+CMGR: 0,,") && one.ends_with("\r\n\r\nOK\r\n"),
        "{one}"
    );
    assert!(
        driver.ask("AT+CMGR=1").starts_with("\r\n+CMGR: 1,,"),
        "reading marks it"
    );
    let unread = driver.ask("AT+CMGL=0");
    assert!(
        unread.contains("+CMGL: 2,0,,") && !unread.contains("+CMGL: 1,"),
        "{unread}"
    );
    let all = driver.ask("AT+CMGL=4");
    assert!(all.contains("+CMGL: 1,1,,") && all.contains("+CMGL: 2,1,,"), "{all}");
    driver.expect("AT+CMGD=1", "\r\nOK\r\n");
    driver.expect("AT+CMGR=1", "\r\nOK\r\n");
    driver.expect("AT+CMGR=31", "\r\n+CMS ERROR: 321\r\n");
    driver.expect("AT+CMGD=0", "\r\n+CMS ERROR: 321\r\n");
    driver.expect("AT+CMGD=1,4", "\r\nOK\r\n");
    driver.expect("AT+CMGL=4", "\r\nOK\r\n");
    driver.expect("AT+CPMS=\"SM\"", "\r\n+CPMS: 0,30,0,30,0,30\r\n\r\nOK\r\n");
    assert_eq!(driver.count("deleted"), 2);
}

#[test]
fn what_is_deleted_at_one_blow_depends_on_its_state() {
    for (flag, left) in [(1, [0, 2, 3].as_slice()), (2, &[0, 2]), (3, &[0]), (4, &[])] {
        let mut driver = Driver::one(Faults::none()).set_up();
        let (line, length) = pdus(PHONE, "draft").remove(0);
        driver.bank.inject(driver.now, 0, PHONE, "read").unwrap();
        driver.ask("AT+CMGR=1");
        driver.bank.inject(driver.now, 0, PHONE, "unread").unwrap();
        for state in [2, 3] {
            driver.ask(&format!("AT+CMGW={length},{state}"));
            driver.write(0, &format!("{line}\x1a"));
        }
        driver.ask(&format!("AT+CMGD=1,{flag}"));
        // Listing the unread marks them, so they come last.
        for state in [3, 2, 1, 0] {
            let found = driver.ask(&format!("AT+CMGL={state}")).contains("+CMGL: ");
            assert_eq!(found, left.contains(&state), "flag {flag}, state {state}");
        }
    }
}

#[test]
fn kept_drafts_can_be_sent() {
    let mut driver = Driver::one(Faults::none()).set_up();
    let (line, length) = pdus(PHONE, "draft").remove(0);
    driver.expect(&format!("AT+CMGW={length}"), "\r\n> ");
    driver.write(0, &format!("{line}\x1a"));
    assert_eq!(driver.heard(0), "\r\n+CMGW: 1\r\n\r\nOK\r\n");
    driver.expect("AT+CMSS=1", "\r\n+CMSS: 1\r\n\r\nOK\r\n");
    driver.expect("AT+CMSS=2", "\r\n+CMS ERROR: 321\r\n");
    assert_eq!(driver.accepted()[0].text.as_deref(), Some("draft"));
    assert!(driver.ask("AT+CMGL=3").contains("+CMGL: 1,3,,"));
}

#[test]
fn text_mode_sends_and_shows() {
    let mut driver = Driver::one(Faults::none()).set_up();
    driver.expect("AT+CMGF=1", "\r\nOK\r\n");
    driver.expect("AT+CMGS=\"+353871234567\"", "\r\n> ");
    driver.write(0, "Hello there\x1a");
    assert_eq!(driver.heard(0), "\r\n+CMGS: 1\r\n\r\nOK\r\n");
    assert_eq!(driver.accepted()[0].recipient, PHONE);
    assert_eq!(driver.accepted()[0].text.as_deref(), Some("Hello there"));
    driver.bank.inject(driver.now, 0, PHONE, "Back at you").unwrap();
    driver.collect();
    driver.heard(0);
    let shown = driver.ask("AT+CMGL=\"ALL\"");
    assert!(
        shown.contains("+CMGL: 1,\"REC UNREAD\",\"+353871234567\",,\""),
        "{shown}"
    );
    assert!(shown.contains("\r\nBack at you\r\n"), "{shown}");
    driver.expect("AT+CMGS=\"not a number\"", "\r\n+CMS ERROR: 305\r\n");
}

#[test]
fn registration_and_operator_are_told_both_ways() {
    let mut driver = Driver::one(Faults::none()).set_up();
    driver.expect("AT+CREG?", "\r\n+CREG: 0,1\r\n\r\nOK\r\n");
    driver.expect("AT+CEREG=2", "\r\nOK\r\n");
    driver.expect("AT+CEREG?", "\r\n+CEREG: 2,1,\"1A2B\",\"01C3D4E5\",7\r\n\r\nOK\r\n");
    driver.expect("AT+COPS?", "\r\n+COPS: 0,0,\"Virtual Mobile\",7\r\n\r\nOK\r\n");
    driver.expect("AT+COPS=3,2;+COPS?", "\r\n+COPS: 0,2,\"27299\",7\r\n\r\nOK\r\n");
    driver.expect("AT+CFUN=4;+CREG?", "\r\n+CREG: 0,0\r\n\r\nOK\r\n");
    let (line, length) = pdus(PHONE, "hello").remove(0);
    driver.expect(&format!("AT+CMGS={length}"), "\r\n> ");
    driver.write(0, &format!("{line}\x1a"));
    assert_eq!(driver.heard(0), "\r\n+CMS ERROR: 331\r\n");
    driver.expect("AT+CFUN=1", "\r\nOK\r\n");
    assert!(driver.send(PHONE, "hello").contains("+CMGS: "));
}

#[test]
fn a_flood_of_bytes_is_borne() {
    let mut driver = Driver::one(Faults::none()).set_up();
    driver.bank.handle_input(driver.now, 0, &[0xFF; 100_000]);
    driver.bank.handle_input(driver.now, 7, b"AT\r");
    driver.collect();
    driver.heard(0);
    driver.expect("", "\r\nERROR\r\n");
    driver.expect("AT", "\r\nOK\r\n");
}
