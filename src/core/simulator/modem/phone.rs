//! What a modem has of a phone: its books of numbers, its clock, its battery, calls and USSD (3GPP TS 27.007 clauses 6 to 8).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

use super::super::model::UssdForm;
use super::super::pdu;
use super::settings::Book;
use super::{Done, Effect, Ended, Failure, Modem, Parameters, What, small};
use crate::base::Now;

/// Places of the book on the SIM.
const PLACES: u32 = 100;
/// Longest number and name of an entry.
const NUMBER: usize = 20;
const NAME: usize = 14;

const WRONG: Failure = Failure::Cme(50);

/// Entries by place: number, its type, name.
pub(super) type PhoneBook = BTreeMap<u32, (String, u8, String)>;

impl Modem {
    pub(super) fn phone(&mut self, name: &str, what: &What, now: Now) -> Option<Ended> {
        if name.starts_with("+CPB")
            && let Some((cme, _)) = self.card.failure()
        {
            return Some(Err(cme));
        }
        Some(match name {
            "+CPBS" => self.choose_book(what),
            "+CPBR" => self.read_book(what),
            "+CPBW" => self.write_book(what),
            "+CCLK" => self.clock(what, now),
            "+CBC" => self.told(what, "+CBC: 0,100"),
            "+CLIP" => self.number_setting(name, what, 1, |s| &mut s.caller_told, WRONG),
            "+CHUP" | "H" => {
                self.effects.push(Effect::HangUp);
                Ok(Done::Ok)
            }
            "+CUSD" => self.ussd(what),
            _ => return None,
        })
    }

    fn choose_book(&mut self, what: &What) -> Ended {
        match what {
            What::Test => self.info("+CPBS: (\"SM\",\"ON\")"),
            What::Read => {
                let line = match self.settings.phone_book {
                    Book::Sim => format!("+CPBS: \"SM\",{},{PLACES}", self.phone_book.len()),
                    Book::Own => "+CPBS: \"ON\",1,1".into(),
                };
                self.info(&line);
            }
            What::Set(parameters) => {
                self.settings.phone_book = match parameters.text(0) {
                    "SM" => Book::Sim,
                    "ON" => Book::Own,
                    _ => return Err(Failure::Cme(3)),
                };
            }
            What::Run => return Err(WRONG),
        }
        Ok(Done::Ok)
    }

    fn read_book(&mut self, what: &What) -> Ended {
        let places = match self.settings.phone_book {
            Book::Sim => PLACES,
            Book::Own => 1,
        };
        let parameters = match what {
            What::Test => {
                self.info(&format!("+CPBR: (1-{places}),{NUMBER},{NAME}"));
                return Ok(Done::Ok);
            }
            What::Set(parameters) => parameters,
            What::Run | What::Read => return Err(WRONG),
        };
        let first = place(parameters, 0, places)?.ok_or(WRONG)?;
        let last = place(parameters, 1, places)?.unwrap_or(first);
        if self.settings.phone_book == Book::Own {
            self.info(&format!("+CPBR: 1,\"{}\",145,\"\"", self.identity.number));
            return Ok(Done::Ok);
        }
        for index in first..=last {
            if let Some((number, kind, name)) = self.phone_book.get(&index) {
                let line = format!("+CPBR: {index},\"{number}\",{kind},\"{name}\"");
                self.info(&line);
            }
        }
        Ok(Done::Ok)
    }

    /// `AT+CPBW=[place][,number[,type[,name]]]`: without a number it erases.
    fn write_book(&mut self, what: &What) -> Ended {
        let parameters = match what {
            What::Test => {
                self.info(&format!("+CPBW: (1-{PLACES}),{NUMBER},(129,145,161),{NAME}"));
                return Ok(Done::Ok);
            }
            What::Set(parameters) if self.settings.phone_book == Book::Sim => parameters,
            What::Set(_) | What::Run | What::Read => return Err(Failure::Cme(3)),
        };
        let index = place(parameters, 0, PLACES)?;
        let number = parameters.text(1);
        if number.is_empty() {
            self.phone_book.remove(&index.ok_or(WRONG)?);
            return Ok(Done::Ok);
        }
        let free = || (1..=PLACES).find(|index| !self.phone_book.contains_key(index));
        let index = index.or_else(free).ok_or(Failure::Cme(20))?;
        let name = parameters.text(3);
        if number.len() > NUMBER || name.chars().count() > NAME {
            return Err(Failure::Cme(if number.len() > NUMBER { 26 } else { 24 }));
        }
        let kind = small(
            parameters,
            2,
            255,
            if number.starts_with('+') { 145 } else { 129 },
            WRONG,
        )?;
        self.phone_book.insert(index, (number.into(), kind, name.into()));
        Ok(Done::Ok)
    }

    fn clock(&mut self, what: &What, now: Now) -> Ended {
        match what {
            What::Test => {}
            What::Read => {
                let line = format!("+CCLK: \"{}\"", pdu::clock_at(now.utc, self.clock_ahead));
                self.info(&line);
            }
            What::Set(parameters) => {
                let set = pdu::clock_of(parameters.text(0)).ok_or(WRONG)?;
                self.clock_ahead = set.as_millis() - now.utc.as_millis();
            }
            What::Run => return Err(WRONG),
        }
        Ok(Done::Ok)
    }

    fn ussd(&mut self, what: &What) -> Ended {
        match what {
            What::Test => self.info("+CUSD: (0-2)"),
            What::Read => {
                let line = format!("+CUSD: {}", self.settings.ussd);
                self.info(&line);
            }
            What::Set(parameters) => {
                let mode = small(parameters, 0, 2, 0, WRONG)?;
                if mode < 2 {
                    self.settings.ussd = mode;
                }
                let request = parameters.text(1);
                if mode == 1 && !request.is_empty() {
                    let code = match self.model.manners.ussd {
                        UssdForm::Packed => pdu::unpacked(request).ok_or(WRONG)?,
                        UssdForm::Text | UssdForm::Ucs2 => request.to_string(),
                    };
                    self.effects.push(Effect::Ussd(code));
                }
            }
            What::Run => return Err(WRONG),
        }
        Ok(Done::Ok)
    }
}

/// A place of a phone book; `None` when it was left out.
fn place(parameters: &Parameters, at: usize, places: u32) -> Result<Option<u32>, Failure> {
    match parameters.number(at).map_err(|_| WRONG)? {
        Some(place) if place == 0 || place > places => Err(Failure::Cme(21)),
        place => Ok(place),
    }
}
