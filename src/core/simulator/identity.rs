//! Who a virtual modem and its SIM are. Plausible, distinct within a bank, and the same for the same seed.

use alloc::format;
use alloc::string::String;

/// Identities of one modem and the SIM in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// 15 digits, the last a check digit (3GPP TS 23.003 clause 6.2).
    pub imei: String,
    /// 19 digits, the last a check digit (ITU-T E.118).
    pub iccid: String,
    /// 15 digits.
    pub imsi: String,
    /// Own number in E.164 form.
    pub number: String,
    /// Service-centre number in E.164 form.
    pub smsc: String,
}

impl Identity {
    /// Of the modem at `index` of the bank with this seed. Two places of one bank never share one.
    #[must_use]
    pub fn new(seed: u64, index: usize) -> Self {
        // The seed sets the hundreds and up, the place the last three digits: distinct up to 1,000 modems.
        let block = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 50;
        let serial = (block % 1_000) * 1_000 + index as u64 % 1_000;
        Self {
            imei: with_check_digit(&format!("35742208{serial:06}")),
            iccid: with_check_digit(&format!("893530120{serial:09}")),
            imsi: format!("272999{serial:09}"),
            number: format!("+35385{:07}", 5_000_000 + serial),
            smsc: "+35385000000".into(),
        }
    }
}

/// Appends the digit that makes Luhn's sum a multiple of ten.
fn with_check_digit(digits: &str) -> String {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit.wrapping_sub(b'0'));
            if place % 2 == 0 {
                digit * 2 / 10 + digit * 2 % 10
            } else {
                digit
            }
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_check_digit_is_that_of_a_known_number() {
        assert_eq!(with_check_digit("49015420323751"), "490154203237518");
    }

    #[test]
    fn no_two_modems_of_a_bank_are_alike() {
        for seed in [0, 1, 7, u64::MAX] {
            let all: BTreeSet<_> = (0..256)
                .flat_map(|i| {
                    let id = Identity::new(seed, i);
                    assert_eq!((id.imei.len(), id.iccid.len(), id.imsi.len()), (15, 19, 15));
                    assert!(crate::base::PhoneNumber::from_e164(&id.number).is_ok());
                    [id.imei, id.iccid, id.imsi, id.number]
                })
                .collect();
            assert_eq!(all.len(), 1_024);
        }
        assert_eq!(Identity::new(3, 5), Identity::new(3, 5));
        assert_ne!(Identity::new(3, 5), Identity::new(4, 5));
    }
}
