//! `wardwire provision`: settings a modem keeps in its own memory, made once by a recipe. Shows why, how it stands and every line
//! it would send; sends them after a yes; shows how it stands then. The gateway sends no line that is not of a recipe for the
//! modem's profile.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use axum::http::Method;
use clap::Args;

use super::door::{Door, DoorError};
use super::modems::segment;
use super::{at, through_door, word};
use crate::config::provision::{Recipe, recipes};

/// How long a restarted modem may take until it can send again.
const RESTART: Duration = Duration::from_secs(180);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) const EXAMPLES: &str = "Examples:
  wardwire provision --config /etc/wardwire/wardwire.toml --modem rack-3                          what fits this modem
  wardwire provision --config /etc/wardwire/wardwire.toml --modem rack-3 --recipe quectel-ims-on  shows it and asks
  wardwire provision --config /etc/wardwire/wardwire.toml --modem rack-3 --recipe quectel-ims-on --undo";

#[derive(Debug, Args)]
pub(super) struct ProvisionArgs {
    /// The configuration of the gateway
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The modem: its slot, or its id
    #[arg(long)]
    modem: String,
    /// The recipe; without it, those that fit the modem are listed
    #[arg(long, value_name = "NAME")]
    recipe: Option<String>,
    /// Take the setting back
    #[arg(long, requires = "recipe")]
    undo: bool,
    /// Do not ask
    #[arg(long, requires = "recipe")]
    yes: bool,
}

pub(super) async fn run(args: ProvisionArgs) -> ExitCode {
    let recipes = match recipes() {
        Ok(recipes) => recipes,
        Err(error) => return super::fail(&error.to_string()),
    };
    through_door(&args.config, async |door| {
        let modem = door
            .want(Method::GET, &format!("/v1/modems/{}", segment(&args.modem)?), None)
            .await?;
        let fitting = |recipe: &&Recipe| recipe.is_for(word(&modem, "profile"));
        let fitting: Vec<&Recipe> = recipes.iter().filter(fitting).collect();
        let Some(name) = &args.recipe else {
            print!("{}", list(&args.modem, word(&modem, "profile"), &fitting));
            return Ok(ExitCode::SUCCESS);
        };
        match fitting.iter().find(|recipe| recipe.name == *name) {
            Some(recipe) => apply(door, &args, recipe).await,
            None => Err(DoorError::Refused(unfit(name, word(&modem, "profile"), &recipes))),
        }
    })
    .await
}

fn list(modem: &str, profile: &str, fitting: &[&Recipe]) -> String {
    if fitting.is_empty() {
        return format!("no recipe is for {modem}, which is driven by the profile {profile}\n");
    }
    fitting
        .iter()
        .map(|recipe| format!("{}: {}\n  {}\n", recipe.name, recipe.title, recipe.why))
        .collect()
}

fn unfit(name: &str, profile: &str, recipes: &[Recipe]) -> String {
    match recipes.iter().find(|recipe| recipe.name == name) {
        Some(recipe) => {
            let profiles = recipe.profiles.join(", ");
            format!("{name} is for modems of {profiles}, this one is driven by the profile {profile}")
        }
        None => format!("there is no recipe {name}; leave --recipe out to see those that fit"),
    }
}

/// The lines that make the setting, or take it back.
fn lines(recipe: &Recipe, undo: bool) -> Result<&[String], DoorError> {
    match undo {
        false => Ok(&recipe.send),
        true if recipe.undo.is_empty() => Err(DoorError::Refused(format!("{}: there is no way back", recipe.name))),
        true => Ok(&recipe.undo),
    }
}

async fn apply(door: &Door, args: &ProvisionArgs, recipe: &Recipe) -> Result<ExitCode, DoorError> {
    let lines = lines(recipe, args.undo)?;
    let path = format!("/v1/modems/{}/at", segment(&args.modem)?);
    println!("{}: {}\n{}\n\nnow:", recipe.name, recipe.title, recipe.why);
    look(door, &path, recipe).await?;
    println!("would send to {}:", args.modem);
    for line in lines {
        println!("  {line}");
    }
    if recipe.restart {
        println!("and restart it");
    }
    if recipe.undo.is_empty() {
        println!("there is no way back");
    }
    if !args.yes && !agreed() {
        return Err(DoorError::Refused("nothing was sent".to_owned()));
    }
    for line in lines {
        at::ask(door, &path, line)
            .await
            .map_err(|error| DoorError::Refused(format!("{line}: {error}; the lines before it were sent")))?;
    }
    if recipe.restart {
        restart(door, &args.modem).await?;
    }
    println!("then:");
    look(door, &path, recipe).await?;
    Ok(ExitCode::SUCCESS)
}

/// How it stands; a question the modem does not know is no reason to stop.
async fn look(door: &Door, path: &str, recipe: &Recipe) -> Result<(), DoorError> {
    for line in &recipe.look {
        match at::ask(door, path, line).await {
            Ok(answers) => println!("  {line}: {}", answers.join("; ")),
            Err(DoorError::Refused(why)) => println!("  {line}: not told ({why})"),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A yes from the terminal or from standard input.
fn agreed() -> bool {
    print!("send it? [y/N] ");
    let _ = std::io::stdout().flush();
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    println!();
    read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes")
}

/// Restarts the modem and waits until it can send again.
async fn restart(door: &Door, modem: &str) -> Result<(), DoorError> {
    door.want(Method::POST, &format!("/v1/modems/{modem}/restart"), None)
        .await?;
    println!("restarting {modem}");
    let end = tokio::time::Instant::now() + RESTART;
    let mut went = false;
    loop {
        let now = door.want(Method::GET, &format!("/v1/modems/{modem}"), None).await?;
        went |= word(&now, "state") != "ready";
        if went && word(&now, "state") == "ready" {
            return Ok(());
        }
        if tokio::time::Instant::now() >= end {
            let why = format!(
                "{modem} is not ready after {} s: {}",
                RESTART.as_secs(),
                word(&now, "reason")
            );
            return Err(DoorError::Later(why));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_listed_and_what_does_not_says_why() {
        let recipes = recipes().unwrap();
        let ims = recipes.iter().find(|recipe| recipe.name == "quectel-ims-on").unwrap();
        let shown = list("m0", "quectel-ec2x", &[ims]);
        assert!(
            shown.starts_with("quectel-ims-on: ") && shown.contains(&ims.why),
            "{shown}"
        );
        assert!(list("m0", "generic", &[]).contains("profile generic"));
        assert!(unfit("quectel-ims-on", "generic", &recipes).contains("for modems of quectel-ec2x"));
        assert!(unfit("colour", "generic", &recipes).contains("no recipe colour"));
        assert_eq!(lines(ims, true).unwrap(), ims.undo);
        let for_good = Recipe {
            undo: Vec::new(),
            ..ims.clone()
        };
        assert!(lines(&for_good, true).is_err());
    }
}
