//! Orders of people: exactly one result each, at the right moment, and nothing beyond what was ordered.

use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use core::time::Duration;

use proptest::prelude::*;

use super::fake::Fake;
use super::rig::{Rig, submit};
use crate::base::{Ban, Past};
use crate::modem::{
    Answer, AtLine, Code, Command, Event, Order, OrderResult, PinAnswer, PinEnd, PortAction, Profile, Settings, State,
    UssdText, Why,
};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn code(digits: &str) -> Code {
    Code::from_digits(digits).unwrap()
}

fn line(text: &str) -> Order {
    Order::Line(AtLine::from_text(text).unwrap())
}

fn ussd() -> Order {
    Order::Ussd(UssdText::from_text("*100#").unwrap())
}

/// Results since the last call, in order.
fn results(rig: &mut Rig) -> Vec<OrderResult> {
    let mut results = Vec::new();
    rig.events.retain(|event| {
        let ordered = matches!(event, Event::Ordered { .. });
        if let Event::Ordered { result, .. } = event {
            results.push(result.clone());
        }
        !ordered
    });
    results
}

fn give(rig: &mut Rig, order: Order) -> Vec<OrderResult> {
    rig.command(Command::Order { token: 7, order });
    results(rig)
}

fn lines(texts: &[&str]) -> OrderResult {
    OrderResult::Lines(texts.iter().map(ToString::to_string).collect())
}

#[test]
fn a_line_on_the_list_is_sent_in_the_lists_own_spelling() {
    let mut rig = Rig::ready();
    assert_eq!(give(&mut rig, line("at + csq")), [lines(&["+CSQ: 20,99"])]);
    assert_eq!(rig.asked(), ["AT+CSQ"]);
    let refused = give(&mut rig, line("AT+QCSQ"));
    assert!(matches!(refused[..], [OrderResult::Refused(_)]), "{refused:?}");
    rig.asked();
    let refused = give(&mut rig, line("AT+CSQ;+CMGL=4"));
    assert!(matches!(refused[..], [OrderResult::NotAllowed(_)]), "{refused:?}");
    assert!(rig.asked().is_empty());
}

#[test]
fn what_the_profile_forbids_is_not_sent() {
    let mut profile = Profile::smallest();
    profile.never = ["+CSQ".to_string()].to_vec();
    let mut rig = Rig::of(profile, Settings::default(), Fake::new());
    rig.command(Command::PortOpened);
    rig.asked();
    let refused = give(&mut rig, line("AT+CSQ"));
    assert!(matches!(refused[..], [OrderResult::NotAllowed(_)]), "{refused:?}");
}

#[test]
fn the_status_is_what_the_modem_answers_to_all_questions() {
    let mut rig = Rig::ready();
    let answer = give(&mut rig, Order::ReadStatus);
    let [OrderResult::Lines(told)] = &answer[..] else {
        panic!("{answer:?}")
    };
    assert!(told.iter().any(|line| line.starts_with("+CSQ")) && told.iter().any(|line| line.starts_with("+CNMI")));
}

#[test]
fn drained_it_finishes_the_open_submit_begins_none_and_goes_on_receiving() {
    let mut rig = Rig::ready();
    rig.fake.mute = true;
    rig.command(submit(&[0x11]));
    rig.command(Command::Commit);
    rig.input(b"\r\n> ");
    assert_eq!(give(&mut rig, Order::Drain), [], "a submit is open");
    rig.fake.mute = false;
    rig.input(b"\r\n+CMGS: 9\r\n\r\nOK\r\n");
    assert_eq!(results(&mut rig), [OrderResult::Done]);
    assert_eq!(rig.modem.state(), State::Drained);
    rig.told();
    rig.command(submit(&[0x11]));
    assert_eq!(rig.told(), ["Submitted(NotSent(NoPrompt))"]);
    rig.fake.stored.insert(3, ("0011AB".to_string(), 2));
    rig.input(b"\r\n+CMTI: \"SM\",3\r\n");
    assert!(rig.asked().contains(&"AT+CMGR=3".to_string()));
    assert_eq!(give(&mut rig, Order::Enable), [OrderResult::Done]);
    assert_eq!(rig.modem.state(), State::Ready);
}

/// A modem of which something is known from before.
fn with_past(ban: Ban) -> Rig {
    let settings = Settings {
        past: Past {
            ban: Some(ban),
            ..Past::default()
        },
        ..Settings::default()
    };
    Rig::of(Profile::smallest(), settings, Fake::new())
}

