//! `wardwire check-config`: every mistake of a configuration in one pass.

use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(path: &Path) -> ExitCode {
    match super::read_config(path) {
        Ok(config) => {
            println!("{}: in order, {} modems", path.display(), config.modems.len());
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}
