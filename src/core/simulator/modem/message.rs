//! Commands that set up the message service and work on kept messages (3GPP TS 27.005 clauses 3.1 to 3.4).

use alloc::format;
use alloc::string::String;

use super::super::pdu;
use super::{Done, Effect, Ended, Failure, Kept, Memory, Modem, Parameters, Status, What, small};
use crate::base::Now;

/// Most of mode, mt, bm, ds and bfr that this modem takes.
const NOTIFICATION_RANGES: [(&str, &[u8]); 5] = [
    ("0-2", &[0, 1, 2]),
    ("0-3", &[0, 1, 2, 3]),
    ("0,2", &[0, 2]),
    ("0-2", &[0, 1, 2]),
    ("0,1", &[0, 1]),
];

const WRONG: Failure = Failure::Cms(303);
const BAD_INDEX: Failure = Failure::Cms(321);

impl Modem {
    pub(super) fn message(&mut self, name: &str, what: &What, now: Now) -> Option<Ended> {
        let known = matches!(
            name,
            "+CSMS"
                | "+CMGF"
                | "+CPMS"
                | "+CSCA"
                | "+CNMI"
                | "+CNMA"
                | "+CGSMS"
                | "+CMMS"
                | "+CSMP"
                | "+CSDH"
                | "+CSCB"
                | "+CSAS"
                | "+CRES"
                | "+CMGL"
                | "+CMGR"
                | "+CMGD"
        );
        if known && now.monotonic < self.sms_ready {
            return Some(Err(Failure::Cms(314)));
        }
        Some(match name {
            "+CSMS" => self.service(what),
            "+CMGF" => self.number_setting(name, what, 1, |s| &mut s.text_mode, Failure::Cms(303)),
            "+CPMS" => self.memories(what),
            "+CSCA" => self.service_centre(what),
            "+CNMI" => self.notifications(what),
            // Nothing is ever waiting for an acknowledgement: what was routed is gone from the network.
            "+CNMA" if self.settings.service == 1 => Ok(Done::Ok),
            "+CNMA" => Err(Failure::Cms(340)),
            "+CGSMS" => self.number_setting(name, what, 3, |s| &mut s.bearer, Failure::Cme(50)),
            "+CMMS" => self.number_setting(name, what, 2, |s| &mut s.keep_link, WRONG),
            "+CSDH" => self.number_setting(name, what, 1, |s| &mut s.text_details, WRONG),
            "+CSMP" => self.text_parameters(what),
            "+CSCB" | "+CSAS" | "+CRES" => Ok(Done::Ok),
            "+CMGL" => self.list(what),
            "+CMGR" => self.read(what),
            "+CMGD" => self.delete(what),
            _ => return None,
        })
    }

    fn service(&mut self, what: &What) -> Ended {
        match what {
            What::Test => self.info("+CSMS: (0,1)"),
            What::Read => self.info(&format!("+CSMS: {},1,1,1", self.settings.service)),
            What::Set(parameters) => {
                self.settings.service = small(parameters, 0, 1, 0, WRONG)?;
                self.info("+CSMS: 1,1,1");
            }
            What::Run => return Err(WRONG),
        }
        Ok(Done::Ok)
    }

    fn memories(&mut self, what: &What) -> Ended {
        match what {
            What::Test => self.info("+CPMS: (\"ME\",\"SM\"),(\"ME\",\"SM\"),(\"ME\",\"SM\")"),
            What::Read => {
                let all = self.settings.memories.map(|memory| {
                    let storage = self.storage(memory);
                    format!("\"{}\",{},{}", memory.name(), storage.used(), storage.total())
                });
                self.info(&format!("+CPMS: {}", all.join(",")));
            }
            What::Set(parameters) => {
                let mut chosen = self.settings.memories;
                for (place, memory) in chosen.iter_mut().enumerate() {
                    match parameters.text(place) {
                        "" if place > 0 => {}
                        name => *memory = Memory::from_name(name).ok_or(Failure::Cms(302))?,
                    }
                }
                self.settings.memories = chosen;
                let all = chosen.map(|memory| {
                    let storage = self.storage(memory);
                    format!("{},{}", storage.used(), storage.total())
                });
                self.info(&format!("+CPMS: {}", all.join(",")));
                self.effects.push(Effect::Listen);
            }
            What::Run => return Err(WRONG),
        }
        Ok(Done::Ok)
    }