#[test]
fn what_a_person_took_stays_taken_at_the_next_start() {
    let mut rig = with_past(Ban::Disabled);
    assert_eq!(rig.modem.state(), State::Disabled);
    rig.command(Command::PortOpened);
    rig.wait(secs(3_600));
    assert_eq!(rig.asked(), Vec::<String>::new());
    assert_eq!(give(&mut rig, Order::Enable), [OrderResult::Done]);
    assert_eq!((rig.modem.state(), rig.modem.ban()), (State::Ready, None));

    let mut rig = with_past(Ban::Drained);
    assert_eq!(rig.modem.state(), State::Absent);
    rig.command(Command::PortOpened);
    assert_eq!(rig.modem.state(), State::Drained);
    give(&mut rig, Order::Enable);
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn a_modem_that_moved_is_recalled_and_what_is_taken_here_stays() {
    let past = |ban| {
        Command::Recall(Past {
            ban: Some(ban),
            ..Past::default()
        })
    };
    let mut rig = Rig::ready();
    rig.command(past(Ban::Drained));
    assert_eq!(rig.modem.state(), State::Drained);
    rig.command(past(Ban::Disabled));
    assert_eq!(rig.modem.state(), State::Disabled);
    rig.command(past(Ban::Drained));
    assert_eq!(rig.modem.ban(), Some(Ban::Disabled));
    assert_eq!(rig.modem.poll_timeout(), None);
}

#[test]
fn disabled_nothing_is_said_until_it_is_enabled() {
    let mut rig = Rig::ready();
    assert_eq!(give(&mut rig, Order::Disable), [OrderResult::Done]);
    assert_eq!(rig.modem.state(), State::Disabled);
    assert_eq!(rig.modem.poll_timeout(), None);
    rig.asked();
    rig.input(b"\r\n+CMTI: \"SM\",3\r\nRDY\r\n");
    rig.command(Command::PortLost);
    rig.command(Command::PortOpened);
    rig.wait(secs(3_600));
    assert_eq!(
        (rig.asked(), rig.modem.state()),
        (Vec::<String>::new(), State::Disabled)
    );
    assert_eq!(give(&mut rig, line("AT")), [OrderResult::NotNow(Why::Disabled)]);
    assert_eq!(give(&mut rig, Order::Enable), [OrderResult::Done]);
    assert_eq!(rig.modem.state(), State::Ready);

    rig.command(Command::PortLost);
    assert_eq!(give(&mut rig, Order::Disable), [OrderResult::Done]);
    assert_eq!(rig.modem.state(), State::Disabled);
    assert_eq!(give(&mut rig, Order::Enable), [OrderResult::Done]);
    assert_eq!(rig.modem.state(), State::Absent);
}

#[test]
fn a_restart_waits_for_the_submit_and_is_counted() {
    let mut rig = Rig::ready();
    rig.fake.mute = true;
    rig.command(submit(&[0x11]));
    rig.command(Command::Commit);
    rig.input(b"\r\n> ");
    assert_eq!(give(&mut rig, Order::Restart), []);
    rig.fake.mute = false;
    rig.input(b"\r\n+CMGS: 9\r\n\r\nOK\r\n");
    assert_eq!(results(&mut rig), [OrderResult::Done]);
    assert!(rig.asked().contains(&"AT+CFUN=1,1".to_string()));
    assert_eq!(rig.modem.state(), State::Recovering(Why::Restarting));
    rig.wait(secs(30));
    assert_eq!(rig.modem.state(), State::Ready);
    assert_eq!(rig.modem.ladder().resets_on(rig.now.utc), 1);
}

fn with_ussd() -> Rig {
    let mut rig = Rig::ready();
    for command in ["AT+CUSD=1,\"*100#\",15", "AT+CUSD=2"] {
        rig.fake.overrides.insert(command.to_string(), "\r\nOK\r\n".to_string());
    }
    rig
}

#[test]
fn the_network_answers_a_ussd_code() {
    let mut rig = with_ussd();
    assert_eq!(give(&mut rig, ussd()), []);
    assert_eq!(rig.modem.state(), State::Degraded(Why::Busy));
    rig.command(submit(&[0x11]));
    assert!(
        !rig.asked().contains(&"AT+CMGS=1".to_string()),
        "USSD and SMS share a channel"
    );
    rig.input(b"\r\n+CUSD: 0,\"Balance 4.20\",15\r\n");
    assert_eq!(results(&mut rig), [lines(&["Balance 4.20"])]);
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn a_network_that_does_not_answer_a_ussd_code_is_given_up_after_two_minutes() {
    let mut rig = with_ussd();
    give(&mut rig, ussd());
    rig.wait(secs(119));
    assert_eq!(results(&mut rig), []);
    rig.wait(secs(2));
    assert_eq!(results(&mut rig), [OrderResult::NotNow(Why::NotAnswering)]);
    assert!(rig.asked().contains(&"AT+CUSD=2".to_string()));
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn a_ussd_code_never_goes_between_a_messages_prompt_and_its_result() {
    let mut rig = with_ussd();
    rig.fake.mute = true;
    rig.command(submit(&[0x11]));
    rig.command(Command::Commit);
    rig.input(b"\r\n> ");
    give(&mut rig, ussd());
    rig.wait(secs(60));
    assert!(!rig.asked().iter().any(|command| command.contains("CUSD")));
    rig.fake.mute = false;
    rig.input(b"\r\n+CMGS: 9\r\n\r\nOK\r\n");
    assert!(rig.asked().iter().any(|command| command.contains("CUSD")));
}

/// A modem whose SIM wants its PIN.
fn locked(state: &str, tries: &str) -> Rig {
    let fake = Fake::new()
        .with("AT+CPIN?", &format!("\r\n+CPIN: {state}\r\n\r\nOK\r\n"))
        .with(
            "AT+CPINR=\"SIM PIN\"",
            &format!("\r\n+CPINR: SIM PIN,{tries},3\r\n\r\nOK\r\n"),
        )
        .with(
            "AT+CPINR=\"SIM PUK\"",
            &format!("\r\n+CPINR: SIM PUK,{tries},10\r\n\r\nOK\r\n"),
        )
        .with("AT+CPIN=\"1234\"", "\r\n+CME ERROR: 16\r\n")
        .with("AT+CPIN=\"4711\"", "\r\nOK\r\n")
        .with("AT+CPIN=\"12345678\",\"4711\"", "\r\nOK\r\n")
        .with("AT+CPIN=\"87654321\",\"4711\"", "\r\n+CME ERROR: 16\r\n");
    let mut rig = Rig::new(fake);
    rig.command(Command::PortOpened);
    rig.asked();
    rig
}

fn codes_given(rig: &Rig) -> usize {
    rig.fake
        .commands
        .iter()
        .filter(|command| command.starts_with("AT+CPIN="))
        .count()
}

#[test]
fn a_pin_is_given_once_with_two_tries_left_and_never_again_when_refused() {
    let mut rig = locked("SIM PIN", "2");
    assert_eq!(rig.modem.state(), State::Failed(Why::PinNeeded));
    let refused = give(&mut rig, Order::GivePin(code("1234")));
    assert!(matches!(refused[..], [OrderResult::Refused(_)]), "{refused:?}");
    assert_eq!(
        give(&mut rig, Order::GivePin(code("1234"))),
        [OrderResult::NotNow(Why::CodeAtRisk)]
    );
    assert_eq!(codes_given(&rig), 1);
    rig.fake.overrides.insert(
        "AT+CPINR=\"SIM PIN\"".to_string(),
        "\r\n+CPINR: SIM PIN,1,3\r\n\r\nOK\r\n".to_string(),
    );
    assert_eq!(
        give(&mut rig, Order::GivePin(code("4711"))),
        [OrderResult::NotNow(Why::CodeAtRisk)]
    );
    assert_eq!(codes_given(&rig), 1, "the last try is nobody's");
}

#[test]
fn a_right_pin_brings_the_modem_up() {
    let mut rig = locked("SIM PIN", "3");
    assert_eq!(give(&mut rig, Order::GivePin(code("4711"))), [OrderResult::Done]);
    rig.fake.overrides.remove("AT+CPIN?");
    rig.wait(secs(90));
    assert_eq!(rig.modem.state(), State::Ready);
    assert_eq!(codes_given(&rig), 1);
    assert!(matches!(
        give(&mut rig, Order::GivePin(code("4711")))[..],
        [OrderResult::NotAllowed(_)]
    ));
}

#[test]
fn a_pin_whose_answer_was_lost_is_unknown_until_the_sim_tells() {
    let lost = || {
        let mut rig = locked("SIM PIN", "3");
        rig.fake.overrides.insert("AT+CPIN=\"4711\"".to_string(), String::new());
        assert_eq!(give(&mut rig, Order::GivePin(code("4711"))), []);
        rig
    };
    // Nothing tells: it may have been taken or not.
    let mut rig = lost();
    rig.wait(secs(40));
    assert_eq!(results(&mut rig), [OrderResult::Unknown]);
    assert_eq!(codes_given(&rig), 1);

    let mut rig = lost();
    rig.fake.overrides.remove("AT+CPIN?");
    rig.wait(secs(40));
    assert_eq!(results(&mut rig), [OrderResult::Done]);

    let mut rig = lost();
    let one_less = "\r\n+CPINR: SIM PIN,2,3\r\n\r\nOK\r\n".to_string();
    rig.fake.overrides.insert("AT+CPINR=\"SIM PIN\"".to_string(), one_less);
    rig.wait(secs(40));
    assert_eq!(results(&mut rig), [OrderResult::Refused(Answer::Cme(16))]);
    assert_eq!(
        give(&mut rig, Order::GivePin(code("4711"))),
        [OrderResult::NotNow(Why::CodeAtRisk)]
    );
    assert_eq!(codes_given(&rig), 1);
}

#[test]
fn a_pin_on_its_way_when_the_port_goes_is_unknown_and_settled_at_the_next_start() {
    let mut rig = locked("SIM PIN", "3");
    rig.fake.overrides.insert("AT+CPIN=\"4711\"".to_string(), String::new());
    give(&mut rig, Order::GivePin(code("4711")));
    rig.command(Command::PortLost);
    assert_eq!(results(&mut rig), [OrderResult::Unknown]);
    rig.fake.overrides.remove("AT+CPIN?");
    rig.command(Command::PortOpened);
    let taken = |event: &Event| matches!(event, Event::PinEnded(of, PinEnd::Taken) if of.by_person);
    assert!(rig.events.iter().any(taken));
}

#[test]
fn a_pin_waits_until_it_is_written_down_and_not_for_ever() {
    let mut rig = locked("SIM PIN", "3");
    rig.book = None;
    assert_eq!(give(&mut rig, Order::GivePin(code("4711"))), []);
    assert_eq!(codes_given(&rig), 0);
    let of = rig.events.iter().find_map(|event| {
        if let Event::GivesPin(of) = event {
            Some(of.clone())
        } else {
            None
        }
    });
    rig.wait(secs(31));
    assert_eq!(results(&mut rig), [OrderResult::NotNow(Why::Busy)]);
    // What is written down too late is taken back.
    rig.events.clear();
    rig.command(Command::PinAnswer(of.unwrap(), PinAnswer::Give));
    assert!(matches!(rig.events[..], [Event::PinEnded(_, PinEnd::NotGiven)]));
    assert_eq!(codes_given(&rig), 0);
}

#[test]
fn a_puk_is_given_by_a_person_only_and_never_twice_when_refused() {
    let mut rig = locked("SIM PUK", "9");
    assert_eq!(rig.modem.state(), State::Failed(Why::Locked));
    rig.wait(secs(600));
    assert_eq!(codes_given(&rig), 0);
    let wrong = Order::GivePuk {
        puk: code("87654321"),
        pin: code("4711"),
    };
    assert!(matches!(give(&mut rig, wrong.clone())[..], [OrderResult::Refused(_)]));
    assert_eq!(give(&mut rig, wrong), [OrderResult::NotNow(Why::CodeAtRisk)]);
    let right = Order::GivePuk {
        puk: code("12345678"),
        pin: code("4711"),
    };
    rig.fake
        .overrides
        .insert("AT+CPIN?".to_string(), "\r\n+CPIN: READY\r\n\r\nOK\r\n".to_string());
    assert_eq!(give(&mut rig, right), [OrderResult::Done]);
    assert_eq!(rig.modem.state(), State::Ready);
    assert_eq!(codes_given(&rig), 2);
    // The card has this PIN now, whatever was known of it before.
    let set = |event: &Event| matches!(event, Event::PinEnded(of, PinEnd::Taken) if of.pin == code("4711"));
    assert!(rig.events.iter().any(set));
}

#[test]
fn forbidden_networks_are_cleared_and_the_network_searched_anew() {
    let clear = "AT+CRSM=214,28539,0,0,12,\"FFFFFFFFFFFFFFFFFFFFFFFF\"";
    let mut rig = Rig::ready();
    let refused = give(&mut rig, Order::ReadForbidden);
    assert!(matches!(refused[..], [OrderResult::Refused(_)]), "{refused:?}");
    rig.fake.overrides.insert(
        "AT+CRSM=176,28539,0,0,12".to_string(),
        "\r\n+CRSM: 144,0,\"72F299FFFFFF130014FFFFFF\"\r\n\r\nOK\r\n".to_string(),
    );
    let told = give(&mut rig, Order::ReadForbidden);
    let [OrderResult::Networks(networks)] = &told[..] else {
        panic!("{told:?}")
    };
    let names: Vec<String> = networks.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["27299", "310410"]);
    assert!(!rig.asked().contains(&"AT+CFUN=4".to_string()));
    rig.fake
        .overrides
        .insert(clear.to_string(), "\r\n+CRSM: 105,130\r\n\r\nOK\r\n".to_string());
    let refused = give(&mut rig, Order::ClearForbidden);
    assert!(matches!(refused[..], [OrderResult::Refused(_)]), "{refused:?}");
    rig.fake
        .overrides
        .insert(clear.to_string(), "\r\n+CRSM: 144,0\r\n\r\nOK\r\n".to_string());
    assert_eq!(give(&mut rig, Order::ClearForbidden), [OrderResult::Done]);
    rig.wait(secs(10));
    assert!(rig.asked().contains(&"AT+CFUN=4".to_string()));
    assert_eq!(rig.modem.state(), State::Ready);
}

#[test]
fn the_trace_shows_the_dialogue_and_no_number() {
    let mut rig = Rig::ready();
    rig.wait(secs(61));
    let answer = give(&mut rig, Order::ReadTrace);
    let [OrderResult::Lines(told)] = &answer[..] else {
        panic!("{answer:?}")
    };
    assert!(told.iter().any(|line| line.ends_with("> AT+CSQ")));
    assert!(told.iter().any(|line| line.ends_with("< +CSQ: 20,99")));
    assert!(!told.iter().any(|line| line.contains("272010123456789")));
    let until = rig.now.utc + secs(60);
    assert_eq!(give(&mut rig, Order::TraceRaw { until }), [OrderResult::Done]);
}

fn any_order() -> impl Strategy<Value = Order> {
    prop_oneof![
        1 => Just(Order::Restart),
        1 => Just(Order::Disable),
        3 => Just(Order::Enable),
        1 => Just(Order::Drain),
        1 => Just(Order::GivePin(code("4711"))),
        1 => Just(Order::GivePuk { puk: code("12345678"), pin: code("4711") }),
        1 => Just(ussd()),
        2 => Just(line("AT+CSQ")),
        1 => Just(line("AT+CMGL=4")),
        1 => Just(Order::ReadForbidden),
        1 => Just(Order::ClearForbidden),
        1 => Just(Order::ReadStatus),
        1 => Just(Order::ReadTrace),
    ]
}

#[derive(Clone, Debug)]
enum Move {
    Order(Order),
    Input(&'static str),
    Submit,
    Commit,
    Mute(bool),
    Port(bool),
    Wait(u64),
}

fn any_move() -> impl Strategy<Value = Move> {
    let input = prop_oneof![
        Just("\r\nOK\r\n"),
        Just("\r\nERROR\r\n"),
        Just("\r\nRDY\r\n"),
        Just("\r\n> "),
        Just("\r\n+CUSD: 0,\"x\",15\r\n"),
        Just("\r\n+CPIN: NOT READY\r\n"),
        Just("\r\n+CMGS: 3\r\n\r\nOK\r\n"),
    ];
    prop_oneof![
        4 => any_order().prop_map(Move::Order),
        2 => input.prop_map(Move::Input),
        1 => Just(Move::Submit),
        1 => Just(Move::Commit),
        1 => any::<bool>().prop_map(Move::Mute),
        1 => any::<bool>().prop_map(Move::Port),
        2 => (0u64..100).prop_map(Move::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Whatever happens, each order ends in exactly one result, and no message goes out by an order.
    #[test]
    fn each_order_ends_in_exactly_one_result(moves in proptest::collection::vec(any_move(), 1..25)) {
        let mut rig = with_ussd();
        let mut orders = 0;
        let mut submits = 0;
        for one in moves {
            match one {
                Move::Order(order) => {
                    orders += 1;
                    rig.command(Command::Order { token: orders, order });
                }
                Move::Input(octets) => rig.input(octets.as_bytes()),
                Move::Submit => {
                    submits += 1;
                    rig.command(submit(&[0x11]));
                }
                Move::Commit => rig.command(Command::Commit),
                Move::Mute(mute) => rig.fake.mute = mute,
                Move::Port(true) => rig.command(Command::PortOpened),
                Move::Port(false) => rig.command(Command::PortLost),
                Move::Wait(time) => rig.wait(secs(time)),
            }
            rig.events.retain(|event| *event != Event::Port(PortAction::Reopen));
        }
        rig.wait(secs(400));
        let token = |event: &Event| if let Event::Ordered { token, .. } = event { Some(*token) } else { None };
        let mut tokens: Vec<u64> = rig.events.iter().filter_map(token).collect();
        tokens.sort_unstable();
        prop_assert_eq!(tokens, (1..=orders).collect::<Vec<u64>>());
        prop_assert!(rig.fake.sent.len() <= submits);
    }
}
