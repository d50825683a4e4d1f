//! `[dispatch] prefer`, `[[operator]]` and `[[tariff]]`: which of several free SIMs a text should rather go through.

use std::collections::BTreeSet;

use wardwire_core::dispatch::Preference;
use wardwire_core::dispatch::prefer::{Operator, Rule, Tariff};

use super::pools::{bounded, cards, list, prefixes, texts};
use super::walk::{At, Section, Walk, nearest};

/// Operators and tariffs at most.
const OPERATORS: usize = 64;
const TARIFFS: usize = 256;
/// Different beginnings of numbers in all of them: what each SIM makes of each is kept in memory.
const PREFIXES: usize = 512;
/// What a part may cost.
const COST_MAX: u32 = 1_000_000;

/// All of it.
pub(super) fn preference<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Preference {
    let rules = rules(walk, root);
    let operators = operators(walk, root);
    let tariffs = tariffs(walk, root);
    let of_tariffs = tariffs.iter().flat_map(|tariff| &tariff.prefixes);
    let all: BTreeSet<&String> = operators.iter().flat_map(|of| &of.prefixes).chain(of_tariffs).collect();
    if all.len() > PREFIXES {
        let at = root.value("tariff").or(root.value("operator"));
        let at = at.map_or(0, |value| value.span().start);
        let what = format!("more than {PREFIXES} different beginnings of numbers");
        walk.fail(at, "tariff", what, "name only those that make a difference");
    }
    Preference::new(rules, operators, tariffs)
}

