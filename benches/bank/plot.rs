//! The goals as a picture: how many times better or worse than wanted each figure is. One bar each, from the line of the goal to
//! the right when it is reached, to the left when it is not.

use std::fmt::Write as _;

/// A figure with a goal.
pub(crate) struct Bar {
    /// What was measured.
    pub(crate) name: String,
    /// Value and goal in words.
    pub(crate) words: String,
    /// How many times better than wanted; below 1 is worse.
    pub(crate) better: f64,
}

const LABELS: f64 = 520.0;
const SCALE: f64 = 360.0;
const WORDS: f64 = 230.0;
const LINE: f64 = 22.0;
const TOP: f64 = 40.0;
/// Powers of two to the left and the right of the goal.
const LEFT: f64 = 2.0;
const RIGHT: f64 = 4.0;

/// The picture, as SVG that reads on a light and on a dark page.
pub(crate) fn svg(bars: &[Bar]) -> String {
    let (width, height) = (LABELS + SCALE + WORDS, TOP + LINE * bars.len() as f64 + 12.0);
    let x = |power: f64| LABELS + (power.clamp(-LEFT, RIGHT) + LEFT) / (LEFT + RIGHT) * SCALE;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for power in -2..=4_i32 {
        let at = x(f64::from(power));
        let (label, ink) = match power {
            0 => ("wanted".to_owned(), "#333"),
            1.. => (format!("{} × better", 1 << power), "#ccc"),
            _ => (format!("{} × worse", 1 << -power), "#ccc"),
        };
        let _ = writeln!(
            out,
            "<path d=\"M{at:.0} {:.0}V{:.0}\" stroke=\"{ink}\"/>\n<text x=\"{at:.0}\" y=\"{:.0}\" text-anchor=\"middle\" \
             fill=\"#555\" font-size=\"10\">{label}</text>",
            TOP - 8.0,
            height - 8.0,
            TOP - 14.0,
        );
    }
    for (nth, bar) in bars.iter().enumerate() {
        let y = TOP + LINE * nth as f64;
        let (goal, end) = (x(0.0), x(bar.better.max(1e-6).log2()));
        let fill = if bar.better >= 1.0 { "#2a7f62" } else { "#c8553d" };
        let _ = writeln!(
            out,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\" fill=\"#222\">{}</text>\n\
             <rect x=\"{:.1}\" y=\"{:.0}\" width=\"{:.1}\" height=\"12\" fill=\"{fill}\"/>\n\
             <text x=\"{:.0}\" y=\"{:.0}\" fill=\"#222\">{}</text>",
            LABELS - 10.0,
            y + 12.0,
            escaped(&bar.name),
            goal.min(end),
            y + 2.0,
            (end - goal).abs().max(1.0),
            LABELS + SCALE + 10.0,
            y + 12.0,
            escaped(&bar.words),
        );
    }
    out + "</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
