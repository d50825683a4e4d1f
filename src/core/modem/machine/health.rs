//! Looking after an idle modem: signal as the sign of life, registration, operator; and keeping what any answer tells.

use alloc::string::String;
use core::time::Duration;

use super::{Job, Modem};
use crate::at::urc::Domain;
use crate::at::{FinalResult, Outcome, parse};
use crate::base::{Instant, Now, PhoneNumber};
use crate::modem::poll::{CARD_EVERY, Poll};
use crate::modem::profile::Learn;
use crate::modem::sim::iccid;
use crate::modem::state::{Access, Health, Registration};
use crate::modem::verbs::Event;
use crate::modem::why::Why;

/// Every so many looks at the signal, registration and operator are asked too.
const WHOLE_ROUND: u8 = 5;

/// While there is no network the card may be why: one that sat loose wants its PIN again, and not every modem says so.
const CARD_WITHOUT_NETWORK: Duration = Duration::from_secs(60);

/// A modem just set up finds its network within this time, and was asked for its card just now.
const LONGER_THAN_A_START: Duration = Duration::from_secs(15);

/// Without a network for longer than this, it is looked for at a slower pace.
const SHORT_LOSS: Duration = Duration::from_secs(120);

/// So much slower.
const SLOWER: u32 = 6;

/// Looks without an answer in a row that mean trouble; the first command after idling may get lost in a sleeping modem.
const MISSES: u8 = 2;

/// A text a modem tells of itself is cut here.
const TEXT: usize = 64;

impl Modem {
    fn looks_for_network(&self) -> bool {
        let registration = self.health.registration;
        !registration.is_registered() && registration != Registration::Unknown
    }

    /// When [`Modem::start_poll`] has something to do.
    pub(super) fn next_poll_at(&self) -> Instant {
        if !self.stats.round.is_empty() {
            Instant::ZERO
        } else if self.looks_for_network() {
            self.stats.health_at.min(self.stats.registration_at)
        } else {
            self.stats.health_at
        }
    }

    /// Looks at what is due.
    pub(super) fn start_poll(&mut self, now: Now) {
        let timing = self.profile.timing;
        let looks_for_network = self.looks_for_network();
        let has_card = self.identity.imsi.is_some();
        let stats = &mut self.stats;
        stats.lost_at = stats.lost_at.filter(|_| looks_for_network);
        if stats.round.is_empty() {
            if looks_for_network && stats.registration_at <= now.monotonic {
                if stats.lost_at.is_none() {
                    stats.card_at = stats.card_at.min(now.monotonic + LONGER_THAN_A_START);
                }
                let lost_at = *stats.lost_at.get_or_insert(now.monotonic);
                let slower = if now.monotonic.since(lost_at) < SHORT_LOSS {
                    1
                } else {
                    SLOWER
                };
                stats.registration_at = now.monotonic + timing.registration_every * slower;
                stats.ask(&[Poll::Circuit, Poll::Eps]);
                if stats.card_at <= now.monotonic && has_card {
                    stats.card_at = now.monotonic + CARD_WITHOUT_NETWORK;
                    stats.ask(&[Poll::Card]);
                }
            }
            if stats.health_at <= now.monotonic {
                stats.health_at = now.monotonic + timing.health_every;
                stats.ask(&[Poll::Signal]);
                if stats.rounds == 0 {
                    stats.ask(&[Poll::Circuit, Poll::Eps, Poll::Operator]);
                }
                stats.rounds = (stats.rounds + 1) % WHOLE_ROUND;
                if stats.card_at <= now.monotonic && has_card {
                    stats.card_at = now.monotonic + CARD_EVERY;
                    stats.ask(&[Poll::Card]);
                }
            }
        }
        if let Some(poll) = stats.round.pop_front() {
            self.run_plain(now, Job::Poll(poll), poll.text());
        }
    }

    /// The card says who it is.
    pub(super) fn card_told(&mut self, line: &str) {
        let digits = parse::digits(line);
        let known = self.identity.imsi.as_deref().is_none_or(|imsi| imsi == digits);
        self.stats.card_changed |= (6..=15).contains(&digits.len()) && !known;
    }

    pub(super) fn poll_done(&mut self, now: Now, poll: Poll, outcome: Outcome) {
        // Only a card that told itself at bring-up is asked. Where error codes went off with a restart, it says no more than ERROR.
        let gone = poll == Poll::Card
            && matches!(
                outcome,
                Outcome::Final(FinalResult::Error | FinalResult::Cme(10..=13) | FinalResult::Cms(310..=313))
            );
        if gone || core::mem::take(&mut self.stats.card_changed) {
            // Bring-up finds out which card it is, or waits for one.
            self.lose_settings(Why::SimBusy);
        }
        if let Some(dbm) = self.health.signal_dbm.filter(|_| poll == Poll::Signal) {
            self.history.add(now.utc, dbm);
        }
        match outcome {
            Outcome::Final(FinalResult::Ok) | Outcome::Settled => self.stats.misses = 0,
            Outcome::Final(FinalResult::Error | FinalResult::Cms(_) | FinalResult::Cme(_)) => {
                self.stats.misses = 0;
                // The signal is the sign of life: any answer to it will do.
                if poll != Poll::Signal && outcome == Outcome::Final(FinalResult::Error) {
                    let _ = self.stats.refused.push(poll);
                }
            }
            Outcome::Silent | Outcome::Escaped => {
                self.stats.misses += 1;
                if self.stats.misses >= MISSES {
                    self.stats.misses = 0;
                    self.resync(now);
                } else {
                    self.stats.health_at = now.monotonic + Duration::from_secs(1);
                }
            }
        }
    }

