//! `wardwire run`: the daemon in the foreground, as systemd wants it.

use std::path::PathBuf;
use std::process::ExitCode;

use tracing_subscriber::filter::LevelFilter;

use crate::config::Config;
use crate::daemon::{self, Daemon, DaemonError};

pub(super) async fn run(path: PathBuf) -> ExitCode {
    let config = match super::read_config(&path) {
        Ok(config) => config,
        Err(code) => return code,
    };
    super::log(LevelFilter::INFO);
    match serve(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ DaemonError::Port { .. }) => {
            eprintln!("{}: {error}", path.display());
            ExitCode::from(super::WRONG_CONFIGURATION)
        }
        Err(error) => super::fail(&error.to_string()),
    }
}

async fn serve(config: Config) -> Result<(), DaemonError> {
    let holding = daemon::hold(&config)?;
    // From here on a stop ends it in order, however early it comes; what was done before may be cut off anywhere.
    let stop = super::told_to_stop();
    let daemon = Daemon::start(config, holding).await?;
    daemon.run_until(stop).await
}
