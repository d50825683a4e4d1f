//! Rules of the site for which of several free SIMs a text should rather go through: they order, and nobody waits for them.

use wardwire::store::Routing;
use wardwire_core::base::Instant;
use wardwire_core::dispatch::prefer::{Operator, Rule, Tariff};
use wardwire_core::dispatch::{Preference, Rules};
use wardwire_core::simulator::{Fault, Identity, Options};

use super::site::Site;

/// Through modem 0 texts to `+35387` cost less, through modem 1 those to `+35386`; all else belongs to the operator of modem 1.
fn preference(rules: &[Rule]) -> Rules {
    let card = |modem| Identity::new(Options::default().seed, modem);
    let tariff = |modem, prefixes: &[&str], cost_per_part| Tariff {
        sims: vec![card(modem).iccid],
        prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
        cost_per_part,
        ..Tariff::default()
    };
    let tariffs = vec![
        tariff(0, &["+35387"], 1),
        tariff(1, &["+35386"], 1),
        tariff(1, &["+353"], 9),
    ];
    let operators = vec![Operator {
        plmns: vec![card(1).imsi],
        prefixes: vec!["+353".to_owned()],
    }];
    Rules {
        preference: Preference::new(rules.to_vec(), operators, tariffs),
        ..Rules::default()
    }
}

/// How many texts to numbers that begin so the network took from each modem.
fn taken(site: &Site, prefix: &str) -> [usize; 2] {
    [0, 1].map(|modem| {
        let texts = site.on_air(Some(modem)).into_iter();
        texts.filter(|text| text.recipient.starts_with(prefix)).count()
    })
}

/// Ten rounds of two texts, to a person each who knows no SIM; how many of them went through each modem.
fn rounds(rules: &[Rule], prefixes: [&str; 2]) -> [[usize; 2]; 2] {
    let mut site = Site::shared(2, preference(rules), Routing::default()).ready();
    for round in 0..10 {
        let to = prefixes.map(|prefix| format!("{prefix}{:07}", 1_000 + round));
        let texts = to.iter().map(|to| site.message(to, "Come at ten.")).collect();
        site.post(texts);
        site.seconds(30);
    }
    prefixes.map(|prefix| taken(&site, prefix))
}

#[test]
fn of_two_free_sims_the_cheaper_takes_the_text() {
    let both = ["+35387", "+35386"];
    assert_eq!(rounds(&[Rule::LeastCost], both), [[10, 0], [0, 10]]);
    let swapped = ["+35386", "+35387"];
    assert_eq!(rounds(&[Rule::LeastCost], swapped), [[0, 10], [10, 0]]);
}

#[test]
fn a_text_that_comes_alone_goes_through_a_sim_of_its_operator() {
    let mut site = Site::shared(2, preference(&[Rule::SameOperator]), Routing::default()).ready();
    for round in 0..10 {
        site.send(&format!("+35387{:07}", 1_000 + round), "Come at ten.");
        site.seconds(30);
    }
    assert_eq!(taken(&site, "+35387"), [0, 10]);
}

#[test]
fn nobody_waits_for_a_cheaper_sim_and_who_knows_one_keeps_it() {
    let mut site = Site::shared(2, preference(&[Rule::LeastCost]), Routing::default()).ready();
    let texts = (0..2)
        .map(|n| site.message(&format!("+35387000100{n}"), "Come at ten."))
        .collect();
    let from: Instant = site.now.monotonic;
    site.post(texts);
    assert_eq!([0, 1].map(|modem| site.said_since(modem, from, "AT+CMGS=")), [1, 1]);
    site.seconds(30);
    assert_eq!(taken(&site, "+35387"), [1, 1]);
    // From now on each of them is texted by the SIM that is known, dear or not.
    for _ in 0..3 {
        for n in [1, 0] {
            site.send(&format!("+35387000100{n}"), "Come at eleven.");
            site.seconds(30);
        }
    }
    assert_eq!(taken(&site, "+35387"), [4, 4]);
    // And what nobody knows goes to the dear one when the other is away.
    site.provoke(0, Fault::PortVanishes);
    site.send("+353870002000", "Come at ten.");
    site.seconds(30);
    assert_eq!(taken(&site, "+353870002"), [0, 1]);
}
