//! Asks whoever is behind a port whether it is a modem and which one. A machine of a few seconds; it changes no setting, needs
//! no SIM and no PIN, and keeps nothing.

use alloc::string::String;
use core::time::Duration;

use crate::at::{Command, Engine, Event, Outcome, Request, Transmit, parse};
use crate::base::{Instant, Now};

/// An answer to AT, and one to AT+CGSN, which some modems read from a slow memory.
const ANSWER: Duration = Duration::from_millis(500);
const SERIAL: Duration = Duration::from_secs(2);

/// What is said, in order. ESC after the first AT leaves a prompt that a driver killed before us may have left open.
const SCRIPT: [Line; 7] = [
    Line::Knock,
    Line::Escape,
    Line::Knock,
    Line::Knock,
    Line::Serial("AT+CGSN"),
    Line::Serial("AT+GSN"),
    Line::Serial("AT+CGSN"),
];

#[derive(Clone, Copy, Debug)]
enum Line {
    Knock,
    Escape,
    Serial(&'static str),
}

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nobody, in about 2 s.
    Silence,
    /// Something that answers AT commands.
    Modem {
        /// 14 to 17 digits, where it told them.
        imei: Option<String>,
    },
}

/// The conversation.
#[derive(Debug, Default)]
pub struct Probe {
    engine: Engine,
    line: usize,
    answers: bool,
    answer: Option<Answer>,
}

impl Probe {
    /// Begins it.
    #[must_use]
    pub fn new(now: Now) -> Self {
        let mut probe = Self::default();
        probe.say(now);
        probe
    }

    /// Octets from the port.
    pub fn handle_input(&mut self, now: Now, octets: &[u8]) {
        self.engine.handle_input(now, octets);
        self.follow(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.engine.handle_timeout(now);
        self.follow(now);
    }

    /// Octets for the port. Call until `None`.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.engine.poll_transmit()
    }

