//! Commands that concern the SIM card and the network (3GPP TS 27.007 clauses 5 to 8).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::card::Asks;
use super::{Done, Effect, Ended, Failure, Fault, Modem, Remedy, What, small};
use crate::base::Now;

const OPERATOR: &str = "Virtual Mobile";
const PLMN: &str = "27299";
/// The operator above as EF FPLMN has it.
const PLMN_OCTETS: [u8; 3] = [0x72, 0xF2, 0x99];

impl Modem {
    pub(super) fn network(&mut self, name: &str, what: &What, now: Now) -> Option<Ended> {
        if matches!(name, "+CIMI" | "+CRSM" | "+CNUM") {
            if now.monotonic < self.sim_ready {
                return Some(Err(Failure::Cme(14)));
            }
            // The number of the card can be read without its PIN.
            if let Some((cme, _)) = self.card.failure().filter(|_| name != "+CRSM" || !self.card.present) {
                return Some(Err(cme));
            }
        }
        Some(match name {
            "+CPIN" => self.pin(what, now),
            "+CIMI" => self.told(what, &self.identity.imsi.clone()),
            "+CRSM" => self.restricted_access(what),
            "+CNUM" => self.told(what, &format!("+CNUM: \"\",\"{}\",145", self.identity.number)),
            "+CFUN" => self.functionality(what),
            "+CREG" => self.registration(name, what, 0),
            "+CGREG" => self.registration(name, what, 1),
            "+CEREG" if self.model.manners.lte => self.registration(name, what, 2),
            "+COPS" => self.operator(what),
            "+CSQ" => {
                let signal = if self.serves(now) { self.signal } else { 99 };
                self.told(what, &format!("+CSQ: {signal},99"))
            }
            "+CESQ" => {
                let level = if self.serves(now) {
                    self.signal.saturating_mul(2)
                } else {
                    255
                };
                self.told(what, &format!("+CESQ: 99,99,255,255,20,{level}"))
            }
            "+CGATT" => match what {
                What::Set(_) => Ok(Done::Ok),
                What::Read => self.told(what, "+CGATT: 0"),
                What::Run | What::Test => Err(Failure::Plain),
            },
            _ => return None,
        })
    }

    fn pin(&mut self, what: &What, now: Now) -> Ended {
        match what {
            What::Read if now.monotonic < self.sim_ready => Err(Failure::Cme(14)),
            What::Read => {
                let state = match self.card.asks() {
                    Asks::Nothing => "READY",
                    Asks::Pin => "SIM PIN",
                    Asks::Puk => "SIM PUK",
                    Asks::Card => return Err(self.card.failure().map_or(Failure::Cme(10), |(cme, _)| cme)),
                };
                self.told(what, &format!("+CPIN: {state}"))
            }
            What::Test => Ok(Done::Ok),
            What::Set(parameters) => {
                self.card.give(parameters.text(0), parameters.text(1))?;
                self.noisy = self.model.noise.is_some();
                self.effects.push(Effect::Listen);
                Ok(Done::Ok)
            }
            What::Run => Err(Failure::Cme(3)),
        }
    }

    /// `AT+CRSM=176,<file>,...`: READ BINARY of a few elementary files (3GPP TS 31.102, TS 51.011); and `214`, UPDATE
    /// BINARY of the list of forbidden networks.
    fn restricted_access(&mut self, what: &What) -> Ended {
        let What::Set(parameters) = what else {
            return self.told(what, "");
        };
        let wrong = Failure::Cme(50);
        let command = parameters.number(0).map_err(|_| wrong)?.ok_or(wrong)?;
        let file = parameters.number(1).map_err(|_| wrong)?.unwrap_or_default();
        let high = parameters.number(2).map_err(|_| wrong)?.unwrap_or_default();
        let low = parameters.number(3).map_err(|_| wrong)?.unwrap_or_default();
        let length = parameters.number(4).map_err(|_| wrong)?.unwrap_or_default();
        let offset = usize::try_from(high << 8 | low).map_err(|_| wrong)?;
        let length = usize::try_from(length).map_err(|_| wrong)?;
        let content: Option<Vec<u8>> = match file {
            12_258 => Some(swapped(&self.identity.iccid)),
            28_423 => Some(imsi_file(&self.identity.imsi)),
            28_483 => Some(Vec::from([self.last_reference, 0xFF])),
            28_589 => Some(Vec::from([0, 0, 0, 2])),
            28_539 => Some(Vec::from(self.card.forbidden)),
            _ => None,
        };
        let rest = content.as_deref().map(|content| content.get(offset..));
        let line = match (command, rest) {
            (176, None) => "+CRSM: 148,4".into(),
            // Offset outside the file; wrong length (TS 102 221 clause 10.2.1.5).
            (176 | 214, Some(None | Some([]))) => "+CRSM: 107,0".into(),
            (176, Some(Some(rest))) => {
                let wanted = if length == 0 { rest.len() } else { length };
                match rest.get(..wanted) {
                    Some(octets) => format!("+CRSM: 144,0,\"{}\"", hex(octets)),
                    None => "+CRSM: 103,0".into(),
                }
            }
            (214, Some(Some(_))) if file == 28_539 => {
                let content = crate::sms::hex::decode::<12>(parameters.text(5)).map_err(|_| wrong)?;
                let place = self.card.forbidden.get_mut(offset..offset + length);
                match place.filter(|place| place.len() == content.len()) {
                    Some(place) => {
                        place.copy_from_slice(&content);
                        if !self.card.forbidden.starts_with(&PLMN_OCTETS) {
                            self.ailments.heal(Remedy::Allowed);
                        }
                        "+CRSM: 144,0".into()
                    }
                    None => "+CRSM: 103,0".into(),
                }
            }
            // Instruction not supported.
            _ => "+CRSM: 109,0".into(),
        };
        self.info(&line);
        Ok(Done::Ok)
    }

