//! `wardwire check-config`: every mistake of a configuration in one pass; then the first one of the modem profiles.

use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(path: &Path) -> ExitCode {
    match super::read_config(path) {
        Ok(config) => {
            if let Err(error) = crate::daemon::profiles::of(&config) {
                eprintln!("{error}");
                return ExitCode::from(super::WRONG_CONFIGURATION);
            }
            println!("{}: in order, {} modems", path.display(), config.modems.len());
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}
