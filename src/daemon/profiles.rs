//! The modem profiles of the site: those of the program, with the files of a folder in place of them or beside them. Reads the
//! folder; what a file means is `config::profile`'s part.

use std::io;
use std::path::{Path, PathBuf};

use wardwire_core::modem::Profiles;

use crate::config::profile::{ProfilesError, profiles};
use crate::config::{Config, PROFILES_DIR};

/// Files one folder may have, and octets one of them.
const FILES: usize = 64;
const OCTETS: u64 = 256 * 1024;

/// Why the profiles of a site cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SiteProfilesError {
    /// The folder or a file of it cannot be read.
    #[error("profiles: {path}: {error}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// More than 64 files, or one over 256 KiB.
    #[error("profiles: {0}: at most 64 files of 256 KiB; is it the right folder?")]
    TooMuch(PathBuf),
    /// A profile is not in order.
    #[error(transparent)]
    Profile(#[from] ProfilesError),
}

/// The profiles of the site.
///
/// # Errors
/// The first file that cannot be used.
pub fn of(config: &Config) -> Result<Profiles, SiteProfilesError> {
    let folder = config.profiles_dir.as_path();
    let may_lack = folder == Path::new(PROFILES_DIR);
    let files = if may_lack && !folder.is_dir() {
        Vec::new()
    } else {
        read(folder)?
    };
    Ok(profiles(&files)?)
}

fn read(folder: &Path) -> Result<Vec<(String, String)>, SiteProfilesError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |error| SiteProfilesError::Read { path, error }
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".toml")) else {
            continue;
        };
        let size = std::fs::metadata(&path).map_err(failed(&path))?.len();
        if size > OCTETS || files.len() >= FILES {
            return Err(SiteProfilesError::TooMuch(path));
        }
        let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
        files.push((name.to_owned(), text));
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(folder: &Path) -> Config {
        let text = format!("data_dir = 'd'\nregion = 'IE'\nprofiles_dir = '{}'", folder.display());
        crate::config::check(&text, "w.toml").unwrap()
    }

    #[test]
    fn a_file_of_the_folder_stands_beside_the_shipped_ones_and_a_bad_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let shipped = of(&config).unwrap().models().len();
        let file = folder.path().join("acme.toml");
        let text = "name = 'acme'\ninherits = 'generic'\n[match]\nmanufacturer = ['Acme']\n[timing]\ngap_ms = 7\n";
        std::fs::write(&file, text).unwrap();
        std::fs::write(folder.path().join("notes.txt"), "no profile").unwrap();
        let profiles = of(&config).unwrap();
        assert_eq!(profiles.models().len(), shipped + 1);
        assert_eq!(profiles.choose("ACME", "X1", "").name, "acme");
        std::fs::write(&file, text.replace("gap_ms", "gap")).unwrap();
        let said = of(&config).unwrap_err().to_string();
        assert!(said.contains("acme") && said.contains("gap"), "{said}");
    }

    #[test]
    fn a_folder_that_is_named_must_be_there() {
        let said = of(&config(Path::new("/nowhere/at/all"))).unwrap_err().to_string();
        assert!(said.contains("/nowhere/at/all"), "{said}");
    }
}