fn rules<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Vec<Rule> {
    let mut found: Vec<Rule> = Vec::new();
    let section = walk.section(root, "dispatch");
    let listed = walk.strings(&section, "prefer").map(|(listed, _)| listed);
    for (index, (text, span)) in listed.into_iter().flatten().enumerate() {
        let key = format!("{}[{}]", section.key("prefer"), index + 1);
        let words = Rule::ALL.map(Rule::as_str);
        let Some(rule) = Rule::ALL.into_iter().find(|rule| rule.as_str() == text) else {
            let mend = nearest(text, &words).map_or_else(
                || format!("there are: {}", words.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            walk.fail(span.start, &key, "is no such rule", mend);
            continue;
        };
        let table = match rule {
            Rule::SameOperator => "operator",
            Rule::LeastCost => "tariff",
        };
        if found.contains(&rule) {
            walk.fail(span.start, &key, "is there twice", "name each rule once");
        } else if root.value(table).is_none() {
            let mend = format!("write at least one [[{table}]], or leave the rule out");
            walk.fail(span.start, &key, "has nothing to go by", mend);
        } else {
            found.push(rule);
        }
    }
    found
}

fn operators<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Vec<Operator> {
    let mut found: Vec<Operator> = Vec::new();
    for section in bounded(walk, root, "operator", OPERATORS) {
        walk.missing(&section, "plmns", "name its networks, as plmns = [\"27201\"]");
        walk.missing(
            &section,
            "prefixes",
            "name how its numbers begin, as prefixes = [\"+35387\"]",
        );
        let plmns = plmns(walk, &section);
        let prefixes = prefixes(walk, &section);
        for (index, (text, span)) in prefixes.iter().enumerate() {
            if found
                .iter()
                .any(|other| other.prefixes.iter().any(|taken| taken == text))
            {
                let key = format!("{}[{}]", section.key("prefixes"), index + 1);
                let mend = "leave it to one of them, or write longer ones";
                walk.fail(span.start, &key, "belongs to another operator too", mend);
            }
        }
        found.push(Operator {
            plmns: texts(&plmns),
            prefixes: texts(&prefixes),
        });
    }
    found
}

fn tariffs<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Vec<Tariff> {
    let mut found = Vec::new();
    for section in bounded(walk, root, "tariff", TARIFFS) {
        walk.missing(
            &section,
            "cost_per_part",
            "say what a part costs, as cost_per_part = 40",
        );
        found.push(Tariff {
            plmns: texts(&plmns(walk, &section)),
            sims: texts(&cards(walk, &section)),
            prefixes: texts(&prefixes(walk, &section)),
            cost_per_part: walk.number(&section, "cost_per_part", 0..COST_MAX + 1, 0),
        });
    }
    found
}

/// Networks of operators.
pub(super) fn plmns<'a>(walk: &mut Walk<'a>, section: &Section<'a>) -> Vec<At<&'a str>> {
    let plmns = list(walk, section, "plmns");
    for (index, (text, span)) in plmns.iter().enumerate() {
        if !(5..=6).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
            let key = format!("{}[{}]", section.key("plmns"), index + 1);
            let mend = "write the country's three digits and the network's two or three, as \"27201\"";
            walk.fail(span.start, &key, "is no network", mend);
        }
    }
    plmns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check;
    use std::fmt::Write;

    fn with(lines: &str) -> Result<Preference, String> {
        let text = format!("data_dir = 'd'\nregion = 'IE'\n{lines}\n");
        check(&text, "w.toml")
            .map(|config| config.preference)
            .map_err(|errors| {
                let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
                texts.join("\n")
            })
    }

    #[test]
    fn rules_are_off_until_they_are_named_and_weigh_in_their_order() {
        let tables = "[[operator]]\nplmns = ['27201', '272017']\nprefixes = ['+35387']\n\
                      [[tariff]]\nplmns = ['27201']\nsims = ['8935301234567890123']\nprefixes = ['+353']\ncost_per_part = 40\n\
                      [[tariff]]\ncost_per_part = 1000000";
        assert!(with(tables).unwrap().is_off());
        assert!(with(&format!("[dispatch]\nprefer = []\n{tables}")).unwrap().is_off());
        let text = |text: &str| vec![text.to_owned()];
        let expected = Preference::new(
            vec![Rule::LeastCost, Rule::SameOperator],
            vec![Operator {
                plmns: vec!["27201".to_owned(), "272017".to_owned()],
                prefixes: text("+35387"),
            }],
            vec![
                Tariff {
                    plmns: text("27201"),
                    sims: text("8935301234567890123"),
                    prefixes: text("+353"),
                    cost_per_part: 40,
                },
                Tariff {
                    cost_per_part: 1_000_000,
                    ..Tariff::default()
                },
            ],
        );
        let found = with(&format!(
            "[dispatch]\nprefer = ['least_cost', 'same_operator']\n{tables}"
        ));
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_meant_is_told_with_its_place() {
        for (lines, said) in [
            (
                "[dispatch]\nprefer = ['cheapest']",
                "dispatch.prefer[1]: is no such rule; there are",
            ),
            ("[dispatch]\nprefer = ['least_costs']", "did you mean least_cost?"),
            ("[dispatch]\nprefer = 'least_cost'", "dispatch.prefer: is a text"),
            (
                "[dispatch]\nprefer = ['least_cost']",
                "dispatch.prefer[1]: has nothing to go by; write at least one [[tariff]]",
            ),
            (
                "[dispatch]\nprefer = ['same_operator']\n[[tariff]]\ncost_per_part = 1",
                "write at least one [[operator]]",
            ),
            (
                "[dispatch]\nprefer = ['least_cost', 'least_cost']\n[[tariff]]\ncost_per_part = 1",
                "dispatch.prefer[2]: is there twice",
            ),
            ("[[operator]]\nprefixes = ['+353']", "operator[1].plmns: is missing"),
            ("[[operator]]\nplmns = ['27201']", "operator[1].prefixes: is missing"),
            (
                "[[operator]]\nplmns = ['2720']\nprefixes = ['+353']",
                "operator[1].plmns[1]: is no network",
            ),
            (
                "[[operator]]\nplmns = ['27201']\nprefixes = ['087']",
                "operator[1].prefixes[1]: is no beginning",
            ),
            (
                "[[operator]]\nplmns = ['27201']\nprefixes = ['+353']\n[[operator]]\nplmns = ['27205']\nprefixes = ['+353']",
                "operator[2].prefixes[1]: belongs to another operator too",
            ),
            ("[[tariff]]\nprefixes = ['+353']", "tariff[1].cost_per_part: is missing"),
            (
                "[[tariff]]\ncost_per_part = 1000001",
                "tariff[1].cost_per_part: out of range",
            ),
            (
                "[[tariff]]\ncost_per_part = 1\nsims = ['12']",
                "tariff[1].sims[1]: is no ICCID",
            ),
            (
                "[[tariff]]\ncost_per_part = 1\nplmns = []",
                "tariff[1].plmns: names none",
            ),
            ("[[tariff]]\ncost_per_part = 1\nmodem = 'm0'", "unknown key"),
        ] {
            let found = with(lines).unwrap_err();
            assert!(found.contains(said), "{lines}\n{found}");
        }
    }

    #[test]
    fn beginnings_of_numbers_are_counted_over_all_tables() {
        let tables = |count: u32| {
            let mut lines = String::new();
            for table in 0..count.div_ceil(200) {
                let prefixes: Vec<String> = (table * 200..count.min(table * 200 + 200))
                    .map(|n| format!("'+{}'", 100_000 + n))
                    .collect();
                write!(
                    lines,
                    "[[tariff]]\ncost_per_part = 1\nprefixes = [{}]\n",
                    prefixes.join(", ")
                )
                .unwrap();
            }
            with(&lines)
        };
        assert!(tables(512).is_ok());
        assert!(tables(513).unwrap_err().contains("tariff: more than 512 different"));
    }
}
