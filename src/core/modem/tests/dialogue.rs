//! Submits word for word, in a tiny language. Each case begins with a modem that is up and idle.
//!
//! `>` a command the host must have written (without CR), `>>` data written at the prompt (`^Z`, `^[` for Ctrl-Z and ESC),
//! `<` a line from the modem, `<<` octets without line ends, `!` a command to the machine, `=` an event it must have
//! told, `+` seconds that pass. Whatever was written or told and stands in no line fails the case. Each case is run
//! with the modem's octets whole and one by one.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use core::time::Duration;

use super::rig::{Rig, at, submit};
use crate::modem::{Command, Event};

struct Stage {
    rig: Rig,
    written: Vec<String>,
    told: Vec<String>,
    one_by_one: bool,
}

impl Stage {
    fn collect(&mut self) {
        while let Some(octets) = self.rig.modem.poll_transmit() {
            let text = String::from_utf8(octets.to_vec()).unwrap();
            self.written.push(text.replace('\x1A', "^Z").replace('\x1B', "^["));
        }
        while let Some(event) = self.rig.modem.poll_event() {
            if event != Event::HealthChanged {
                self.told.push(format!("{event:?}"));
            }
        }
    }

    fn input(&mut self, text: &str) {
        let size = if self.one_by_one { 1 } else { text.len().max(1) };
        for part in text.as_bytes().chunks(size) {
            self.rig.modem.handle_input(self.rig.now, part);
        }
        self.collect();
    }

    fn wait(&mut self, seconds: &str) {
        let until = self.rig.now.monotonic + Duration::from_secs_f64(seconds.parse().unwrap());
        while let Some((due, _)) = self.rig.modem.poll_timeout().filter(|(due, _)| *due <= until) {
            self.rig.now = at(Duration::from_micros(due.max(self.rig.now.monotonic).as_micros()));
            self.rig.modem.handle_timeout(self.rig.now);
            self.collect();
        }
        self.rig.now = at(Duration::from_micros(until.as_micros()));
    }

    fn line(&mut self, line: &str) {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        let expect = |queue: &mut Vec<String>, what: String| {
            let found = if queue.is_empty() {
                "nothing".to_string()
            } else {
                queue.remove(0)
            };
            assert_eq!(
                found,
                what,
                "at {line:?}, {} octets a time",
                if self.one_by_one { "one" } else { "all" }
            );
        };
        match mark {
            ">" => expect(&mut self.written, format!("{rest}\r")),
            ">>" => expect(&mut self.written, rest.to_string()),
            "=" => expect(&mut self.told, rest.to_string()),
            "<" => self.input(&format!("\r\n{rest}\r\n")),
            "<<" => self.input(rest),
            "+" => self.wait(rest),
            "!" => {
                let command = match rest {
                    "submit" => submit(&[0x11, 0xAB]),
                    "commit" => Command::Commit,
                    "withdraw" => Command::Withdraw,
                    "lost" => Command::PortLost,
                    _ => panic!("no such command: {rest}"),
                };
                self.rig.modem.handle_command(self.rig.now, command);
                self.collect();
            }
            _ => panic!("no such mark: {line}"),
        }
    }
}

fn check(script: &str) {
    for one_by_one in [false, true] {
        let rig = Rig::ready();
        let mut stage = Stage {
            rig,
            written: Vec::new(),
            told: Vec::new(),
            one_by_one,
        };
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            stage.line(line);
        }
        assert!(
            stage.written.is_empty(),
            "written and not expected: {:?}",
            stage.written
        );
        assert!(stage.told.is_empty(), "told and not expected: {:?}", stage.told);
    }
}

#[test]
fn the_commit_comes_after_the_prompt() {
    check(
        "! submit
        > AT+CMGS=2
        << >\x20
        >> 0011AB
        ! commit
        >> ^Z
        < +CMGS: 5
        < OK
        = Submitted(Accepted { tp_mr: Some(5), ack: None })",
    );
}

