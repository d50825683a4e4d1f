//! Figures: tables for people, JSON for comparing two runs, and whether the goals are reached.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::plot::{Bar, svg};

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    None,
    Below(f64),
    AtLeast(f64),
}

/// One number.
pub(crate) struct Figure {
    name: String,
    value: f64,
    goal: Goal,
}

/// One case of a scenario.
pub(crate) struct Row {
    case: String,
    figures: Vec<Figure>,
    plots: Vec<String>,
}

impl Row {
    pub(crate) fn new(case: impl Into<String>) -> Self {
        Self {
            case: case.into(),
            figures: Vec::new(),
            plots: Vec::new(),
        }
    }

    pub(crate) fn figure(mut self, name: &str, value: f64, goal: Goal) -> Self {
        self.figures.push(Figure {
            name: name.to_owned(),
            value,
            goal,
        });
        self
    }

    /// Median and 99th percentile in milliseconds, and how they are spread.
    pub(crate) fn spread(self, name: &str, mut samples: Vec<Duration>, goals: (Goal, Goal)) -> Self {
        samples.sort_unstable();
        let at = |part: f64| {
            let place = ((samples.len() as f64 * part).ceil() as usize).clamp(1, samples.len().max(1)) - 1;
            samples.get(place).map_or(f64::NAN, |sample| sample.as_secs_f64() * 1e3)
        };
        let plot = format!("{}, {name}: {}", self.case, plot(&samples));
        let mut row = self.figure(&format!("{name} p50 ms"), at(0.5), goals.0).figure(
            &format!("{name} p99 ms"),
            at(0.99),
            goals.1,
        );
        row.plots.push(plot);
        row
    }
}

/// How many samples lie between one power of two of milliseconds and the next.
fn plot(samples: &[Duration]) -> String {
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let mut counts = [0_usize; 16];
    for sample in samples {
        // 1/16 ms and less, ..., 2 s and more.
        let power = (sample.as_secs_f64() * 16e3).max(1.0).log2() as usize;
        counts[power.min(15)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    let bars: String = counts.iter().map(|count| BARS[(count * 8).div_ceil(most)]).collect();
    format!("1/16 ms |{bars}| 2 s, {} samples", samples.len())
}

/// All of a run.
#[derive(Default)]
pub(crate) struct Report {
    scenarios: Vec<(String, Vec<Row>, f64)>,
}

impl Report {
    /// Takes the rows and prints them.
    pub(crate) fn add(&mut self, name: &str, what: &str, rows: Vec<Row>, others: f64) {
        println!("\n### {name}: {what}\n");
        if let Some(first) = rows.first() {
            let names: Vec<&str> = first.figures.iter().map(|figure| figure.name.as_str()).collect();
            println!("| case | {} |", names.join(" | "));
            println!("| --- |{}", " --- |".repeat(names.len()));
        }
        for row in &rows {
            let values: Vec<String> = row.figures.iter().map(|figure| number(figure.value)).collect();
            println!("| {} | {} |", row.case, values.join(" | "));
        }
        let plots: Vec<&String> = rows.iter().flat_map(|row| &row.plots).collect();
        if !plots.is_empty() {
            println!();
        }
        plots.iter().for_each(|plot| println!("    {plot}"));
        println!("\nOthers took {:.0} % of the machine meanwhile.", others * 100.0);
        self.scenarios.push((name.to_owned(), rows, others));
    }

    fn figures(&self) -> impl Iterator<Item = (String, &Figure)> {
        self.scenarios.iter().flat_map(|(name, rows, _)| {
            rows.iter().flat_map(move |row| {
                let key = format!("{name}: {}", row.case);
                row.figures
                    .iter()
                    .map(move |figure| (format!("{key}: {}", figure.name), figure))
            })
        })
    }

    /// Which goals are reached.
    pub(crate) fn judge(&self) {
        println!("\n### Goals\n");
        for (key, figure) in self.figures() {
            let (reached, words) = match figure.goal {
                Goal::None => continue,
                Goal::Below(limit) => (figure.value <= limit, format!("at most {limit}")),
                Goal::AtLeast(least) => (figure.value >= least, format!("at least {least}")),
            };
            let verdict = if reached { "reached" } else { "NOT REACHED" };
            println!("- {verdict}: {key}: {}, wanted {words}", number(figure.value));
        }
    }

    /// The goals as a picture.
    pub(crate) fn plot(&self, path: &Path) {
        let bar = |(name, figure): (String, &Figure)| {
            let (better, sign, goal) = match figure.goal {
                Goal::None => return None,
                Goal::Below(limit) => (limit / figure.value.max(1e-9), '≤', limit),
                Goal::AtLeast(least) => (figure.value / least, '≥', least),
            };
            let words = format!("{}, wanted {sign} {goal}", number(figure.value));
            Some(Bar { name, words, better })
        };
        let bars: Vec<Bar> = self.figures().filter_map(bar).collect();
        std::fs::write(path, svg(&bars)).expect("the file can be written");
    }

    /// This run beside an earlier one.
    pub(crate) fn compare(&self, path: &Path) {
        let text = std::fs::read_to_string(path).expect("a file of an earlier run");
        let earlier: Value = serde_json::from_str(&text).expect("JSON of an earlier run");
        println!(
            "\n### Against {}\n\n| figure | then | now | now / then |\n| --- | --- | --- | --- |",
            path.display()
        );
        for (key, figure) in self.figures() {
            if let Some(then) = earlier["figures"][&key].as_f64() {
                let (now, ratio) = (number(figure.value), figure.value / then);
                println!("| {key} | {} | {now} | {ratio:.2} |", number(then));
            }
        }
    }

    /// As JSON: each figure under its full name.
    pub(crate) fn write(&self, path: &Path) {
        let figures: serde_json::Map<String, Value> =
            self.figures().map(|(key, figure)| (key, json!(figure.value))).collect();
        let others: serde_json::Map<String, Value> = self
            .scenarios
            .iter()
            .map(|(name, _, others)| (name.clone(), json!(others)))
            .collect();
        let text = json!({ "figures": figures, "others_share_of_machine": others }).to_string();
        std::fs::write(path, text).expect("the file can be written");
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
