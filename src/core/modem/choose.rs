//! Which profile a modem is brought up with: the one whose patterns fit best what the modem says of itself, else the one for
//! all.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::profile::{Action, Profile, ProfileError, Step};

/// The profiles there are; cheap to clone, checked once.
#[derive(Clone, Debug)]
pub struct Profiles {
    generic: Arc<Profile>,
    models: Arc<[Arc<Profile>]>,
}

impl Profiles {
    /// The profile for all, and those of models. Every profile must begin as the one for all does, up to its step
    /// [`Action::Profile`]: until then nobody knows which one it will be.
    ///
    /// # Errors
    /// The first profile that cannot be followed.
    pub fn new(generic: Profile, models: Vec<Profile>) -> Result<Self, ProfileError> {
        generic.check()?;
        for model in &models {
            model.check()?;
            if begin(model) != begin(&generic) {
                return Err(ProfileError::OtherBegin(model.name.clone()));
            }
        }
        Ok(Self {
            generic: Arc::new(generic),
            models: models.into_iter().map(Arc::new).collect(),
        })
    }

    /// The one for all.
    #[must_use]
    pub fn generic(&self) -> &Arc<Profile> {
        &self.generic
    }

    /// Those of models.
    #[must_use]
    pub fn models(&self) -> &[Arc<Profile>] {
        &self.models
    }

    /// The profile for a modem that says this of itself. Of equal fits the first in order.
    #[must_use]
    pub fn choose(&self, manufacturer: &str, model: &str, firmware: &str) -> &Arc<Profile> {
        let mut best = (&self.generic, (0, 0));
        for profile in &*self.models {
            match profile.matches.fit(manufacturer, model, firmware) {
                Some(fit) if fit > best.1 => best = (profile, fit),
                Some(_) | None => {}
            }
        }
        best.0
    }
}

/// One profile for whatever modem.
impl From<Profile> for Profiles {
    fn from(profile: Profile) -> Self {
        Self {
            generic: Arc::new(profile),
            models: Arc::default(),
        }
    }
}

/// The steps before the model is known; none where it is never asked.
fn begin(profile: &Profile) -> &[Step] {
    let at = profile.steps.iter().position(|step| step.action == Action::Profile);
    at.and_then(|at| profile.steps.get(..=at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;
    use alloc::string::String;

    fn profile(name: &str, manufacturer: &str, model: &[&str]) -> Profile {
        let mut profile = Profile::smallest();
        profile.name = name.to_owned();
        profile.steps.insert(3, Step::of("profile", Action::Profile));
        if !manufacturer.is_empty() {
            profile.matches.manufacturer.push(manufacturer.to_owned());
        }
        profile.matches.model = model.iter().map(|m| (*m).to_owned()).collect();
        profile
    }

    #[test]
    fn the_best_fit_wins_and_who_fits_nothing_gets_the_one_for_all() {
        let profiles = Profiles::new(
            profile("generic", "", &[]),
            [
                profile("maker", "Acme", &[]),
                profile("family", "Acme", &["M"]),
                profile("model", "Acme", &["M1"]),
                profile("other", "Other", &[]),
            ]
            .to_vec(),
        )
        .unwrap();
        let name = |maker, model| -> String { profiles.choose(maker, model, "").name.clone() };
        assert_eq!(name("ACME Inc", "M12"), "model");
        assert_eq!(name("Acme", "M2"), "family");
        assert_eq!(name("Acme", "X"), "maker");
        assert_eq!(name("Nobody", "M1"), "generic");
        assert_eq!(name("", ""), "generic");
    }

    #[test]
    fn who_begins_otherwise_is_refused() {
        let mut other = profile("other", "Acme", &[]);
        other.steps.remove(0);
        let refused = Profiles::new(profile("generic", "", &[]), [other].to_vec()).unwrap_err();
        assert_eq!(refused, ProfileError::OtherBegin("other".to_owned()));
    }
}