#[test]
fn the_commit_comes_before_the_prompt_and_both_go_out_at_once() {
    check(
        "! submit
        > AT+CMGS=2
        ! commit
        << >
        >> 0011AB^Z
        < +CMGS: 5
        < OK
        = Submitted(Accepted { tp_mr: Some(5), ack: None })",
    );
}

#[test]
fn what_the_modem_says_by_itself_may_stand_anywhere() {
    check(
        "! submit
        > AT+CMGS=2
        < ^RSSI: 21
        < +CREG: 1
        << >\x20
        >> 0011AB
        < RING
        < +CDS: 3
        < 029153060501
        = Received(3 octets, Routed)
        ! commit
        >> ^Z
        < 0011AB
        < +CDS: 3
        < 029153060501
        = Received(3 octets, Routed)
        < +CMGS: 5
        < +CMTI: \"SM\",4
        < RING
        < OK
        = Submitted(Accepted { tp_mr: Some(5), ack: None })
        > ATH
        < OK
        > AT+CMGR=4",
    );
}

#[test]
fn an_error_before_the_prompt_is_not_sent() {
    for (line, answer) in [
        ("+CMS ERROR: 310", "Cms(310)"),
        ("+CME ERROR: 14", "Cme(14)"),
        ("ERROR", "Error"),
        ("+CMS ERROR: SIM busy", "Cms(314)"),
        ("COMMAND NOT SUPPORT", "Error"),
    ] {
        check(&format!(
            "! submit\n > AT+CMGS=2\n < {line}\n = Submitted(NotSent({answer}))\n ! commit"
        ));
    }
}

#[test]
fn an_error_at_the_prompt_is_not_sent() {
    check(
        "! submit
        > AT+CMGS=2
        << >
        >> 0011AB
        < +CMS ERROR: 305
        = Submitted(NotSent(Cms(305)))",
    );
}

#[test]
fn an_error_after_ctrl_z_tells_how_long_it_took() {
    for (line, answer) in [
        ("+CMS ERROR: 38", "Cms(38)"),
        ("ERROR", "Error"),
        ("+CMS ERROR: Unknown error", "Cms(500)"),
    ] {
        check(&format!(
            "! submit
            > AT+CMGS=2
            ! commit
            << >
            >> 0011AB^Z
            + 2.5
            < {line}
            = Submitted(Failed {{ answer: {answer}, took: 2.5s }})"
        ));
    }
}

#[test]
fn an_ok_alone_is_an_acceptance_without_reference() {
    check(
        "! submit
        > AT+CMGS=2
        ! commit
        << >
        >> 0011AB^Z
        < OK
        = Submitted(Accepted { tp_mr: None, ack: None })",
    );
}

#[test]
fn a_reference_without_ok_is_an_acceptance_five_seconds_later() {
    check(
        "! submit
        > AT+CMGS=2
        ! commit
        << >
        >> 0011AB^Z
        < +CMGS: 7
        + 4.9
        + 0.2
        = Submitted(Accepted { tp_mr: Some(7), ack: None })
        < OK",
    );
}

#[test]
fn a_reference_stands_whatever_follows() {
    for end in [
        "! lost\n = Submitted(Accepted { tp_mr: Some(7), ack: None })\n = NotReady(NoPort)",
        "< ERROR\n = Submitted(Accepted { tp_mr: Some(7), ack: None })",
    ] {
        check(&format!(
            "! submit\n > AT+CMGS=2\n ! commit\n << >\n >> 0011AB^Z\n < +CMGS: 7\n {end}"
        ));
    }
}

#[test]
fn the_acknowledgement_pdu_is_handed_on() {
    check(
        "! submit
        > AT+CMGS=2
        ! commit
        << >
        >> 0011AB^Z
        < +CMGS: 5,\"00010062116251500040\"
        < OK
        = Submitted(Accepted { tp_mr: Some(5), ack: Some(AckPdu(9 octets)) })",
    );
}

