//! Provisioning recipes: the TOML of `firmware-config/provisioning/` to [`Recipe`]. Which settings fit a modem, why, and the
//! lines that make them; asking and sending is the command line's part.

use serde::Deserialize;
use wardwire_core::modem::AtLine;

/// Lines a recipe may have in each of its lists.
const LINES: usize = 8;

/// A setting a modem keeps in its own memory, made once, after a person was asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Its name, that of its file.
    pub name: String,
    /// What it does, in a few words.
    pub title: String,
    /// When it helps and what it costs.
    pub why: String,
    /// Profiles it is for.
    pub profiles: Vec<String>,
    /// Lines that show the state now, changing nothing.
    pub look: Vec<String>,
    /// Lines that make the setting, in order; the first one that is refused ends it.
    pub send: Vec<String>,
    /// Lines that undo it; empty where there is no way back.
    pub undo: Vec<String>,
    /// It is in force only after a restart of the modem.
    pub restart: bool,
}

impl Recipe {
    /// Whether it is offered for a modem brought up with this profile.
    #[must_use]
    pub fn is_for(&self, profile: &str) -> bool {
        self.profiles.iter().any(|name| name == profile)
    }

    /// Every line it may send.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let all = self.look.iter().chain(&self.send).chain(&self.undo);
        all.map(String::as_str)
    }
}

/// Why a recipe is refused.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// It is no TOML, or has keys or types that no recipe has; the text shows the place.
    #[error("recipe {0}: {1}")]
    Toml(String, String),
    /// The name in the file is not that of the file.
    #[error("recipe {0}: its name is not that of the file")]
    OtherName(String),
    /// It is for nothing, does nothing, or a list of lines is too long.
    #[error("recipe {0}: needs a profile and a line to send, and at most 8 lines in a list")]
    Empty(String),
    /// A line that may not stand in a recipe.
    #[error("recipe {0}: line {1:?} is none of settings: printable, begins with AT, no texts, calls, codes or files")]
    Line(String, String),
}

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        /// The shipped files: name without `.toml`, and text.
        const SHIPPED: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../firmware-config/provisioning/", $name, ".toml")))),+
        ];
    };
}

shipped!(
    "cinterion-flow-control",
    "factory-settings",
    "huawei-no-disk",
    "quectel-ims-off",
    "quectel-ims-on",
    "quectel-no-autodial",
    "quectel-urc-port-usb",
    "radio-on",
    "simcom-3g-only",
    "simcom-fixed-rate",
    "uart-flow-control",
    "zte-no-disk",
);

/// The recipes of the program, by name.
///
/// # Errors
/// None in a released build: a test reads them all.
pub fn recipes() -> Result<Vec<Recipe>, RecipeError> {
    SHIPPED.iter().map(|(name, text)| parse(name, text)).collect()
}

/// Reads a recipe; `name` is the file's.
///
/// # Errors
/// The first mistake.
pub fn parse(name: &str, text: &str) -> Result<Recipe, RecipeError> {
    let recipe: Recipe = toml::from_str(text).map_err(|error| RecipeError::Toml(name.to_owned(), error.to_string()))?;
    if recipe.name != name {
        return Err(RecipeError::OtherName(name.to_owned()));
    }
    let lists = [&recipe.look, &recipe.send, &recipe.undo];
    if recipe.profiles.is_empty() || recipe.send.is_empty() || lists.iter().any(|list| list.len() > LINES) {
        return Err(RecipeError::Empty(name.to_owned()));
    }
    if let Some(line) = recipe.lines().find(|line| !is_setting(line)) {
        return Err(RecipeError::Line(name.to_owned(), line.to_owned()));
    }
    Ok(recipe)
}

/// A line that sets or shows something, and touches no message, call, code or file.
fn is_setting(line: &str) -> bool {
    const NEVER: &[&str] = &[
        "+CMG", "+CMS", "+CNMA", "+CPIN", "+CLCK", "+CPWD", "+CPMS", "+CNMI", "+CUSD", "+CHLD", "+CRSM", "+CSIM",
        "+QF", "ATD", ";",
    ];
    let upper = line.to_ascii_uppercase();
    AtLine::from_text(line).is_some_and(|whole| whole.as_str() == line)
        && upper.starts_with("AT")
        && !NEVER.iter().any(|never| upper.contains(never))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::profile;

    const WHOLE: &str = "name = 'x'\ntitle = 't'\nwhy = 'w'\nprofiles = ['generic']\nlook = []\nsend = ['AT+X=1']\nundo = []\nrestart = false\n";

    #[test]
    fn every_file_of_the_folder_is_shipped_and_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/firmware-config/provisioning");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
            .collect();
        found.sort();
        let read: Vec<String> = recipes().unwrap().into_iter().map(|recipe| recipe.name).collect();
        assert_eq!(found, read);
    }

    #[test]
    fn every_recipe_is_for_profiles_there_are_and_forbids_nothing_to_them() {
        let profiles = profile::profiles(&[]).unwrap();
        let all: Vec<_> = profiles.models().iter().chain([profiles.generic()]).collect();
        for recipe in recipes().unwrap() {
            for name in &recipe.profiles {
                let profile = all.iter().find(|profile| profile.name == *name).unwrap();
                assert!(recipe.is_for(name));
                for line in recipe.lines() {
                    assert!(!profile.forbids(line), "{}: {line}", recipe.name);
                    assert!(profile.provisioning.iter().any(|known| known == line), "{line}");
                }
            }
        }
    }

    #[test]
    fn mistakes_are_named() {
        assert!(parse("x", WHOLE).is_ok());
        let refused = |from: &str, to: &str| parse("x", &WHOLE.replace(from, to)).unwrap_err().to_string();
        assert!(refused("'x'", "'y'").contains("name"));
        assert!(refused("title", "colour").contains("colour"));
        assert!(refused("['generic']", "[]").contains("profile"));
        assert!(refused("['AT+X=1']", "[]").contains("line"));
        for bad in [
            "AT+CMGD=1,4",
            "AT+CPIN=1",
            "AT+CLCK=SC",
            "ATD112",
            "AT+X;+CMGS=1",
            " AT+X",
            "X",
        ] {
            assert!(refused("AT+X=1", bad).contains(bad), "{bad}");
        }
    }
}
