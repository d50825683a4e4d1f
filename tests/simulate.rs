//! `wardwire simulate` as a program: what it prints, makes, writes down and cleans up.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says by a panic what went wrong, also in its helpers"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wardwire::serial::{Port, PortSpec, open, wait_and_open};

/// Ends the program with the test, however that ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn simulate(dir: &Path, more: &[&str]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardwire"));
    command.arg("simulate").arg("--dir").arg(dir.join("bank")).args(more);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut program = Program(child);
    let mut line = String::new();
    BufReader::new(program.0.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "ready\n");
    program
}

async fn until(port: &mut Port, what: &str) {
    let mut said = String::new();
    let mut buffer = [0; 512];
    while !said.contains(what) {
        let reading = tokio::time::timeout(Duration::from_secs(10), port.read(&mut buffer));
        let count = reading.await.unwrap_or_else(|_| panic!("no {what} in {said}")).unwrap();
        said.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}

#[tokio::test]
async fn it_says_ready_serves_writes_its_journal_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, wire) = (dir.path().join("journal"), dir.path().join("wire"));
    let more = [
        "--modems",
        "2",
        "--report-delay-ms",
        "1",
        "--journal",
        journal.to_str().unwrap(),
        "--wire",
        wire.to_str().unwrap(),
    ];
    let mut program = simulate(dir.path(), &more);
    let name = dir.path().join("bank/modem1");
    let mut port = open(&PortSpec::Path(name.clone())).await.unwrap();
    port.write_all(b"AT+CNMI=2,1,0,1,0\r").await.unwrap();
    until(&mut port, "OK\r\n").await;
    port.write_all(b"AT+CMGS=22\r").await.unwrap();
    until(&mut port, "> ").await;
    port.write_all(b"0021000C9153831732547600000AE8329BFD4697D9EC37\x1a")
        .await
        .unwrap();
    until(&mut port, "+CDS: ").await;
    // The end of the input changes nothing; what came before it is sent.
    let mut input = program.0.stdin.take().unwrap();
    input
        .write_all(b"\n{\"modem\":1,\"from\":\"+353871234567\",\"text\":\"hi\"}\n")
        .unwrap();
    drop(input);
    until(&mut port, "+CMTI: \"ME\",0").await;
    kill_process(Pid::from_child(&program.0), Signal::TERM).unwrap();
    assert!(program.0.wait().unwrap().success());
    assert!(std::fs::symlink_metadata(&name).is_err());
    let journal = std::fs::read_to_string(&journal).unwrap();
    let events: Vec<serde_json::Value> = journal
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["accepted", "reported", "sent", "stored"]);
    assert_eq!(
        (&events[0]["to"], &events[0]["text"]),
        (&"+353871234567".into(), &"hellohello".into())
    );
    let wire = std::fs::read_to_string(&wire).unwrap();
    let said: Vec<serde_json::Value> = wire.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let moment = |by: &str, words: &str| {
        let is = |line: &&serde_json::Value| line["by"] == by && line["said"].as_str().unwrap().contains(words);
        let line = said.iter().find(is).unwrap();
        (line["modem"].as_u64(), line["us"].as_u64().unwrap())
    };
    let (command, prompt, result) = (
        moment("driver", "AT+CMGS=22"),
        moment("modem", "> "),
        moment("modem", "+CMGS: "),
    );
    assert_eq!(command.0, Some(1));
    assert!(command.1 <= prompt.1 && prompt.1 <= result.1, "{wire}");
}

#[tokio::test]
async fn a_killed_simulator_is_followed_by_another_in_the_same_place() {
    let dir = tempfile::tempdir().unwrap();
    drop(simulate(dir.path(), &[]));
    let _program = simulate(dir.path(), &[]);
    let mut port = open(&PortSpec::Path(dir.path().join("bank/modem0"))).await.unwrap();
    port.write_all(b"AT\r").await.unwrap();
    until(&mut port, "OK").await;
}

#[tokio::test]
async fn a_modem_is_called_pulled_out_and_plugged_in() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = simulate(dir.path(), &["--modems", "1", "--model", "simcom-sim800"]);
    let name = dir.path().join("bank/modem0");
    let mut input = program.0.stdin.take().unwrap();
    let mut tell = |what: &str| writeln!(input, "{{\"modem\":0,\"do\":\"{what}\"}}").unwrap();
    let mut port = open(&PortSpec::Path(name.clone())).await.unwrap();
    port.write_all(b"AT+CGMM\r").await.unwrap();
    until(&mut port, "SIM800").await;
    // What is no deed is told on standard error and changes nothing.
    tell("kick");
    tell("call");
    until(&mut port, "RING").await;
    tell("unplug");
    hung_up(&mut port).await;
    tell("plug");
    let spec = PortSpec::Path(name);
    let waiting = tokio::time::timeout(Duration::from_secs(20), wait_and_open(&spec, |_| {}));
    let mut port = waiting.await.unwrap();
    port.write_all(b"AT\r").await.unwrap();
    until(&mut port, "OK").await;
}

/// Reads until the port is gone.
async fn hung_up(port: &mut Port) {
    let mut buffer = [0; 512];
    let reading = async { while port.read(&mut buffer).await.is_ok_and(|count| count > 0) {} };
    let ended = tokio::time::timeout(Duration::from_secs(10), reading).await;
    assert!(ended.is_ok(), "the port is still there");
}
