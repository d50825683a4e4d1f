//! Commands that lead to a message going out: the prompt, what follows it, and sending what is kept.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::pdu;
use super::{Done, Effect, Ended, Failure, Kept, Modem, Parameters, Status, What, small};
use crate::base::Now;
use crate::sms::AddressType;
use crate::sms::address::Address;

/// Octets a TPDU has at least and at most, as `+CMGS` takes them.
const LENGTHS: core::ops::RangeInclusive<u32> = 8..=178;

/// What data is awaited.
#[derive(Clone, Debug)]
pub(super) enum Prompt {
    /// A TPDU of so many octets to send.
    Send(usize),
    /// A TPDU of so many octets to keep.
    Keep(usize, Status),
    /// A text to send or to keep.
    Text(Address, Option<Status>),
}

/// What became of the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Data {
    /// This TPDU is to be sent.
    Submit(Vec<u8>),
    /// All is done; this is the answer.
    Answer(Vec<u8>),
}

impl Modem {
    pub(super) fn send(&mut self, name: &str, what: &What, now: Now) -> Option<Ended> {
        if !matches!(name, "+CMGS" | "+CMGW" | "+CMSS") {
            return None;
        }
        let What::Set(parameters) = what else {
            return Some(if *what == What::Test {
                Ok(Done::Ok)
            } else {
                Err(Failure::Cms(302))
            });
        };
        if let Some(failure) = self.not_ready(now) {
            return Some(Err(failure));
        }
        Some(match name {
            "+CMGS" => self.prompt_for(parameters, None),
            "+CMGW" => self.prompt_for(parameters, Some(Status::Unsent)),
            _ => self.send_kept(parameters),
        })
    }

    fn prompt_for(&mut self, parameters: &Parameters, keep: Option<Status>) -> Ended {
        let prompt = if self.settings.text_mode == 1 {
            Prompt::Text(destination(parameters)?, keep)
        } else {
            let length = parameters.number(0).ok().flatten().filter(|l| LENGTHS.contains(l));
            let length = length.and_then(|l| usize::try_from(l).ok()).ok_or(Failure::Cms(304))?;
            match keep {
                None => Prompt::Send(length),
                Some(default) => {
                    let number = small(parameters, 1, 3, 2, Failure::Cms(303))?;
                    let status = Status::ALL.into_iter().find(|s| s.number() == u32::from(number));
                    Prompt::Keep(length, status.unwrap_or(default))
                }
            }
        };
        self.prompt = Some(prompt);
        self.ear.expect_data();
        Ok(Done::Prompt)
    }

    fn send_kept(&mut self, parameters: &Parameters) -> Ended {
        let index = parameters
            .number(0)
            .ok()
            .flatten()
            .and_then(|i| usize::try_from(i).ok());
        let memory = self.settings.memories[1];
        let place = index.and_then(|index| self.storage(memory).place(index));
        let kept = place.and_then(Option::as_mut).ok_or(Failure::Cms(321))?;
        if !matches!(kept.status, Status::Unsent | Status::Sent) {
            return Err(Failure::Cms(302));
        }
        kept.status = Status::Sent;
        let tpdu = kept.tpdu.clone();
        self.effects.push(Effect::Submit(tpdu));
        Ok(Done::Later)
    }

    /// ESC, or the bank taking the prompt back.
    pub(in crate::simulator) fn leave_prompt(&mut self) {
        self.prompt = None;
        self.ear.clear();
    }

    /// The data after a prompt, its Ctrl-Z taken off.
    pub(in crate::simulator) fn data(&mut self, octets: &[u8]) -> Data {
        let result = match self.prompt.take() {
            None => Err(Failure::Cms(302)),
            Some(Prompt::Send(length)) => pdu::from_line(octets, length)
                .map(Data::Submit)
                .ok_or(Failure::Cms(304)),
            Some(Prompt::Keep(length, status)) => {
                let tpdu = pdu::from_line(octets, length).ok_or(Failure::Cms(304));
                tpdu.and_then(|tpdu| self.keep(tpdu, status))
            }
            Some(Prompt::Text(to, keep)) => {
                let text = String::from_utf8_lossy(octets);
                let [first, validity, protocol, _] = self.settings.text_parameters;
                let tpdu = pdu::submit(to, &text, [first, validity, protocol]).ok_or(Failure::Cms(305));
                match keep {
                    None => tpdu.map(Data::Submit),
                    Some(status) => tpdu.and_then(|tpdu| self.keep(tpdu, status)),
                }
            }
        };
        result.unwrap_or_else(|failure| Data::Answer(self.reply("", Err(failure))))
    }

    fn keep(&mut self, tpdu: Vec<u8>, status: Status) -> Result<Data, Failure> {
        let memory = self.settings.memories[1];
        let kept = Kept {
            status,
            tpdu,
            inbound: None,
        };
        let index = self.storage(memory).put(kept).ok_or(Failure::Cms(322))?;
        Ok(Data::Answer(self.reply(&format!("+CMGW: {index}"), Ok(()))))
    }
}

/// `"<number>"[,<type>]` of text mode.
fn destination(parameters: &Parameters) -> Result<Address, Failure> {
    let wrong = Failure::Cms(305);
    let text = parameters.text(0);
    if text.is_empty() {
        return Err(wrong);
    }
    let address = match parameters.number(1) {
        Ok(Some(kind)) => {
            let kind = AddressType(u8::try_from(kind).map_err(|_| wrong)?);
            Address::digits(kind, text.strip_prefix('+').unwrap_or(text))
        }
        Ok(None) => Address::parse(text),
        Err(_) => return Err(wrong),
    };
    address
        .ok()
        .filter(|address| address.as_digits().is_some())
        .ok_or(wrong)
}
