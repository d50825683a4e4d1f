//! What an operator's answer to a USSD code (27.007 clause 7.15) says of a SIM's credit. Each operator writes it in its own words, so
//! the site names those behind which the amount stands; what is no amount for certain is none.

/// Digits before the decimals at most: more of them are a phone number.
const DIGITS: usize = 9;

/// The first amount behind `after` (of any case; empty: the first of all), in hundredths of the unit the answer means. `None` where
/// the words are missing or no amount follows: dates, times, codes, shares and phone numbers are none.
#[must_use]
pub fn amount(answer: &str, after: &str) -> Option<i64> {
    let (answer, after) = (answer.to_lowercase(), after.to_lowercase());
    let begin = answer.find(after.as_str())? + after.len();
    let mut rest = answer.get(begin..)?;
    while let Some(place) = rest.find(|c: char| c.is_ascii_digit()) {
        let (ahead, run) = rest.split_at_checked(place)?;
        let end = run
            .find(|c: char| !c.is_ascii_digit() && !".,':/*#%+".contains(c))
            .unwrap_or(run.len());
        let (number, behind) = run.split_at_checked(end)?;
        let before = ahead.chars().next_back();
        if let Some(value) = value(number.trim_end_matches(['.', ',', ':', '\'']))
            && !before.is_some_and(|c| "*#+".contains(c))
        {
            return Some(if before == Some('-') { -value } else { value });
        }
        rest = behind;
    }
    None
}

/// Digits with one or two decimals or none, whole thousands set apart or not, in hundredths.
fn value(number: &str) -> Option<i64> {
    let is_mark = |c: char| !c.is_ascii_digit();
    let (whole, decimals) = match number.rsplit_once(is_mark) {
        Some((whole, decimals)) if decimals.len() <= 2 => (whole, decimals),
        Some(_) | None => (number, ""),
    };
    let decimal_mark = number.get(whole.len()..).and_then(|end| end.chars().next());
    let mut groups = whole.split(is_mark);
    let mut digits = alloc::string::String::from(groups.next()?);
    let first = digits.len();
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        digits.push_str(group);
    }
    let mut marks = whole.chars().filter(|c| is_mark(*c));
    let mark = marks.next();
    let alike = marks.all(|other| Some(other) == mark);
    let apart = mark.is_none() || (first <= 3 && alike && mark != decimal_mark);
    let money = [mark, decimal_mark].iter().flatten().all(|c| ".,'".contains(*c));
    let padded = digits.len() > 1 && digits.starts_with('0');
    if !apart || !money || padded || digits.len() > DIGITS {
        return None;
    }
    let tens = if decimals.len() == 1 { 10 } else { 1 };
    let hundredths = match decimals {
        "" => 0,
        some => some.parse::<i64>().ok()? * tens,
    };
    Some(digits.parse::<i64>().ok()? * 100 + hundredths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn operators_write_it_as_they_like() {
        for (answer, after, expected) in [
            ("Your balance is EUR 10.00", "", Some(1_000)),
            ("Your balance is EUR 10.00.", "balance is", Some(1_000)),
            ("Ihr Guthaben betraegt 12,40 EUR.", "", Some(1_240)),
            ("Guthaben:5,2€", "guthaben", Some(520)),
            ("Bal:Rs.25.50,Val:31/12/2026", "", Some(2_550)),
            ("Solde 1 SIM: 7 EUR", "SIM:", Some(700)),
            ("Credit: -1.20 EUR", "", Some(-120)),
            ("You have $1,234.56 left", "", Some(123_456)),
            ("Guthaben 1.234,5", "", Some(123_450)),
            ("1'250 CHF", "", Some(125_000)),
            ("1.250 CHF", "", Some(125_000)),
            ("0.00 EUR", "", Some(0)),
            // What else has digits.
            ("On 12.06.2026 10:15 it is 3.50", "", Some(350)),
            ("12.06.26: 3.50", "", Some(350)),
            ("Call 0871234567 or *100#: 9.99 EUR", "", Some(999)),
            ("+353871234567 has 20% and 4 EUR", "", Some(400)),
            ("353871234567 has 4 EUR", "", Some(400)),
            ("1.2.3", "", None),
            ("Try again later", "", None),
            ("10.00 EUR", "balance", None),
            ("5.00 until your balance is", "balance is", None),
            ("", "", None),
        ] {
            assert_eq!(amount(answer, after), expected, "{answer}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_harm(answer in ".{0,180}", after in ".{0,4}") {
            let _ = amount(&answer, &after);
        }

        #[test]
        fn an_amount_is_found_in_any_words(whole in 0u32..1_000_000, cents in 0u32..100, words in "[a-z ]{0,20}") {
            let answer = alloc::format!("{words} {whole}.{cents:02} {words}");
            prop_assert_eq!(amount(&answer, ""), Some(i64::from(whole) * 100 + i64::from(cents)));
        }
    }
}
