//! What is looked at while a modem has nothing to do, and what the networks said.

use core::time::Duration;

use super::profile::Learn;
use super::state::Registration;
use crate::base::Instant;

/// The card is asked who it is this often: one that was changed with the modem running tells nothing by itself.
pub(super) const CARD_EVERY: Duration = Duration::from_secs(600);

/// Something to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Poll {
    Signal,
    Circuit,
    Eps,
    Operator,
    Card,
}

impl Poll {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Signal => "AT+CSQ",
            Self::Circuit => "AT+CREG?",
            Self::Eps => "AT+CEREG?",
            Self::Operator => "AT+COPS?",
            Self::Card => "AT+CIMI",
        }
    }

    pub(super) const fn learn(self) -> Learn {
        match self {
            Self::Signal => Learn::Signal,
            Self::Circuit | Self::Eps => Learn::Registration,
            Self::Operator => Learn::Operator,
            // Compared, not kept.
            Self::Card => Learn::Nothing,
        }
    }
}

/// What is looked at, and when next.
#[derive(Debug, Default)]
pub(super) struct Stats {
    pub(super) circuit: Option<Registration>,
    pub(super) eps: Option<Registration>,
    pub(super) five_g: Option<Registration>,
    pub(super) round: heapless::Deque<Poll, 5>,
    pub(super) rounds: u8,
    pub(super) misses: u8,
    /// Refused since the last bring-up: not asked again.
    pub(super) refused: heapless::Vec<Poll, 5>,
    pub(super) health_at: Instant,
    pub(super) card_at: Instant,
    /// Another card answered than the one bring-up found.
    pub(super) card_changed: bool,
    pub(super) registration_at: Instant,
    /// Since when there is no network.
    pub(super) lost_at: Option<Instant>,
}

impl Stats {
    /// Bring-up begins: what the network said before says nothing any more.
    pub(super) fn forget(&mut self) {
        self.circuit = None;
        self.eps = None;
        self.five_g = None;
    }

    /// Bring-up has ended: the first look is due at once.
    pub(super) fn begin(&mut self, now: Instant) {
        self.refused.clear();
        self.round.clear();
        self.rounds = 0;
        self.misses = 0;
        self.health_at = now;
        self.registration_at = now;
        self.lost_at = None;
        self.card_at = now + CARD_EVERY;
        self.card_changed = false;
    }

    pub(super) fn ask(&mut self, polls: &[Poll]) {
        for poll in polls {
            if !self.refused.contains(poll) && !self.round.iter().any(|asked| asked == poll) {
                // Five kinds, five places.
                let _ = self.round.push_back(*poll);
            }
        }
    }

    /// Registered when one network says so; else the most telling of what the others say.
    pub(super) fn registration(&self) -> Registration {
        let told = [self.circuit, self.eps, self.five_g];
        let says = |what: Registration| told.contains(&Some(what));
        [
            Registration::Home,
            Registration::Roaming,
            Registration::Denied,
            Registration::Searching,
            Registration::EmergencyOnly,
            Registration::NotSearching,
        ]
        .into_iter()
        .find(|registration| says(*registration))
        .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_is_enough() {
        let mut stats = Stats {
            circuit: Some(Registration::Searching),
            eps: Some(Registration::Roaming),
            ..Stats::default()
        };
        assert_eq!(stats.registration(), Registration::Roaming);
        stats.eps = Some(Registration::Denied);
        assert_eq!(stats.registration(), Registration::Denied);
        assert_eq!(Stats::default().registration(), Registration::Unknown);
    }
}
