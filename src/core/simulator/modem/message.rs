//! Commands that set up the message service and work on kept messages (3GPP TS 27.005 clauses 3.1 to 3.4).

use alloc::format;
use alloc::string::String;

use super::super::pdu;
use super::{Done, Effect, Ended, Failure, Kept, Memory, Modem, Parameters, Remedy, Status, What, small};
use crate::base::Now;

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
        if known && let Some(failure) = self.not_ready(now) {
            return Some(Err(failure));
        }
        Some(match name {
            "+CSMS" => self.service(what),
            "+CMGF" if self.wants_text_mode(what) => Err(self.model.manners.text_mode.unwrap_or(WRONG)),
            "+CMGF" => self.number_setting(name, what, 1, |s| &mut s.text_mode, Failure::Cms(303)),
            "+CPMS" => self.memories(what),
            "+CSCA" => self.service_centre(what),
            "+CNMI" => self.notifications(what),
            // Nothing is ever waiting for an acknowledgement: what was routed is gone from the network.
            "+CNMA" if self.settings.service == 1 => Ok(Done::Ok),
            "+CNMA" => Err(Failure::Cms(340)),
            "+CGSMS" => self.number_setting(name, what, 3, |s| &mut s.bearer, Failure::Cme(50)),
            "+CMMS" if self.model.manners.keep_link.is_some() => Err(self.model.manners.keep_link.unwrap_or(WRONG)),
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

    /// What message commands fail with while the message service is not up, or the SIM cannot be used.
    pub(super) fn not_ready(&self, now: Now) -> Option<Failure> {
        if now.monotonic < self.sms_ready {
            return Some(self.model.boot.early);
        }
        self.card.failure().map(|(_, cms)| cms)
    }

    fn wants_text_mode(&self, what: &What) -> bool {
        let one = matches!(what, What::Set(parameters) if parameters.text(0) == "1");
        one && self.model.manners.text_mode.is_some()
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
            What::Test if self.model.stores.one_parameter => self.info("+CPMS: ((\"SM\",\"BM\",\"SR\"),(\"SM\"))"),
            What::Test => {
                let lists = self.model.stores.listed.map(|list| {
                    let names: alloc::vec::Vec<String> = list.iter().map(|m| format!("\"{}\"", m.name())).collect();
                    format!("({})", names.join(","))
                });
                self.info(&format!("+CPMS: {}", lists.join(",")));
            }
            What::Read => {
                let all = self.settings.memories.map(|memory| {
                    let storage = self.storage(memory);
                    format!("\"{}\",{},{}", memory.name(), storage.used(), storage.total())
                });
                self.info(&format!("+CPMS: {}", all.join(",")));
            }
            What::Set(parameters) => {
                let chosen = self.chosen_memories(parameters)?;
                if chosen[2] != self.settings.memories[2] {
                    self.ailments.heal(Remedy::OtherMemory);
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

    fn chosen_memories(&self, parameters: &Parameters) -> Result<[Memory; 3], Failure> {
        let stores = &self.model.stores;
        let wrong = Failure::Cms(302);
        if parameters.count() > if stores.one_parameter { 1 } else { 3 } {
            return Err(wrong);
        }
        let mut chosen = self.settings.memories;
        for (place, (memory, listed)) in chosen.iter_mut().zip(stores.listed).enumerate() {
            match parameters.text(place) {
                "" if place > 0 => {}
                name => *memory = Memory::from_name(name).filter(|m| listed.contains(m)).ok_or(wrong)?,
            }
        }
        Ok(chosen)
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
                let ranges = self.model.notices.ranges.map(range);
                self.info(&format!("+CNMI: {}", ranges.join(",")));
            }
            What::Read => {
                let [mode, mt, bm, ds, bfr] = self.settings.notifications;
                self.info(&format!("+CNMI: {mode},{mt},{bm},{ds},{bfr}"));
            }
            What::Set(parameters) if parameters.count() <= 5 => {
                // What is left out keeps its value (V.250 clause 5.4.2.1 lets the maker choose).
                let mut chosen = self.settings.notifications;
                let notices = &self.model.notices;
                for (place, (value, legal)) in chosen.iter_mut().zip(notices.ranges).enumerate() {
                    *value = small(parameters, place, 3, *value, WRONG)?;
                    if !legal.contains(value) || notices.refused.contains(&(place, *value)) {
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
        let keeps = self.keeps_deleted;
        let place = self.storage(memory).place(index).ok_or(BAD_INDEX)?;
        if keeps {
            return Ok(Done::Ok);
        }
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

/// The values in brackets as `=?` lists them: a run of them by its ends.
fn range(values: &[u8]) -> String {
    let (first, last) = (
        values.first().copied().unwrap_or_default(),
        values.last().copied().unwrap_or_default(),
    );
    if values.len() > 2 && usize::from(last - first) == values.len() - 1 {
        return format!("({first}-{last})");
    }
    let words: alloc::vec::Vec<String> = values.iter().map(|value| format!("{value}")).collect();
    format!("({})", words.join(","))
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
