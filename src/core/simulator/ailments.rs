//! What is the matter with one modem for longer, and what ends it.

use super::options::Fault;

/// What is done to a modem that may end what is the matter with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// `AT&F`, `ATZ`
    Profile,
    /// Another memory was chosen for what is received.
    OtherMemory,
    /// The radio was switched off and on.
    Radio,
    /// The list of forbidden networks was cleared.
    Allowed,
    /// It restarted, by command or by itself.
    Restart,
    /// Its USB side was reset.
    UsbReset,
    /// It was without power.
    PowerCycle,
}

/// Whether a remedy ends a lasting fault. What is in no line is ended only by a person.
const fn ends(remedy: Remedy, fault: Fault) -> bool {
    match remedy {
        Remedy::Profile => matches!(fault, Fault::OddProfile),
        Remedy::OtherMemory => matches!(fault, Fault::DeafUntilToggled),
        Remedy::Radio => matches!(fault, Fault::Deaf),
        Remedy::Allowed => matches!(fault, Fault::Denied),
        Remedy::Restart => matches!(
            fault,
            Fault::Deaf | Fault::NoticesStop | Fault::PoisonCommand | Fault::UrcsOnly
        ),
        Remedy::UsbReset => matches!(fault, Fault::UrcsOnly | Fault::DeadUntilUsbReset),
        Remedy::PowerCycle => matches!(
            fault,
            Fault::Deaf
                | Fault::NoticesStop
                | Fault::PoisonCommand
                | Fault::UrcsOnly
                | Fault::DeadUntilUsbReset
                | Fault::DeadUntilPowerCycle
        ),
    }
}

/// The lasting faults of one modem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ailments(u64);

impl Ailments {
    pub(super) fn of(faults: &[Fault]) -> Self {
        let mut ailments = Self::default();
        for fault in faults {
            ailments.add(*fault);
        }
        ailments
    }

    pub(super) const fn has(self, fault: Fault) -> bool {
        self.0 & 1 << fault as u64 != 0
    }

    pub(super) const fn add(&mut self, fault: Fault) {
        self.0 |= 1 << fault as u64;
    }

    pub(super) const fn remove(&mut self, fault: Fault) {
        self.0 &= !(1 << fault as u64);
    }

    /// Nothing it is told is heard, and it says nothing.
    pub(super) const fn is_dead(self) -> bool {
        self.has(Fault::DeadUntilUsbReset) || self.has(Fault::DeadUntilPowerCycle) || self.has(Fault::DeadForEver)
    }

    /// Nothing comes in over the air.
    pub(super) const fn is_deaf(self) -> bool {
        self.has(Fault::Deaf) || self.has(Fault::DeafUntilToggled) || self.is_dead()
    }

    /// Ends what the remedy ends.
    pub(super) fn heal(&mut self, remedy: Remedy) {
        if self.0 == 0 {
            return;
        }
        for fault in Fault::ALL {
            if ends(remedy, fault) {
                self.remove(fault);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_ends_what_it_ends_and_no_more() {
        let mut ailments = Ailments::default();
        for fault in Fault::ALL.into_iter().filter(|fault| fault.lasts()) {
            ailments.add(fault);
        }
        ailments.heal(Remedy::UsbReset);
        assert!(!ailments.has(Fault::DeadUntilUsbReset) && ailments.has(Fault::DeadUntilPowerCycle));
        ailments.heal(Remedy::PowerCycle);
        assert!(ailments.has(Fault::DeadForEver) && ailments.has(Fault::NoCredit) && ailments.has(Fault::Denied));
        assert!(!ailments.has(Fault::DeadUntilPowerCycle) && !ailments.has(Fault::Deaf));
        assert!(ailments.is_dead() && ailments.is_deaf());
        ailments.heal(Remedy::Allowed);
        ailments.remove(Fault::DeadForEver);
        assert!(!ailments.has(Fault::Denied) && !ailments.is_dead());
    }

    #[test]
    fn every_fault_has_a_bit() {
        assert!(Fault::ALL.len() <= 64);
    }
}
