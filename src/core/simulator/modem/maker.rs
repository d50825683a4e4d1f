//! Commands of the maker: what a model tells, takes and does not survive, from its data.

use alloc::string::String;

use super::super::model::{How, Told};
use super::{Done, Effect, Ended, Modem, What};

impl Modem {
    /// Answers a command the model has of its own; `None` when it has no such.
    pub(super) fn maker(&mut self, name: &str, what: &What) -> Option<Ended> {
        let model = self.model;
        if self.noisy && model.noise.as_ref().is_some_and(|noise| noise.ended_by == name) {
            self.noisy = false;
        }
        if model.fatal.contains(&name) {
            self.effects.push(Effect::Hang);
            return Some(Ok(Done::Silence));
        }
        if model.restart.contains(&name) && !matches!(what, What::Read | What::Test) {
            self.ask_for_restart();
            return Some(Ok(Done::Ok));
        }
        if let Some(told) = model.told.iter().find(|told| told.name == name && asked(told, what)) {
            if let Some((cme, _)) = self
                .card
                .failure()
                .filter(|_| told.line.contains("{iccid}") || told.line.contains("{imsi}"))
            {
                return Some(Err(cme));
            }
            if *what != What::Test || told.how == How::Test {
                for line in told.line.split('\n') {
                    let line = self.filled(line);
                    self.info(&line);
                }
            }
            return Some(Ok(Done::Ok));
        }
        (model.taken.contains(&name) && matches!(what, What::Set(_))).then_some(Ok(Done::Ok))
    }

    /// The line with what belongs to this modem put in.
    fn filled(&self, line: &str) -> String {
        let mut filled = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let (word, tail) = after.split_once('}').unwrap_or((after, ""));
            match word {
                "iccid" => filled.push_str(&self.identity.iccid),
                "swapped" => filled.push_str(&super::network::hex(&super::network::swapped(&self.identity.iccid))),
                "imei" => filled.push_str(&self.identity.imei),
                "imsi" => filled.push_str(&self.identity.imsi),
                "pin" => filled.push_str(&alloc::format!("{}", self.card.pin_left)),
                "puk" => filled.push_str(&alloc::format!("{}", self.card.puk_left)),
                "asked" => filled.push_str(&alloc::format!("{}", self.card.left())),
                _ => {}
            }
            rest = tail;
        }
        filled.push_str(rest);
        filled
    }
}

fn asked(told: &Told, what: &What) -> bool {
    match told.how {
        How::Any => true,
        How::Run => *what == What::Run || *what == What::Test,
        How::Read => *what == What::Read || *what == What::Test,
        How::Test => *what == What::Test,
    }
}