#[test]
fn nothing_is_written_between_ctrl_z_and_the_hard_limit() {
    check(
        "! submit
        > AT+CMGS=2
        ! commit
        << >
        >> 0011AB^Z
        < +CMTI: \"SM\",4
        ! withdraw
        + 179.9
        + 0.2
        = Submitted(NoAnswer(Timeout))
        = NotReady(NotAnswering)
        = Recovering(Resync)
        + 1
        > ^[
        < +CMGS: 9
        = LateResult(9)
        < OK
        < +CMGS: 9",
    );
}

#[test]
fn a_result_within_a_minute_is_evidence_and_later_it_is_none() {
    for (late, evidence) in [(1, true), (30, true), (59, true), (61, false)] {
        let mut rig = Rig::ready();
        rig.fake.mute = true;
        rig.command(submit(&[0x11]));
        rig.input(b"\r\n> ");
        rig.command(Command::Commit);
        rig.wait(Duration::from_secs(180 + late));
        rig.input(b"\r\n+CMGS: 9\r\n");
        assert_eq!(rig.events.contains(&Event::LateResult { tp_mr: 9 }), evidence, "{late}");
    }
}

#[test]
fn withdrawn_before_it_began() {
    check(
        "! submit
        > AT+CMGS=2
        ! withdraw
        = Submitted(NotSent(Withdrawn))
        << >\x20
        >> ^[
        < OK
        ! submit
        > AT+CMGS=2",
    );
}

#[test]
fn withdrawn_at_the_prompt_and_the_next_waits_for_the_escape() {
    check(
        "! submit
        > AT+CMGS=2
        << >\x20
        >> 0011AB
        ! withdraw
        = Submitted(NotSent(Withdrawn))
        >> ^[
        ! submit
        ! commit
        + 1
        > AT+CMGS=2
        << >
        >> 0011AB^Z
        < +CMGS: 1
        < OK
        = Submitted(Accepted { tp_mr: Some(1), ack: None })",
    );
}

#[test]
fn no_prompt_is_not_sent_and_leads_back_into_step() {
    check(
        "! submit
        > AT+CMGS=2
        ! commit
        + 10
        >> ^[
        + 1
        = Submitted(NotSent(NoPrompt))
        = NotReady(NotAnswering)
        = Recovering(Resync)
        + 1
        > ^[
        + 0.3
        > AT
        < OK
        + 0.3
        > ATE0
        < OK
        > AT+CGSN
        < 866123040000017
        < OK
        = Ready
        > AT+CPMS=\"SM\"",
    );
}

#[test]
fn an_old_ok_before_the_prompt_ends_nothing() {
    check(
        "! submit
        > AT+CMGS=2
        ! commit
        < OK
        << >
        >> 0011AB^Z
        < +CMGS: 5
        < OK
        = Submitted(Accepted { tp_mr: Some(5), ack: None })",
    );
}

#[test]
fn a_prompt_with_other_line_ends() {
    for prompt in ["\r\n>", "\n> ", "\r\r\n> ", ">", "> \r\n"] {
        let mut rig = Rig::ready();
        rig.fake.mute = true;
        rig.command(submit(&[0x11]));
        rig.modem.handle_command(rig.now, Command::Commit);
        rig.modem.handle_input(rig.now, prompt.as_bytes());
        let octets = rig.modem.poll_transmit().map(|octets| octets.to_vec());
        assert_eq!(octets.as_deref(), Some(b"0011\x1A".as_slice()), "{prompt:?}");
    }
}

#[test]
fn garbage_around_an_answer_changes_nothing() {
    check(
        "! submit
        > AT+CMGS=2
        << \x00\x7F\x0C
        ! commit
        << >
        >> 0011AB^Z
        < ?b\x07gus line
        < +CMGS: 5
        < AT+XYZ
        < OK
        = Submitted(Accepted { tp_mr: Some(5), ack: None })",
    );
}

#[test]
fn an_ok_amid_the_answers_to_another_program_proves_nothing() {
    for strange in ["< AT+CSQ", "< +CSQ: 17,99"] {
        check(&format!(
            "! submit
            ! commit
            > AT+CMGS=2
            << >\x20
            >> 0011AB^Z
            {strange}
            < OK
            = Submitted(NoAnswer(Timeout))
            = NotReady(NotAnswering)
            = Recovering(Resync)
            < +CMGS: 6
            = LateResult(6)",
        ));
    }
}
