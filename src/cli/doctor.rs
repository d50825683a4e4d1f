//! `wardwire doctor`: what stands in the way, and what to do about it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};

use super::door::Door;
use crate::config::{self, Config};
use crate::doctor::host::{Roots, gather};
use crate::doctor::{Finding, Level, bank, checks};
use crate::serial::Tree;

/// Checks the host, and the modems of the running gateway. Opens no port and changes nothing. Ends with 0 when nothing fails,
/// else with 1.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// The configuration of the gateway
    #[arg(long, value_name = "FILE", default_value = "/etc/wardwire/wardwire.toml")]
    config: PathBuf,
    /// One JSON document instead of the table
    #[arg(long)]
    json: bool,
    /// Another root of the system
    #[arg(long, value_name = "DIR", hide = true)]
    root: Option<PathBuf>,
}

pub(super) async fn run(args: DoctorArgs) -> ExitCode {
    let findings = match read(&args.config) {
        Ok(config) => {
            let mut findings = vec![Finding::ok("config", format!("{} is in order", args.config.display()))];
            findings.extend(checks::all(&gather(&config, &roots(&config, args.root.as_deref()))));
            findings.extend(ask_the_bank(&config).await);
            findings
        }
        Err(findings) => findings,
    };
    let fails = checks::fails(&findings);
    if args.json {
        println!("{}", to_json(&findings));
    } else {
        print(&findings);
    }
    ExitCode::from(u8::from(fails))
}

/// The configuration, or its mistakes as findings. Without it nothing else can be checked.
fn read(path: &Path) -> Result<Config, Vec<Finding>> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let what = format!("{}: {error}", path.display());
        vec![Finding::fail(
            "config",
            what,
            "name it with --config; docs/install.md, 3",
        )]
    })?;
    config::check(&text, &path.display().to_string()).map_err(|errors| {
        let finding = |error: config::ConfigError| {
            let key = if error.key.is_empty() {
                String::new()
            } else {
                format!("{}: ", error.key)
            };
            let what = format!("{}:{}:{}: {key}{}", error.file, error.line, error.column, error.what);
            Finding::fail("config", what, error.mend)
        };
        errors.into_iter().map(finding).collect()
    })
}

fn roots(config: &Config, root: Option<&Path>) -> Roots {
    match root {
        None => Roots::of(config),
        Some(root) => Roots {
            tree: Tree::new(&config.discovery.sys_dir, &config.discovery.dev_dir),
            proc: root.join("proc"),
            root: root.to_owned(),
        },
    }
}

async fn ask_the_bank(config: &Config) -> Vec<Finding> {
    let door = Door::running(&config.data_dir);
    let answer = door.ask(Method::GET, "/v1/modems", None).await;
    match answer
        .ok()
        .filter(|(status, _)| *status == 200)
        .and_then(|(_, answer)| bank::modems(&answer))
    {
        Some(modems) => {
            let answer = door.ask(Method::GET, "/v1/pools", None).await;
            let idle = answer.map_or_else(|_| Vec::new(), |(_, answer)| bank::idle_pools(&answer));
            let answer = door.ask(Method::GET, "/v1/sims", None).await;
            let low = answer.map_or_else(|_| Vec::new(), |(_, answer)| bank::low_credits(&answer));
            [bank::all(&modems), bank::pools(&idle), bank::credits(&low)].concat()
        }
        None => vec![Finding::warn(
            "gateway",
            "the gateway does not run, or does not speak to you: its modems were not asked",
            "systemctl start wardwire; run this as root or as the service's user",
        )],
    }
}

fn to_json(findings: &[Finding]) -> Value {
    let rows: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "level": finding.level.as_str(),
                "check": finding.check,
                "what": finding.what,
                "remedy": finding.remedy,
            })
        })
        .collect();
    json!({ "fails": checks::fails(findings), "findings": rows })
}

fn print(findings: &[Finding]) {
    for finding in findings {
        println!("{:<5} {:<14} {}", finding.level.as_str(), finding.check, finding.what);
        if !finding.remedy.is_empty() {
            println!("{:>20} -> {}", "", finding.remedy);
        }
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    println!(
        "\n{} fail, {} warn, {} ok",
        count(Level::Fail),
        count(Level::Warn),
        count(Level::Ok)
    );
}