    /// Registration, asked for or told.
    pub(super) fn registration_told(&mut self, domain: Domain, line: parse::RegistrationLine) {
        let registration = Some(Registration::from_stat(line.stat));
        match domain {
            Domain::Circuit => self.stats.circuit = registration,
            Domain::Eps => self.stats.eps = registration,
            Domain::FiveG => self.stats.five_g = registration,
            // SMS does not depend on it.
            Domain::Packet => return,
        }
        let mut health = self.health.clone();
        health.registration = self.stats.registration();
        if let Some(act) = line.act {
            health.access = Access::from_act(act);
        }
        self.set_health(health);
        self.judge();
    }

    fn set_health(&mut self, health: Health) {
        if self.health != health {
            self.health = health;
            self.tell(Event::HealthChanged);
        }
    }

    /// Keeps what a line tells. False when it does not hold what it should.
    pub(super) fn learn(&mut self, learn: Learn, line: &str) -> bool {
        let (word, rest) = parse::split_prefix(line).unwrap_or(("", line));
        match learn {
            Learn::Nothing => true,
            Learn::Manufacturer => keep(&mut self.identity.manufacturer, rest),
            Learn::Model => keep(&mut self.identity.model, rest),
            Learn::Firmware => keep(&mut self.identity.firmware, rest),
            Learn::Imei => {
                let digits = parse::digits(line);
                let found = (14..=17).contains(&digits.len());
                found && keep(self.identity.imei.insert(String::new()), digits)
            }
            Learn::Imsi => {
                let digits = parse::digits(line);
                let found = (6..=15).contains(&digits.len());
                found && keep(self.identity.imsi.insert(String::new()), digits)
            }
            Learn::Iccid => match iccid(rest) {
                Some(iccid) => keep(self.identity.iccid.insert(String::new()), &iccid),
                None => false,
            },
            Learn::Number => {
                self.identity.number = own_number(rest).or(self.identity.number.take());
                true
            }
            Learn::SmsService => {
                let service = parse::params(rest).first().and_then(|service| parse::number(service));
                let wanted = service == Some(1) && !self.profile.quirks.no_acknowledge;
                self.inbox.acknowledge = wanted && !self.inbox.never_acknowledge;
                service.is_some()
            }
            Learn::Registration => {
                let domain = match word {
                    "+CREG" => Domain::Circuit,
                    "+CEREG" => Domain::Eps,
                    "+C5GREG" => Domain::FiveG,
                    _ => Domain::Packet,
                };
                let told = parse::registration(rest);
                if let Some(line) = told {
                    self.registration_told(domain, line);
                }
                told.is_some()
            }
            Learn::Signal => {
                let signal_dbm = parse::signal(rest);
                self.set_health(Health {
                    signal_dbm,
                    ..self.health.clone()
                });
                true
            }
            Learn::Operator => self.operator_told(rest),
        }
    }

    fn operator_told(&mut self, rest: &str) -> bool {
        let Some((_, name, act)) = parse::operator(rest) else {
            return false;
        };
        let mut health = self.health.clone();
        health.operator = name.chars().take(health.operator.capacity()).collect();
        if let Some(act) = act {
            health.access = Access::from_act(act);
        }
        self.set_health(health);
        true
    }
}

/// Keeps the first line of a text, without quotes, cut at [`TEXT`].
fn keep(kept: &mut String, text: &str) -> bool {
    *kept = text.trim().trim_matches('"').chars().take(TEXT).collect();
    !kept.is_empty()
}

/// The number behind `+CNUM:`, in international form or not at all.
fn own_number(rest: &str) -> Option<PhoneNumber> {
    let params = parse::params(rest);
    let (number, kind) = (params.get(1)?, params.get(2).copied().unwrap_or_default());
    if number.starts_with('+') {
        PhoneNumber::from_e164(number).ok()
    } else if kind == "145" {
        PhoneNumber::from_e164(&alloc::format!("+{number}")).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_number_is_international_or_none() {
        for (rest, number) in [
            (",\"+353871234567\",145", Some("+353871234567")),
            ("\"Line 1\",\"353871234567\",145", Some("+353871234567")),
            ("\"\",\"0871234567\",129", None),
            (",\"\",255", None),
            ("", None),
        ] {
            assert_eq!(own_number(rest).as_ref().map(PhoneNumber::as_e164), number, "{rest}");
        }
    }
}
