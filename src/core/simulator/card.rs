//! The SIM card in a modem: whether it is there, its PIN and PUK with their counters, its list of forbidden networks.

use alloc::string::String;

use super::command::Failure;

const PIN_TRIES: u8 = 3;
const PUK_TRIES: u8 = 10;
/// EF FPLMN when it is empty (3GPP TS 31.102 clause 4.2.16).
const NONE_FORBIDDEN: [u8; 12] = [0xFF; 12];

/// What the card asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Nothing,
    Pin,
    Puk,
    /// There is none, or it is blocked for good.
    Card,
}

/// A SIM card.
#[derive(Clone)]
pub(super) struct Card {
    pub(super) present: bool,
    pin: String,
    puk: String,
    /// The PIN is asked for after power-on.
    locked: bool,
    given: bool,
    pub(super) pin_left: u8,
    pub(super) puk_left: u8,
    pub(super) forbidden: [u8; 12],
}

impl core::fmt::Debug for Card {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "Card({:?}, {} and {} tries left)",
            self.asks(),
            self.pin_left,
            self.puk_left
        )
    }
}

impl Default for Card {
    fn default() -> Self {
        Self {
            present: true,
            pin: "1234".into(),
            puk: "12345678".into(),
            locked: false,
            given: false,
            pin_left: PIN_TRIES,
            puk_left: PUK_TRIES,
            forbidden: NONE_FORBIDDEN,
        }
    }
}

impl Card {
    /// A card that asks for its PIN; so many tries are left of three.
    pub(super) fn locked(pin: &str, puk: &str, tries: u8) -> Self {
        Self {
            pin: pin.into(),
            puk: puk.into(),
            locked: true,
            pin_left: tries.min(PIN_TRIES),
            ..Self::default()
        }
    }

    pub(super) fn asks(&self) -> Asks {
        match (
            self.present && self.puk_left > 0,
            self.pin_left,
            self.locked && !self.given,
        ) {
            (false, ..) => Asks::Card,
            (true, 0, _) => Asks::Puk,
            (true, _, true) => Asks::Pin,
            (true, _, false) => Asks::Nothing,
        }
    }

    pub(super) fn usable(&self) -> bool {
        self.asks() == Asks::Nothing
    }

    /// It was without power.
    pub(super) fn reset(&mut self) {
        self.given = false;
    }

    /// Tries that are left of what it asks for.
    pub(super) fn left(&self) -> u8 {
        if self.pin_left == 0 {
            self.puk_left
        } else {
            self.pin_left
        }
    }

    /// What commands that need the card fail with.
    pub(super) fn failure(&self) -> Option<(Failure, Failure)> {
        match self.asks() {
            Asks::Nothing => None,
            Asks::Pin => Some((Failure::Cme(11), Failure::Cms(311))),
            Asks::Puk => Some((Failure::Cme(12), Failure::Cms(316))),
            Asks::Card if self.present => Some((Failure::Cme(13), Failure::Cms(313))),
            Asks::Card => Some((Failure::Cme(10), Failure::Cms(310))),
        }
    }

    /// `AT+CPIN=<code>[,<new PIN>]`
    pub(super) fn give(&mut self, code: &str, new_pin: &str) -> Result<(), Failure> {
        match self.asks() {
            Asks::Nothing => Err(Failure::Cme(3)),
            Asks::Card => Err(self.failure().map_or(Failure::Cme(10), |(cme, _)| cme)),
            Asks::Pin => self.check_pin(code).map(|()| self.given = true),
            Asks::Puk if new_pin.is_empty() => Err(Failure::Cme(12)),
            Asks::Puk if code == self.puk => {
                (self.pin_left, self.puk_left) = (PIN_TRIES, PUK_TRIES);
                self.pin = new_pin.into();
                self.given = true;
                Ok(())
            }
            Asks::Puk => {
                self.puk_left -= 1;
                Err(Failure::Cme(16))
            }
        }
    }

    /// `AT+CLCK="SC",0|1,<PIN>`
    pub(super) fn lock(&mut self, on: bool, pin: &str) -> Result<(), Failure> {
        self.check_pin(pin)?;
        (self.locked, self.given) = (on, true);
        Ok(())
    }

    /// `AT+CPWD="SC",<old>,<new>`
    pub(super) fn change(&mut self, old: &str, new: &str) -> Result<(), Failure> {
        self.check_pin(old)?;
        self.pin = new.into();
        Ok(())
    }

    pub(super) fn is_locked(&self) -> bool {
        self.locked
    }

    fn check_pin(&mut self, pin: &str) -> Result<(), Failure> {
        if self.pin_left == 0 {
            return Err(Failure::Cme(12));
        }
        // The card counts before it compares.
        self.pin_left -= 1;
        if pin == self.pin {
            self.pin_left = PIN_TRIES;
            return Ok(());
        }
        Err(Failure::Cme(if self.pin_left == 0 { 12 } else { 16 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_wrong_pins_ask_for_the_puk_and_ten_wrong_puks_end_the_card() {
        let mut card = Card::locked("1111", "87654321", 3);
        assert_eq!(card.asks(), Asks::Pin);
        assert_eq!(
            [(); 3].map(|()| card.give("2222", "")),
            [16, 16, 12].map(|c| Err(Failure::Cme(c)))
        );
        assert_eq!((card.asks(), card.left()), (Asks::Puk, 10));
        assert_eq!(card.give("1111", ""), Err(Failure::Cme(12)));
        assert_eq!(card.give("00000000", "3333"), Err(Failure::Cme(16)));
        assert_eq!(card.give("87654321", "3333"), Ok(()));
        assert_eq!((card.asks(), card.left()), (Asks::Nothing, 3));
        card.reset();
        assert_eq!(
            (card.give("1111", ""), card.give("3333", "")),
            (Err(Failure::Cme(16)), Ok(()))
        );
        card.pin_left = 0;
        for _ in 0..10 {
            let _ = card.give("0", "3333");
        }
        assert_eq!(card.asks(), Asks::Card);
        assert_eq!(card.give("87654321", "3333"), Err(Failure::Cme(13)));
    }

    #[test]
    fn the_lock_is_put_on_and_taken_off_with_the_pin() {
        let mut card = Card::default();
        assert!(card.usable());
        assert_eq!(card.lock(true, "0000"), Err(Failure::Cme(16)));
        assert_eq!(card.lock(true, "1234"), Ok(()));
        assert_eq!(card.change("1234", "4321"), Ok(()));
        card.reset();
        assert_eq!(card.asks(), Asks::Pin);
        assert_eq!(card.give("4321", ""), Ok(()));
        assert_eq!(card.lock(false, "4321"), Ok(()));
        card.reset();
        assert!(card.usable());
    }
}