    /// When [`Probe::handle_timeout`] is due; none once there is an answer.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.engine.poll_timeout().map(|(at, _)| at)
    }

    /// Who it is, at the end.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.answer.as_ref()
    }

    fn follow(&mut self, now: Now) {
        while let Some(event) = self.engine.poll_event() {
            match event {
                Event::Info(line) if self.asks_serial() => {
                    let digits = parse::digits(&line);
                    if (14..=17).contains(&digits.len()) {
                        self.answer = Some(Answer::Modem {
                            imei: Some(digits.into()),
                        });
                    }
                }
                Event::Done(outcome) => self.done(now, outcome),
                Event::Info(_)
                | Event::Entry { .. }
                | Event::Prompt
                | Event::Urc(_)
                | Event::Routed(..)
                | Event::Stray
                | Event::EchoReturned => {}
            }
        }
    }

    fn asks_serial(&self) -> bool {
        matches!(SCRIPT.get(self.line), Some(Line::Serial(_)))
    }

    fn done(&mut self, now: Now, outcome: Outcome) {
        if self.answer.is_some() {
            return;
        }
        self.line += 1;
        // Any final result, an error too, comes from something that knows AT commands.
        if matches!(outcome, Outcome::Final(_)) && !self.answers {
            self.answers = true;
            let serial = SCRIPT.iter().position(|line| matches!(line, Line::Serial(_)));
            self.line = serial.unwrap_or(SCRIPT.len());
        }
        match SCRIPT.get(self.line) {
            Some(Line::Serial(_)) if !self.answers => self.answer = Some(Answer::Silence),
            Some(Line::Knock | Line::Escape | Line::Serial(_)) => self.say(now),
            None => self.answer = Some(Answer::Modem { imei: None }),
        }
    }

    fn say(&mut self, now: Now) {
        let request = match SCRIPT.get(self.line) {
            Some(Line::Knock) => Request::plain("AT", ANSWER),
            Some(Line::Escape) => Some(Request::quiet()),
            Some(Line::Serial(text)) => Request::plain(text, SERIAL),
            None => None,
        };
        if let Some(request) = request {
            self.engine.handle_command(now, Command::Run(request));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::base::UtcTime;

    fn at(millis: u64) -> Now {
        Now {
            monotonic: Instant::from_micros(millis * 1_000),
            utc: UtcTime::default(),
        }
    }

    /// Talks to something that answers by these rules; gives the answer, what was said, and when it was over.
    fn talk(answer: impl Fn(&str, usize) -> &'static str) -> (Answer, Vec<String>, u64) {
        let mut probe = Probe::new(at(0));
        let (mut said, mut now) = (Vec::new(), 0);
        for _ in 0..100 {
            while let Some(octets) = probe.poll_transmit() {
                let text: String = String::from_utf8_lossy(&octets).trim_end().into();
                let heard = answer(&text, said.len());
                said.push(text);
                probe.handle_input(at(now), heard.as_bytes());
            }
            if let Some(answer) = probe.answer() {
                return (answer.clone(), said, now);
            }
            let wake = probe.poll_timeout().expect("an open probe has a clock");
            now = now.max(wake.as_micros() / 1_000);
            probe.handle_timeout(at(now));
        }
        panic!("it has no end");
    }

    fn modem(imei: &str) -> Answer {
        Answer::Modem {
            imei: Some(imei.into()),
        }
    }

    #[test]
    fn a_modem_tells_its_imei_in_whatever_form() {
        for line in [
            "\r\n490154203237518\r\n\r\nOK\r\n",
            "AT+CGSN\r\r\n490154203237518\r\n\r\nOK\r\n",
            "\r\n+CGSN: \"490154203237518\"\r\n\r\nOK\r\n",
            "\r\n+CSQ: 20,99\r\n490154203237518\r\nOK\r\n",
        ] {
            let (answer, said, took) = talk(|text, _| match text {
                "AT" => "\r\nOK\r\n",
                "AT+CGSN" => line,
                _ => "",
            });
            assert_eq!(answer, modem("490154203237518"), "{line:?}");
            assert_eq!((said, took), (["AT".into(), "AT+CGSN".into()].to_vec(), 0));
        }
    }

    #[test]
    fn silence_ends_in_two_seconds_with_nothing_but_at_and_escape_said() {
        let (answer, said, took) = talk(|_, _| "");
        assert_eq!(answer, Answer::Silence);
        assert!(
            said.iter().all(|text| text == "AT" || text.starts_with('\x1B')),
            "{said:?}"
        );
        assert!((1_000..2_500).contains(&took), "{took} ms");
    }

    #[test]
    fn a_modem_that_sits_at_a_prompt_is_freed_without_sending() {
        let (answer, said, _) = talk(|text, count| match (text, count) {
            ("AT", 0) => "\r\n> ",
            ("AT", _) => "\r\nOK\r\n",
            ("AT+CGSN", _) => "\r\n490154203237518\r\nOK\r\n",
            _ => "",
        });
        assert_eq!(answer, modem("490154203237518"));
        assert!(
            said.iter().all(|text| !text.contains('\x1A')),
            "Ctrl-Z would send: {said:?}"
        );
    }

    #[test]
    fn a_modem_that_keeps_its_imei_to_itself_is_one_all_the_same() {
        let (answer, _, _) = talk(|text, _| if text == "AT" { "\r\nOK\r\n" } else { "\r\nERROR\r\n" });
        assert_eq!(answer, Answer::Modem { imei: None });
        // Another command's name for it.
        let (answer, _, _) = talk(|text, _| match text {
            "AT+GSN" => "\r\n49015420323751\r\nOK\r\n",
            "AT" => "\r\nOK\r\n",
            _ => "\r\nERROR\r\n",
        });
        assert_eq!(answer, modem("49015420323751"));
        // A line of digits that is no IMEI.
        let (answer, _, _) = talk(|text, _| {
            if text == "AT" {
                "\r\nOK\r\n"
            } else {
                "\r\n1234\r\nOK\r\n"
            }
        });
        assert_eq!(answer, Answer::Modem { imei: None });
    }

    proptest::proptest! {
        #[test]
        fn no_noise_keeps_it_busy_for_ever(noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
            let mut probe = Probe::new(at(0));
            let mut now = 0;
            for _ in 0..60 {
                while probe.poll_transmit().is_some() {
                    probe.handle_input(at(now), &noise);
                }
                let Some(wake) = probe.poll_timeout().filter(|_| probe.answer().is_none()) else { break };
                now = now.max(wake.as_micros() / 1_000);
                probe.handle_timeout(at(now));
            }
            proptest::prop_assert!(probe.answer().is_some());
        }
    }
}
