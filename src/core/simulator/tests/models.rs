//! Every model is a modem: it says who it is, sends, receives, starts anew; and each has its own ways.

use super::*;

fn of(name: &str) -> Driver {
    Driver::new(Options {
        modems: 1,
        models: Vec::from([Model::of_name(name).unwrap()]),
        ..Options::default()
    })
}

/// Up and ready for PDUs.
fn ready(name: &str) -> Driver {
    let mut driver = of(name).set_up();
    driver.ask("AT+CFUN=1");
    driver.seconds(60);
    driver.ask("ATE0;+CMEE=1");
    driver.ask("AT+CFUN=1");
    driver.seconds(60);
    driver.ask("ATE0;+CMEE=1");
    driver.heard(0);
    driver
}

#[test]
fn every_model_sends_receives_and_deletes() {
    for model in Model::ALL {
        let mut driver = of(model.name).set_up();
        driver.ask("AT+CFUN=1");
        driver.seconds(60);
        driver.ask("ATE0");
        let said = driver.send(PHONE, "hello");
        assert!(said.contains("OK\r\n"), "{}: {said}", model.name);
        assert_eq!(driver.accepted().len(), 1, "{}", model.name);
        if model.name == "foxconn-t77w968" {
            driver.ask("AT+CPMS=\"SM\",\"SM\",\"SM\";+CPMS=\"ME\",\"ME\",\"ME\"");
        }
        driver.ask("AT+CNMI=2,1,0,0,0");
        driver.ask("AT+CNMI=1,1,0,0,0");
        driver.ask("AT+CNMI=1,1,0,0,1");
        driver.bank.inject(driver.now, 0, PHONE, "hi").unwrap();
        driver.collect();
        let notice = driver.heard(0);
        let place = notice.rsplit(['"', ',']).next().unwrap_or_default().trim();
        assert!(
            notice.contains("+CMTI:") && !place.is_empty(),
            "{}: {notice}",
            model.name
        );
        assert!(
            driver.ask(&format!("AT+CMGR={place}")).contains("+CMGR"),
            "{}",
            model.name
        );
        assert!(
            driver.ask(&format!("AT+CMGD={place}")).ends_with("OK\r\n"),
            "{}",
            model.name
        );
        assert_eq!(driver.count("deleted"), 1, "{}", model.name);
    }
}

#[test]
fn every_model_says_its_card_by_its_own_command() {
    for (model, command) in [
        ("quectel-ec25", "AT+QCCID"),
        ("simcom-sim800", "AT+CCID"),
        ("simcom-sim7600", "AT+CICCID"),
        ("huawei-e3372", "AT^ICCID?"),
        ("telit-le910", "AT#CCID"),
        ("cinterion-ehs6", "AT^SCID"),
        ("sierra-mc7455", "AT!ICCID?"),
        ("zte-mf190", "AT+ZGETICCID"),
        ("wavecom-q2406", "AT+CCID"),
    ] {
        let mut driver = ready(model);
        let iccid = driver.bank.identity(0).unwrap().iccid.clone();
        let swapped = hex_swapped(&iccid);
        let answer = driver.ask(command);
        assert!(
            answer.contains(&iccid) || answer.contains(&swapped),
            "{model}: {answer}"
        );
    }
}

fn hex_swapped(digits: &str) -> String {
    let digits: Vec<char> = digits.chars().chain(['F']).collect();
    digits.chunks_exact(2).flat_map(|pair| [pair[1], pair[0]]).collect()
}

#[test]
fn a_wrong_pin_is_counted_by_every_counter() {
    for (model, command, left) in [
        ("generic", "AT+CPINR", "SIM PIN,2,"),
        ("quectel-ec25", "AT+QPINC?", "\"SC\",2,10"),
        ("simcom-a7670", "AT+SPIC", "+SPIC: 2,10"),
        ("huawei-e3372", "AT^CPIN?", ",2,10,2"),
        ("telit-le910", "AT#PCT", "#PCT: 2"),
        ("cinterion-ehs6", "AT^SPIC", "^SPIC: 2"),
        ("ublox-sara-u201", "AT+UPINCNT", "+UPINCNT: 2,3,10"),
        ("sierra-mc7455", "AT+CPINC?", "+CPINC: 2,"),
        ("zte-mf190", "AT+ZPINPUK=?", "+ZPINPUK: 2,10"),
    ] {
        let mut driver = of(model);
        driver.bank.lock_sim(driver.now, 0, "4711", 3);
        driver.seconds(60);
        driver.ask("ATE0");
        driver.ask("AT+CMEE=1");
        assert!(driver.ask("AT+CPIN?").contains("SIM PIN\r"), "{model}");
        driver.expect("AT+CPIN=\"0000\"", "\r\n+CME ERROR: 16\r\n");
        assert!(driver.ask(command).contains(left), "{model}");
        driver.ask("AT+CPIN=\"4711\"");
        assert!(driver.ask("AT+CPIN?").contains("READY"), "{model}");
        assert_eq!(driver.bank.tries_left(0), Some((3, 10)));
    }
}