    fn functionality(&mut self, what: &What) -> Ended {
        match what {
            What::Test => self.info("+CFUN: (0,1,4),(0,1)"),
            What::Read => self.info(&format!("+CFUN: {}", self.settings.functionality)),
            What::Set(parameters) => {
                let level = small(parameters, 0, 255, 1, Failure::Cme(50))?;
                let reset = small(parameters, 1, 1, 0, Failure::Cme(50))?;
                let restarts = self.model.restart_levels.contains(&level);
                if !restarts && !matches!(level, 0 | 1 | 4) {
                    return Err(Failure::Cme(50));
                }
                if restarts || reset == 1 || (level == 1 && self.model.manners.restarts_at_level_1) {
                    self.ask_for_restart();
                } else {
                    self.set_level(level);
                }
            }
            What::Run => return Err(Failure::Plain),
        }
        Ok(Done::Ok)
    }

    fn set_level(&mut self, level: u8) {
        if level == 1 && self.settings.functionality != 1 {
            self.ailments.heal(Remedy::Radio);
            self.denied = self.ailments.has(Fault::Denied);
        }
        self.settings.functionality = level;
        self.effects.push(Effect::Listen);
    }

    /// `<stat>` of the registration commands.
    pub(in crate::simulator) fn registration_state(&self) -> u8 {
        let settings = &self.settings;
        if settings.functionality != 1 || settings.deregistered || !self.card.usable() {
            0
        } else if self.denied {
            3
        } else if self.registered {
            1
        } else {
            2
        }
    }

    /// `<AcT>`: E-UTRAN or GSM.
    pub(in crate::simulator) fn access(&self) -> u8 {
        if self.model.manners.lte { 7 } else { 0 }
    }

    fn registration(&mut self, name: &str, what: &What, kind: usize) -> Ended {
        match what {
            What::Test => self.info(&format!("{name}: (0-2)")),
            What::Read => {
                let mode = self.settings.registration.get(kind).copied().unwrap_or_default();
                let state = self.registration_state();
                let place = if mode == 2 && state == 1 {
                    format!(",\"1A2B\",\"01C3D4E5\",{}", self.access())
                } else {
                    String::new()
                };
                self.info(&format!("{name}: {mode},{state}{place}"));
            }
            What::Set(parameters) => {
                let mode = small(parameters, 0, 2, 0, Failure::Cme(50))?;
                if let Some(setting) = self.settings.registration.get_mut(kind) {
                    *setting = mode;
                }
            }
            What::Run => return Err(Failure::Plain),
        }
        Ok(Done::Ok)
    }

    fn operator(&mut self, what: &What) -> Ended {
        let access = self.access();
        let name = if self.settings.operator_format == 2 {
            PLMN
        } else {
            OPERATOR
        };
        match what {
            What::Test => self.info(&format!(
                "+COPS: (2,\"{OPERATOR}\",\"Virtual\",\"{PLMN}\",{access}),,(0-4),(0-2)"
            )),
            What::Read if self.registration_state() == 1 => {
                self.info(&format!(
                    "+COPS: 0,{},\"{name}\",{access}",
                    self.settings.operator_format
                ));
            }
            What::Read => self.info(if self.settings.deregistered {
                "+COPS: 2"
            } else {
                "+COPS: 0"
            }),
            What::Set(parameters) => {
                let mode = small(parameters, 0, 4, 0, Failure::Cme(50))?;
                let format = small(parameters, 1, 2, self.settings.operator_format, Failure::Cme(50))?;
                self.settings.operator_format = format;
                if mode != 3 {
                    self.settings.deregistered = mode == 2;
                    self.effects.push(Effect::Listen);
                }
            }
            What::Run => return Err(Failure::Plain),
        }
        Ok(Done::Ok)
    }
}

/// Puts the network of the bank on the list of those that are not asked again.
pub(super) fn forbid(list: &mut [u8; 12]) {
    list.rotate_right(3);
    if let Some(first) = list.first_chunk_mut() {
        *first = PLMN_OCTETS;
    }
}

/// Digits as EF ICCID keeps them: two to an octet, the first in the low half, filled with F.
pub(super) fn swapped(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().map(|b| b.wrapping_sub(b'0') & 0x0F).collect();
    let pair = |pair: &[u8]| pair.first().copied().unwrap_or(0xF) | pair.get(1).copied().unwrap_or(0xF) << 4;
    digits.chunks(2).map(pair).collect()
}

/// EF IMSI: length, then an odd/even mark and the digits.
fn imsi_file(imsi: &str) -> Vec<u8> {
    let mut octets = Vec::from([8]);
    octets.extend(swapped(&format!("9{imsi}")));
    octets
}

/// Upper-case hexadecimal of any length.
pub(in crate::simulator) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_on_the_card_are_swapped_and_filled() {
        assert_eq!(hex(&swapped("8935301200000000015")), "985303210000000010F5");
        assert_eq!(hex(&imsi_file("272019000000001")), "082927100900000010");
    }
}
