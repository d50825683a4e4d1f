//! Whether a PIN may be given to a card: judged before it is given, by what was written down of it before. Pure; the store
//! calls it inside the transaction that writes the try down.

/// Times a PIN is given by itself without ever an answer. Each time the card's counter proves that the time before cost nothing;
/// one that proves it wrongly must not cost the card.
const UNANSWERED: u8 = 2;

/// What was written down of a PIN and a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Given, and no answer written down.
    Given {
        /// Tries the card had left before.
        tries_left: u16,
        /// So often.
        times: u8,
    },
    /// The card refused it.
    Refused,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Write the try down as the n-th without an answer; then it may be given.
    Give {
        /// n.
        times: u8,
    },
    /// It is not given. To be written down as refused, if it is not yet.
    Refused,
    /// It is not given by itself any more; a person may.
    Unanswered,
}

/// Judges a try. `tries_left` is what the card tells now. A try that was never answered did not reach the card if its counter stands
/// as before; if it is higher, the card took a right PIN since. `by_person`: somebody gives it who may know better.
#[must_use]
pub const fn decide(known: Option<Known>, tries_left: u16, by_person: bool) -> Decision {
    match known {
        None => Decision::Give { times: 1 },
        Some(Known::Refused) => Decision::Refused,
        Some(Known::Given { tries_left: before, .. }) if tries_left < before => Decision::Refused,
        Some(Known::Given { times, .. }) if times < UNANSWERED || by_person => Decision::Give {
            times: times.saturating_add(1),
        },
        Some(Known::Given { .. }) => Decision::Unanswered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_given_again_only_when_the_counter_proves_that_it_cost_nothing() {
        let given = |tries_left, times| Some(Known::Given { tries_left, times });
        for (known, tries_left, by_person, decision) in [
            (None, 3, false, Decision::Give { times: 1 }),
            (Some(Known::Refused), 3, false, Decision::Refused),
            (Some(Known::Refused), 3, true, Decision::Refused),
            (given(3, 1), 2, false, Decision::Refused),
            (given(3, 1), 2, true, Decision::Refused),
            (given(3, 1), 3, false, Decision::Give { times: 2 }),
            // It was right: the card counts anew.
            (given(2, 1), 3, false, Decision::Give { times: 2 }),
            (given(3, 2), 3, false, Decision::Unanswered),
            (given(3, 2), 3, true, Decision::Give { times: 3 }),
        ] {
            assert_eq!(decide(known, tries_left, by_person), decision, "{known:?} {tries_left}");
        }
    }

    #[test]
    fn whatever_a_card_answers_a_pin_costs_it_one_try() {
        // A wrong PIN whose answers are all lost, and a counter that tells the truth.
        for reaches in 0..16_u8 {
            let (mut left, mut known) = (3, None);
            for life in 0..4 {
                match decide(known, left, false) {
                    Decision::Give { times } => {
                        known = Some(Known::Given {
                            tries_left: left,
                            times,
                        });
                        left -= u16::from(reaches >> life & 1);
                    }
                    Decision::Refused => known = Some(Known::Refused),
                    Decision::Unanswered => {}
                }
            }
            assert!(left >= 2, "{reaches:04b}");
        }
    }
}