#[test]
fn the_reports_of_an_ec25_are_announced_where_they_are_not() {
    let mut driver = ready("quectel-ec25");
    driver.ask("AT+CNMI=2,1,0,2,0");
    driver.send(PHONE, "hello");
    driver.seconds(2);
    assert!(driver.heard(0).contains("+CDSI: \"SM\",0"));
    driver.ask("AT+CPMS=\"SM\"");
    driver.expect("AT+CMGR=0", "\r\nOK\r\n");
    driver.ask("AT+CPMS=\"SR\"");
    assert!(driver.ask("AT+CMGR=0").contains("+CMGR: 0,,"));
}

#[test]
fn noise_goes_on_until_it_is_forbidden() {
    for (model, line, command) in [
        ("huawei-e3372", "^RSSI:18", "AT^CURC=0"),
        ("zte-mf190", "+ZUSIMR:2", "AT+CPMS?"),
    ] {
        let mut driver = of(model);
        driver.ask("ATE0");
        driver.seconds(60);
        assert!(driver.heard(0).matches(line).count() > 10, "{model}");
        driver.ask(command);
        driver.seconds(60);
        assert_eq!(driver.heard(0), "", "{model}");
        assert_eq!(driver.bank.poll_timeout(), None, "no wake for noise that nobody hears");
    }
}

#[test]
fn some_commands_end_a_model_and_a_usb_reset_wakes_it() {
    let mut driver = ready("huawei-e3372");
    driver.expect("AT+NONSENSE", "\r\nCOMMAND NOT SUPPORT\r\n");
    driver.expect("AT^GETPORTMODE", "");
    driver.expect("AT", "");
    driver.bank.usb_reset(driver.now, 0);
    driver.seconds(10);
    assert_eq!(driver.events, [BankEvent::PortGone(0), BankEvent::PortBack(0)]);
    assert!(driver.ask("AT").contains("OK"));
}

#[test]
fn a_model_on_the_bus_leaves_it_at_a_restart() {
    let mut driver = ready("simcom-a7670");
    driver.ask("AT+CRESET");
    driver.seconds(60);
    assert_eq!(driver.events, [BankEvent::PortGone(0), BankEvent::PortBack(0)]);
    let mut driver = ready("simcom-sim800");
    driver.ask("AT+CFUN=1,1");
    driver.seconds(60);
    assert_eq!(driver.events, []);
    assert!(driver.heard(0).contains("SMS Ready"));
}

#[test]
fn what_is_odd_is_still_a_modem() {
    let mut driver = of("odd");
    driver.expect("AT", "\r\nOK\r\n");
    driver.expect("AT+CPIN?", "\r\n+CPIN:READY\r\n\r\nOK\r\n");
    driver.expect("AT+CNMI=?", "\r\n+CNMI:(0,1,3),(0,1),(0),(0,2),(0)\r\n\r\nOK\r\n");
    driver.expect("AT+CMGF=1", "\r\nERROR\r\n");
    driver.expect("AT+CMGS=22", ">");
    driver.write(0, "\x1b");
    assert_eq!(driver.heard(0), "");
    let mut driver = ready("wavecom-q2406");
    driver.expect("AT+CPMS=\"SM\",\"SM\"", "\r\n+CMS ERROR: 302\r\n");
    assert!(driver.ask("AT+CPMS=\"SM\"").contains("OK"));
    let mut driver = ready("huawei-e1750");
    assert!(!driver.send(PHONE, "hello").contains("+CMGS"));
    assert_eq!(driver.accepted().len(), 1);
}

#[test]
fn credit_is_asked_for_in_the_form_of_the_model() {
    for (model, request, answer) in [
        ("generic", "*100#", "+CUSD: 0,\"Your balance is EUR 10.00\",15"),
        ("odd", "*100#", "+CUSD:0,\"0059006F0075"),
        ("huawei-e3372", "AA180C3602", "+CUSD: 0,\"D9775D0E12"),
        ("generic", "*999#", "+CUSD: 2"),
    ] {
        let mut driver = ready(model);
        driver.ask(&format!("AT+CUSD=1,\"{request}\",15"));
        driver.seconds(3);
        let said = driver.heard(0).replace(": ", ":");
        assert!(said.contains(&answer.replace(": ", ":")), "{model}: {said}");
    }
}

#[test]
fn a_phone_has_a_book_and_a_clock() {
    let mut driver = ready("generic");
    driver.expect("AT+CPBW=,\"+353871234567\",145,\"Ward 7\"", "\r\nOK\r\n");
    driver.expect(
        "AT+CPBR=1",
        "\r\n+CPBR: 1,\"+353871234567\",145,\"Ward 7\"\r\n\r\nOK\r\n",
    );
    driver.expect("AT+CPBW=1", "\r\nOK\r\n");
    driver.expect("AT+CPBR=1,100", "\r\nOK\r\n");
    driver.expect("AT+CPBR=101", "\r\n+CME ERROR: 21\r\n");
    driver.expect("AT+CCLK=\"30/01/02,03:04:05+00\"", "\r\nOK\r\n");
    driver.seconds(60);
    driver.expect("AT+CCLK?", "\r\n+CCLK: \"30/01/02,03:05:05+00\"\r\n\r\nOK\r\n");
    driver.expect("AT+CCLK=\"tomorrow\"", "\r\n+CME ERROR: 50\r\n");
}
