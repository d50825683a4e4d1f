//! Commands that concern neither network nor messages: the V.250 basics and who the modem is.

use alloc::format;
use alloc::string::String;

use super::{Done, Effect, Ended, Failure, Modem, Remedy, What, small};

impl Modem {
    pub(super) fn general(&mut self, name: &str, what: &What) -> Option<Ended> {
        Some(match name {
            "E" | "V" | "Q" => self.flag(name, what),
            "Z" | "&F" => {
                self.forget_settings();
                self.ailments.heal(Remedy::Profile);
                Ok(Done::Ok)
            }
            "I" => {
                let model = self.model;
                self.info(&format!(
                    "{}\r\n{}\r\nRevision: {}\r\nIMEI: {}",
                    model.manufacturer, model.model, model.firmware, self.identity.imei
                ));
                Ok(Done::Ok)
            }
            "S0" => self.auto_answer(what),
            "D" | "A" | "O" => Ok(Done::NoCarrier),
            // Accepted without effect: there is no line to drop, no speaker, no profile to write.
            "L" | "M" | "P" | "T" | "X" | "W" | "&C" | "&D" | "&K" | "&S" | "&R" | "&W" | "&V" | "\\Q" | "S3"
            | "S4" | "S5" | "S6" | "S7" | "S8" | "S10" => Ok(Done::Ok),
            "+GMI" | "+CGMI" => self.told(what, self.model.manufacturer),
            "+GMM" | "+CGMM" => self.told(what, self.model.model),
            "+GMR" | "+CGMR" => self.told(what, self.model.firmware),
            "+GSN" | "+CGSN" => self.serial_number(what),
            "+GCAP" => self.told(what, "+GCAP: +CGSM"),
            "+CMEE" => self.number_setting(name, what, 2, |s| &mut s.errors, Failure::Cme(50)),
            "+CSCS" => self.character_set(what),
            "+CPAS" => self.told(what, "+CPAS: 0"),
            "+CLCK" => self.lock(what),
            "+CPWD" => self.password(what),
            "+IPR" | "+ICF" | "+IFC" | "+ILRR" => self.line_setting(name, what),
            "+CRC" | "+COLP" | "+CCWA" | "+CTZU" | "+CTZR" | "+CMER" | "+CVHU" => Ok(Done::Ok),
            _ => return None,
        })
    }

    /// A command that only tells something.
    pub(super) fn told(&mut self, what: &What, line: &str) -> Ended {
        match what {
            What::Test => Ok(Done::Ok),
            What::Run | What::Read => {
                self.info(line);
                Ok(Done::Ok)
            }
            What::Set(_) => Err(Failure::Plain),
        }
    }

    fn flag(&mut self, name: &str, what: &What) -> Ended {
        let on = match what {
            What::Set(parameters) => small(parameters, 0, 1, 0, Failure::Plain)? == 1,
            What::Run => false,
            What::Read | What::Test => return Err(Failure::Plain),
        };
        match name {
            "E" => self.settings.echo = on,
            "V" => self.settings.verbose = on,
            _ => self.settings.quiet = on,
        }
        Ok(Done::Ok)
    }

    fn auto_answer(&mut self, what: &What) -> Ended {
        match what {
            What::Read => self.info(&format!("{:03}", self.settings.auto_answer)),
            What::Set(parameters) => self.settings.auto_answer = small(parameters, 0, 255, 0, Failure::Plain)?,
            What::Run | What::Test => return Err(Failure::Plain),
        }
        Ok(Done::Ok)
    }

    fn serial_number(&mut self, what: &What) -> Ended {
        let imei = self.identity.imei.clone();
        match what {
            What::Set(parameters) => match small(parameters, 0, 1, 0, Failure::Cme(50))? {
                0 => self.info(&imei),
                _ => self.info(&format!("+CGSN: \"{imei}\"")),
            },
            What::Run => self.info(&imei),
            What::Test => self.info("+CGSN: (0,1)"),
            What::Read => return Err(Failure::Plain),
        }
        Ok(Done::Ok)
    }

    fn character_set(&mut self, what: &What) -> Ended {
        match what {
            What::Test => self.info("+CSCS: (\"GSM\",\"IRA\")"),
            What::Read => self.info(&format!("+CSCS: \"{}\"", self.settings.character_set)),
            What::Set(parameters) => {
                let known = ["GSM", "IRA"]
                    .into_iter()
                    .find(|c| parameters.text(0).eq_ignore_ascii_case(c));
                self.settings.character_set = known.ok_or(Failure::Cme(3))?;
            }
            What::Run => return Err(Failure::Plain),
        }
        Ok(Done::Ok)
    }

    /// `AT+CLCK="SC",<mode>[,<PIN>]`: asks whether the SIM wants its PIN after power-on, or changes it.
    fn lock(&mut self, what: &What) -> Ended {
        match what {
            What::Test => self.info("+CLCK: (\"SC\")"),
            What::Set(parameters) if parameters.text(0) == "SC" => match (parameters.text(1), self.card.failure()) {
                (_, Some((cme, _))) => return Err(cme),
                ("2", None) => {
                    let line = format!("+CLCK: {}", u8::from(self.card.is_locked()));
                    self.info(&line);
                }
                ("0", None) => self.card.lock(false, parameters.text(2))?,
                ("1", None) => self.card.lock(true, parameters.text(2))?,
                _ => return Err(Failure::Cme(50)),
            },
            What::Set(_) | What::Run | What::Read => return Err(Failure::Cme(3)),
        }
        Ok(Done::Ok)
    }

    /// `AT+CPWD="SC",<old>,<new>`
    fn password(&mut self, what: &What) -> Ended {
        match what {
            What::Test => self.info("+CPWD: (\"SC\",8)"),
            What::Set(parameters) if parameters.text(0) == "SC" && parameters.text(2).len() >= 4 => {
                self.card.change(parameters.text(1), parameters.text(2))?;
            }
            What::Set(_) | What::Run | What::Read => return Err(Failure::Cme(3)),
        }
        Ok(Done::Ok)
    }

    /// Speed, framing and flow control of a line that has none of them: taken, and told as the usual values.
    fn line_setting(&mut self, name: &str, what: &What) -> Ended {
        let usual: String = match name {
            "+IPR" => "115200".into(),
            "+ICF" => "3,3".into(),
            "+IFC" => "2,2".into(),
            _ => "0".into(),
        };
        match what {
            What::Read => self.info(&format!("{name}: {usual}")),
            What::Test => self.info(&format!("{name}: ({usual})")),
            What::Set(_) => {}
            What::Run => return Err(Failure::Plain),
        }
        Ok(Done::Ok)
    }

    /// The modem is to start anew.
    pub(super) fn ask_for_restart(&mut self) {
        self.effects.push(Effect::Restart);
    }
}
