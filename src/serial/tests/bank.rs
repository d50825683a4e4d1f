//! The bank on real ptys, driven as a gateway drives it: by the port tasks.

use std::path::Path;

use wardwire_core::simulator::{Air, AirEvent, Fault, Faults, Options, ReportsWhileClosed};

use super::super::bank::{BankHandle, spawn_bank};
use super::*;

/// A driver of the first modem.
struct Driver {
    handle: PortHandle,
    events: mpsc::Receiver<PortEvent>,
    said: String,
}

impl Driver {
    async fn open(path: &Path) -> Self {
        let (sender, mut events) = mpsc::channel(64);
        let (handle, _task) = spawn_port(0, PortSpec::Path(path.to_owned()), sender);
        assert_eq!(next(&mut events).await, PortEvent::Opened(0));
        Self {
            handle,
            events,
            said: String::new(),
        }
    }

    fn write(&self, text: &str) {
        self.handle.send(PortCommand::Write(text.into())).unwrap();
    }

    /// Reads until the modem has said this, and tells all that it said up to there.
    async fn until(&mut self, what: &str) -> String {
        loop {
            if let Some(at) = self.said.find(what) {
                let rest = self.said.split_off(at + what.len());
                return std::mem::replace(&mut self.said, rest);
            }
            match next(&mut self.events).await {
                PortEvent::Input(_, bytes) => self.said.push_str(&String::from_utf8_lossy(&bytes)),
                event @ (PortEvent::Opened(_) | PortEvent::Lost(..)) => {
                    panic!("{event:?} before {what}, after {}", self.said)
                }
            }
        }
    }

    /// Submits a part to +353871234567, asking for a report.
    async fn send(&mut self) {
        self.write("AT+CMGS=22\r");
        self.until("> ").await;
        self.write("0021000C9153831732547600000AE8329BFD4697D9EC37\x1a");
    }

    async fn close(mut self) {
        self.handle.send(PortCommand::Close).unwrap();
        while soon(self.events.recv()).await.is_some() {}
    }

    async fn ask(&mut self, line: &str) -> String {
        self.write(&format!("{line}\r"));
        self.until("\r\nOK\r\n").await
    }
}

fn bank(options: Options, dir: &Path) -> (BankHandle, mpsc::UnboundedReceiver<AirEvent>) {
    let (sender, journal) = mpsc::unbounded_channel();
    let note = move |seen: &[AirEvent]| {
        seen.iter().for_each(|event| sender.send(event.clone()).unwrap());
        Ok(())
    };
    (spawn_bank(options, dir, Box::new(note), None).unwrap(), journal)
}

#[tokio::test]
async fn a_part_goes_from_a_driver_to_the_air_and_its_report_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        modems: 2,
        latency: Duration::from_millis(5),
        report_delay: Duration::from_millis(5),
        ..Options::default()
    };
    let (bank, mut journal) = bank(options, dir.path());
    assert_eq!(bank.ports()[1], dir.path().join("modem1"));
    let mut driver = Driver::open(&bank.ports()[0]).await;
    driver.ask("ATE0").await;
    driver.ask("AT+CNMI=2,1,0,1,0").await;
    driver.send().await;
    driver.until("+CMGS: 1\r\n\r\nOK\r\n").await;
    driver.until("+CDS: 25\r\n").await;
    let Some(Air::Accepted(accepted)) = soon(journal.recv()).await.map(|event| event.what) else {
        panic!("accepted first")
    };
    assert_eq!(accepted.text.as_deref(), Some("hellohello"));
    assert_eq!((accepted.recipient.as_str(), accepted.tp_mr), ("+353871234567", 1));
    bank.stop().await.unwrap();
    assert!(std::fs::symlink_metadata(dir.path().join("modem0")).is_err());
}

#[tokio::test]
async fn an_injected_message_arrives_and_deleting_it_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let (bank, mut journal) = bank(Options::default(), dir.path());
    let mut driver = Driver::open(&bank.ports()[3]).await;
    driver.ask("AT+CNMI=2,1").await;
    let injector = bank.injector();
    let number = injector.inject(3, "+353871234567".into(), "hi".into()).await.unwrap();
    driver.until("+CMTI: \"ME\",0\r\n").await;
    driver.ask("AT+CMGD=0").await;
    assert_eq!(number, 1);
    for expected in ["sent", "stored", "deleted"] {
        assert_eq!(soon(journal.recv()).await.unwrap().what.name(), expected);
    }
    assert!(injector.inject(4, "+353871234567".into(), "hi".into()).await.is_err());
}

#[tokio::test]
async fn drivers_come_and_go_and_a_kept_report_finds_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        reports_while_closed: ReportsWhileClosed::Keep,
        // Long enough for the driver to be gone by then, also on a busy machine.
        latency: Duration::from_millis(700),
        report_delay: Duration::from_millis(1),
        ..Options::default()
    };
    let (bank, mut journal) = bank(options, dir.path());
    for _ in 0..5 {
        let mut driver = Driver::open(&bank.ports()[0]).await;
        driver.ask("AT+CNMI=2,1,0,1,0").await;
        driver.close().await;
    }
    let mut driver = Driver::open(&bank.ports()[0]).await;
    driver.send().await;
    // Its echo tells that the modem has heard all of it.
    driver.until("D9EC37").await;
    driver.close().await;
    while soon(journal.recv()).await.unwrap().what.name() != "accepted" {}
    let mut driver = Driver::open(&bank.ports()[0]).await;
    driver.write("AT\r");
    driver.until("+CDS: ").await;
}

#[tokio::test]
async fn a_vanished_port_hangs_up_and_comes_back_under_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        faults: Faults::none().with(Fault::PortVanishes, 1_000),
        ..Options::default()
    };
    let (bank, _journal) = bank(options, dir.path());
    let mut driver = Driver::open(&bank.ports()[0]).await;
    // One command in twenty meets it.
    for _ in 0..1_000 {
        driver.write("AT\r");
        match next(&mut driver.events).await {
            PortEvent::Input(..) => {}
            PortEvent::Lost(_, reason) => {
                assert_eq!(reason, LostReason::Vanished);
                break;
            }
            PortEvent::Opened(_) => panic!("opened twice"),
        }
    }
    loop {
        match next(&mut driver.events).await {
            PortEvent::Lost(_, reason) => assert_eq!(reason, LostReason::Absent),
            PortEvent::Opened(_) => break,
            PortEvent::Input(..) => panic!("not from a closed port"),
        }
    }
    bank.stop().await.unwrap();
}

#[tokio::test]
async fn a_driver_that_reads_late_gets_everything() {
    let dir = tempfile::tempdir().unwrap();
    let (bank, _journal) = bank(Options::default(), dir.path());
    let mut port = open(&PortSpec::Path(bank.ports()[0].clone())).await.unwrap();
    let injector = bank.injector();
    for _ in 0..30 {
        injector
            .inject(0, "+353871234567".into(), "x".repeat(160))
            .await
            .unwrap();
    }
    // Five listings are ten times what a pty holds.
    for _ in 0..5 {
        port.write_all(b"AT+CMGL=4\r").await.unwrap();
    }
    port.write_all(b"AT+CGSN\r").await.unwrap();
    let mut said = String::new();
    let mut buffer = [0; 512];
    while said.matches("\r\nOK\r\n").count() < 6 {
        let count = soon(port.read(&mut buffer)).await.unwrap();
        said.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    assert_eq!(said.matches("+CMGL: ").count(), 150);
}