    fn service_centre(&mut self, what: &What) -> Ended {
        match what {
            What::Test => {}
            What::Read => {
                let kind = if self.identity.smsc.starts_with('+') { 145 } else { 129 };
                self.info(&format!("+CSCA: \"{}\",{kind}", self.identity.smsc));
            }
            What::Set(parameters) => {
                let number = parameters.text(0);
                let digits = number.strip_prefix('+').unwrap_or(number);
                if digits.is_empty() || digits.len() > 20 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(Failure::Cms(304));
                }
                let international = number.starts_with('+') || parameters.text(1) == "145";
                self.identity.smsc = if international {
                    format!("+{digits}")
                } else {
                    digits.into()
                };
            }
            What::Run => return Err(WRONG),
        }
        Ok(Done::Ok)
    }

    fn notifications(&mut self, what: &What) -> Ended {
        match what {
            What::Test => {
                let ranges = NOTIFICATION_RANGES.map(|(text, _)| format!("({text})"));
                self.info(&format!("+CNMI: {}", ranges.join(",")));
            }
            What::Read => {
                let [mode, mt, bm, ds, bfr] = self.settings.notifications;
                self.info(&format!("+CNMI: {mode},{mt},{bm},{ds},{bfr}"));
            }
            What::Set(parameters) if parameters.count() <= 5 => {
                // What is left out keeps its value (V.250 clause 5.4.2.1 lets the maker choose).
                let mut chosen = self.settings.notifications;
                for (place, (value, (_, legal))) in chosen.iter_mut().zip(NOTIFICATION_RANGES).enumerate() {
                    *value = small(parameters, place, 3, *value, WRONG)?;
                    if !legal.contains(value) {
                        return Err(WRONG);
                    }
                }
                self.settings.notifications = chosen;
                self.effects.push(Effect::Listen);
            }
            What::Set(_) | What::Run => return Err(WRONG),
        }
        Ok(Done::Ok)
    }

    fn text_parameters(&mut self, what: &What) -> Ended {
        match what {
            What::Test => {}
            What::Read => {
                let [first, validity, protocol, coding] = self.settings.text_parameters;
                self.info(&format!("+CSMP: {first},{validity},{protocol},{coding}"));
            }
            What::Set(parameters) => {
                let mut chosen = self.settings.text_parameters;
                for (place, value) in chosen.iter_mut().enumerate() {
                    *value = small(parameters, place, 255, *value, Failure::Cms(305))?;
                }
                self.settings.text_parameters = chosen;
            }
            What::Run => return Err(WRONG),
        }
        Ok(Done::Ok)
    }

    fn list(&mut self, what: &What) -> Ended {
        let text_mode = self.settings.text_mode == 1;
        let wanted = match what {
            What::Test if text_mode => {
                self.info("+CMGL: (\"REC UNREAD\",\"REC READ\",\"STO UNSENT\",\"STO SENT\",\"ALL\")");
                return Ok(Done::Ok);
            }
            What::Test => {
                self.info("+CMGL: (0-4)");
                return Ok(Done::Ok);
            }
            What::Run => Some(Status::Unread),
            What::Set(parameters) => which(parameters, text_mode)?,
            What::Read => return Err(WRONG),
        };
        let memory = self.settings.memories[0];
        let found: alloc::vec::Vec<(usize, Kept)> = self
            .storage(memory)
            .iter_mut()
            .filter(|(_, kept)| wanted.is_none_or(|status| kept.status == status))
            .map(|(index, kept)| {
                let told = kept.clone();
                mark_read(kept);
                (index, told)
            })
            .collect();
        for (index, kept) in found {
            let line = self.entry(&kept, text_mode, Some(index));
            self.info(&line);
        }
        Ok(Done::Ok)
    }

    fn read(&mut self, what: &What) -> Ended {
        let What::Set(parameters) = what else {
            return self.only_test(what);
        };
        let index = index(parameters)?;
        let memory = self.settings.memories[0];
        let strict = self.strict_indexes;
        let kept = match self.storage(memory).place(index) {
            None => return Err(BAD_INDEX),
            Some(None) if strict => return Err(BAD_INDEX),
            Some(None) => return Ok(Done::Ok),
            Some(Some(kept)) => {
                let told = kept.clone();
                mark_read(kept);
                told
            }
        };
        let line = self.entry(&kept, self.settings.text_mode == 1, None);
        self.info(&line);
        Ok(Done::Ok)
    }

    /// `=?` of a command that has nothing to tell by it.
    fn only_test(&mut self, what: &What) -> Ended {
        if *what == What::Test { Ok(Done::Ok) } else { Err(WRONG) }
    }

    /// The lines of one kept message, in a listing when it has an index.
    fn entry(&self, kept: &Kept, text_mode: bool, index: Option<usize>) -> String {
        let head = index.map_or_else(|| "+CMGR: ".into(), |index| format!("+CMGL: {index},"));
        if text_mode {
            let shown = pdu::show(&kept.tpdu);
            return format!("{head}\"{}\",{}\r\n{}", kept.status.word(), shown.header, shown.text);
        }
        let (line, length) = pdu::line(&self.identity.smsc, kept);
        format!("{head}{},,{length}\r\n{line}", kept.status.number())
    }

    fn delete(&mut self, what: &What) -> Ended {
        let memory = self.settings.memories[0];
        let (first, last) = self.storage(memory).range();
        let parameters = match what {
            What::Test => {
                self.info(&format!("+CMGD: ({first}-{last}),(0-4)"));
                return Ok(Done::Ok);
            }
            What::Set(parameters) => parameters,
            What::Run | What::Read => return Err(WRONG),
        };
        let kinds: &[Status] = match small(parameters, 1, 4, 0, WRONG)? {
            0 => return self.delete_one(memory, index(parameters)?),
            1 => &[Status::Read],
            2 => &[Status::Read, Status::Sent],
            3 => &[Status::Read, Status::Sent, Status::Unsent],
            _ => &Status::ALL,
        };
        for (index, kept) in self.storage(memory).take(kinds) {
            self.effects.push(Effect::Deleted {
                memory,
                index,
                inbound: kept.inbound,
            });
        }
        Ok(Done::Ok)
    }

    fn delete_one(&mut self, memory: Memory, index: usize) -> Ended {
        let place = self.storage(memory).place(index).ok_or(BAD_INDEX)?;
        if let Some(kept) = place.take() {
            self.effects.push(Effect::Deleted {
                memory,
                index,
                inbound: kept.inbound,
            });
        }
        Ok(Done::Ok)
    }
}

/// Reading a message marks it.
fn mark_read(kept: &mut Kept) {
    if kept.status == Status::Unread {
        kept.status = Status::Read;
    }
}

fn index(parameters: &Parameters) -> Result<usize, Failure> {
    let index = parameters.number(0).map_err(|_| BAD_INDEX)?.ok_or(BAD_INDEX)?;
    usize::try_from(index).map_err(|_| BAD_INDEX)
}

/// Which messages a listing is of; `None` for all.
fn which(parameters: &Parameters, text_mode: bool) -> Result<Option<Status>, Failure> {
    let asked = parameters.text(0);
    if (text_mode && asked == "ALL") || (!text_mode && asked == "4") {
        return Ok(None);
    }
    let known = Status::ALL.into_iter().find(|status| {
        if text_mode {
            asked == status.word()
        } else {
            parameters.number(0) == Ok(Some(status.number()))
        }
    });
    known.map(Some).ok_or(Failure::Cms(303))
}
