//! Modem profiles: the TOML of `firmware-config/profiles/` to [`Profiles`]. A file says only what differs from the one it
//! inherits; what results is one flat, checked list of steps. Unknown keys are refused. What a profile means is the core's
//! business, and reading folders the caller's.

mod file;

use wardwire_core::modem::{Profile, ProfileError, Profiles};

use super::provision::{self, Recipe, RecipeError};
use file::File;

/// The profile all others inherit from, and the one for a modem no other fits.
pub const GENERIC: &str = "generic";

/// Files that inherit from each other in a row at most.
const DEPTH: usize = 4;

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        /// The shipped files: name without `.toml`, and text.
        pub const SHIPPED: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../firmware-config/profiles/", $name, ".toml")))),+
        ];
    };
}

shipped!(
    "cinterion",
    "fibocom",
    "foxconn-t77w968",
    "generic",
    "huawei",
    "quectel-ec2x",
    "quectel-m95",
    "sierra",
    "simcom-sim7x00",
    "simcom-sim800",
    "telit",
    "ublox",
    "wavecom",
    "zte",
);

/// Why a profile is refused.
#[derive(Debug, thiserror::Error)]
pub enum ProfileFileError {
    /// It is no TOML, or has keys or types that no profile has; the text shows the place.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// The name in the file is not that of the file.
    #[error("name: {0:?} is not the name of the file")]
    OtherName(String),
    /// It inherits from a file that is not there, or in a circle.
    #[error("inherits: {0:?} is no profile, or inherits from this one")]
    Inherits(String),
    /// Only the profile for all may have no `[match]`, and must have none.
    #[error("[match]: every profile but \"generic\" says for which modems it is, and that one does not")]
    Match,
    /// A storage is not named by two letters.
    #[error("storages: {0:?} is no storage; two letters such as ME, SM or MT")]
    Storage(String),
    /// `storages`, `notifications` or `hang_up` is given neither here nor where it inherits from.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A step that neither sends nor does something, or both.
    #[error("step {0:?}: give either `send` or `do`")]
    SendOrDo(String),
    /// `or`, `expect`, `remedy` and `learn` belong to `send`.
    #[error("step {0:?}: `or`, `expect`, `remedy` and `learn` go with `send` only")]
    OnlyWithSend(String),
    /// A new step without a place, or a known one with another.
    #[error("step {0:?}: a step that is inherited is replaced where it stands; a new one says `after` which it goes")]
    Place(String),
    /// `after` or `without` names a step that is not there.
    #[error("step {0:?} is not among the inherited ones or above")]
    NoSuchStep(String),
    /// A provisioning recipe is not in order.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The machine cannot follow it.
    #[error(transparent)]
    Unusable(#[from] ProfileError),
}

/// A file that is refused, and why.
#[derive(Debug, thiserror::Error)]
#[error("profile {name}: {why}")]
pub struct ProfilesError {
    /// Name of the file, without `.toml`.
    pub name: String,
    /// Why.
    pub why: Box<ProfileFileError>,
}

/// The profiles of the program, with the given files in place of those of the same name, and others added.
/// `overrides` are names without `.toml` and texts.
///
/// # Errors
/// The first file that is refused.
pub fn profiles(overrides: &[(String, String)]) -> Result<Profiles, ProfilesError> {
    let given = overrides.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let shipped = SHIPPED.iter().copied();
    let kept = shipped.filter(|(name, _)| !overrides.iter().any(|(other, _)| other == name));
    let mut texts: Vec<(&str, &str)> = kept.chain(given).collect();
    texts.sort_unstable();
    compile(&texts)
}

fn compile(texts: &[(&str, &str)]) -> Result<Profiles, ProfilesError> {
    let mut files = Vec::new();
    for (name, text) in texts.iter().copied() {
        let file = File::read(name, text).map_err(|why| refused(name, why))?;
        files.push(file);
    }
    let recipes = provision::recipes().map_err(|why| refused("provisioning", why.into()))?;
    let mut generic = None;
    let mut models = Vec::new();
    for file in &files {
        let profile = flat(file, &files, &recipes).map_err(|why| refused(&file.name, why))?;
        if file.name == GENERIC {
            generic = Some(profile);
        } else {
            models.push(profile);
        }
    }
    let generic = generic.ok_or_else(|| refused(GENERIC, ProfileFileError::Inherits(GENERIC.to_owned())))?;
    Profiles::new(generic, models).map_err(|why| refused("begin", why.into()))
}

fn refused(name: &str, why: ProfileFileError) -> ProfilesError {
    ProfilesError {
        name: name.to_owned(),
        why: Box::new(why),
    }
}

/// The file on top of all it inherits from.
fn flat(file: &File, files: &[File], recipes: &[Recipe]) -> Result<Profile, ProfileFileError> {
    let mut line = vec![file];
    while let Some(parent) = line.last().and_then(|file| file.inherits.as_deref()) {
        let unknown = || ProfileFileError::Inherits(parent.to_owned());
        let found = files.iter().find(|file| file.name == parent).ok_or_else(unknown)?;
        if line.len() >= DEPTH || found.name == file.name {
            return Err(unknown());
        }
        line.push(found);
    }
    let mut whole = File::default();
    for file in line.into_iter().rev() {
        whole = file.on_top_of(whole)?;
    }
    let mut profile = whole.profile()?;
    let recipes = recipes.iter().filter(|recipe| recipe.is_for(&profile.name));
    profile.provisioning = recipes.flat_map(Recipe::lines).map(str::to_owned).collect();
    if (profile.name == GENERIC) != (profile.matches == wardwire_core::modem::profile::Match::default()) {
        return Err(ProfileFileError::Match);
    }
    profile.check()?;
    Ok(profile)
}

#[cfg(test)]
mod tests;
