//! Real ptys, real time, no sleeps: every wait is for an event.

mod bank;
mod discovery;

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::pty::{Heard, Link, Pty, Watch};
use super::*;

/// Longest wait for anything here; never reached unless something is broken.
const PATIENCE: Duration = Duration::from_secs(10);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("in time")
}

/// Waits until the driver says something and returns it.
async fn hear(pty: &Pty) -> Vec<u8> {
    let ready = pty.ready().unwrap();
    let mut buffer = [0; 64];
    loop {
        let mut guard = soon(ready.readable()).await.unwrap();
        match pty.read(&mut buffer).unwrap() {
            Heard::Bytes(count) => return buffer[..count].to_vec(),
            Heard::Silence => guard.clear_ready(),
            Heard::Nobody => panic!("nobody there"),
        }
    }
}

async fn next(events: &mut mpsc::Receiver<PortEvent>) -> PortEvent {
    soon(events.recv()).await.expect("the port lives")
}

fn spec(pty: &Pty) -> PortSpec {
    PortSpec::Path(pty.path().to_owned())
}

#[tokio::test]
async fn bytes_go_through_a_pty_both_ways_unchanged() {
    let pty = Pty::create().unwrap();
    let mut port = open(&spec(&pty)).await.unwrap();
    // Everything a terminal would translate, echo, or take for a signal.
    let all: Vec<u8> = (0..=255).collect();
    port.write_all(&all).await.unwrap();
    let mut heard = Vec::new();
    while heard.len() < all.len() {
        heard.extend(hear(&pty).await);
    }
    assert_eq!(heard, all);
    assert_eq!(pty.write(&all).unwrap(), all.len());
    let mut back = vec![0; all.len()];
    soon(port.read_exact(&mut back)).await.unwrap();
    assert_eq!(back, all);
}

#[tokio::test]
async fn the_master_knows_at_every_moment_whether_a_driver_is_there() {
    let pty = Pty::create().unwrap();
    let watch = Watch::create().unwrap();
    watch.add(&pty).unwrap();
    let woken = watch.ready().unwrap();
    let mut buffer = [0; 8];
    assert_eq!(pty.read(&mut buffer).unwrap(), Heard::Nobody);
    for _ in 0..3 {
        let port = open(&spec(&pty)).await.unwrap();
        soon(woken.readable()).await.unwrap().clear_ready();
        assert!(watch.drain());
        assert_eq!(pty.read(&mut buffer).unwrap(), Heard::Silence);
        port.close().await;
        soon(woken.readable()).await.unwrap().clear_ready();
        assert!(watch.drain());
        assert_eq!(pty.read(&mut buffer).unwrap(), Heard::Nobody);
    }
    assert!(!watch.drain());
}

#[tokio::test]
async fn what_a_driver_left_unread_does_not_reach_the_next_one() {
    let pty = Pty::create().unwrap();
    let port = open(&spec(&pty)).await.unwrap();
    pty.write(b"stale").unwrap();
    port.close().await;
    let mut port = open(&spec(&pty)).await.unwrap();
    pty.write(b"fresh").unwrap();
    let mut seen = [0; 5];
    soon(port.read_exact(&mut seen)).await.unwrap();
    assert_eq!(&seen, b"fresh");
}

#[tokio::test]
async fn a_vanished_device_is_an_error_not_an_endless_stream_of_nothing() {
    let pty = Pty::create().unwrap();
    let mut port = open(&spec(&pty)).await.unwrap();
    drop(pty);
    let mut buffer = [0; 8];
    let error = soon(port.read(&mut buffer)).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_second_owner_is_refused_and_the_reason_named() {
    let pty = Pty::create().unwrap();
    let first = open(&spec(&pty)).await.unwrap();
    assert!(matches!(open(&spec(&pty)).await, Err(PortError::Busy)));
    first.close().await;
    assert!(open(&spec(&pty)).await.is_ok());
}

#[tokio::test]
async fn what_is_no_port_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let absent = PortSpec::Path(dir.path().join("absent"));
    assert!(matches!(open(&absent).await, Err(PortError::Absent)));
    assert!(matches!(
        open(&PortSpec::Path(file)).await,
        Err(PortError::NotASerialPort)
    ));
}

#[tokio::test]
async fn the_task_opens_carries_bytes_and_ends_when_told() {
    let pty = Pty::create().unwrap();
    let (events, mut inbox) = mpsc::channel(8);
    let (handle, task) = spawn_port(3, spec(&pty), events);
    assert_eq!(next(&mut inbox).await, PortEvent::Opened(3));
    handle.send(PortCommand::Write(b"AT\r".to_vec())).unwrap();
    assert_eq!(hear(&pty).await, b"AT\r");
    pty.write(b"\r\nOK\r\n").unwrap();
    assert_eq!(next(&mut inbox).await, PortEvent::Input(3, b"\r\nOK\r\n".to_vec()));
    handle.send(PortCommand::Close).unwrap();
    soon(task).await.unwrap();
    assert_eq!(pty.read(&mut [0; 8]).unwrap(), Heard::Nobody);
    assert_eq!(inbox.recv().await, None);
}

#[tokio::test]
async fn a_lost_device_is_told_once_and_found_again_under_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("modem0");
    let first = Pty::create().unwrap();
    let link = Link::create(&path, &first).unwrap();
    let (events, mut inbox) = mpsc::channel(8);
    let (_handle, _task) = spawn_port(0, PortSpec::Path(path.clone()), events);
    assert_eq!(next(&mut inbox).await, PortEvent::Opened(0));
    drop(link);
    drop(first);
    assert_eq!(next(&mut inbox).await, PortEvent::Lost(0, LostReason::Vanished));
    assert_eq!(next(&mut inbox).await, PortEvent::Lost(0, LostReason::Absent));
    let second = Pty::create().unwrap();
    let _link = Link::create(&path, &second).unwrap();
    assert_eq!(next(&mut inbox).await, PortEvent::Opened(0));
}

#[tokio::test]
async fn what_was_meant_for_a_lost_port_does_not_reach_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("modem0");
    let (events, mut inbox) = mpsc::channel(8);
    let (handle, _task) = spawn_port(0, PortSpec::Path(path.clone()), events);
    handle.send(PortCommand::Write(b"stale".to_vec())).unwrap();
    assert_eq!(next(&mut inbox).await, PortEvent::Lost(0, LostReason::Absent));
    handle.send(PortCommand::Write(b"stale".to_vec())).unwrap();
    let pty = Pty::create().unwrap();
    let _link = Link::create(&path, &pty).unwrap();
    assert_eq!(next(&mut inbox).await, PortEvent::Opened(0));
    handle.send(PortCommand::Write(b"fresh".to_vec())).unwrap();
    assert_eq!(hear(&pty).await, b"fresh");
}

#[tokio::test]
async fn reading_goes_on_while_the_device_takes_nothing() {
    let pty = Pty::create().unwrap();
    let (events, mut inbox) = mpsc::channel(8);
    let (handle, _task) = spawn_port(0, spec(&pty), events);
    assert_eq!(next(&mut inbox).await, PortEvent::Opened(0));
    // Far more than a pty's buffer holds, so that the write cannot end.
    handle.send(PortCommand::Write(vec![b'x'; 1 << 17])).unwrap();
    hear(&pty).await;
    pty.write(b"RDY").unwrap();
    assert_eq!(next(&mut inbox).await, PortEvent::Input(0, b"RDY".to_vec()));
}

#[tokio::test]
async fn a_link_is_replaced_at_one_blow_but_never_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("modem0");
    let (a, b) = (Pty::create().unwrap(), Pty::create().unwrap());
    let first = Link::create(&path, &a).unwrap();
    std::mem::forget(first); // what a killed simulator leaves behind
    let link = Link::create(&path, &b).unwrap();
    assert_eq!(std::fs::read_link(&path).unwrap(), b.path());
    drop(link);
    assert!(std::fs::symlink_metadata(&path).is_err());
    std::fs::write(&path, "precious").unwrap();
    let error = Link::create(&path, &a).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn a_serial_server_is_a_port_too() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut port = open(&format!("tcp://{address}").parse().unwrap()).await.unwrap();
    let (mut server, _) = soon(listener.accept()).await.unwrap();
    port.write_all(b"AT\r").await.unwrap();
    let mut seen = [0; 3];
    soon(server.read_exact(&mut seen)).await.unwrap();
    assert_eq!(&seen, b"AT\r");
    drop(server);
    drop(listener);
    let error = soon(port.read(&mut seen)).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    let gone = open(&format!("tcp://{address}").parse().unwrap()).await;
    assert!(matches!(gone, Err(PortError::Absent)));
}

#[tokio::test]
async fn a_serial_server_is_reached_only_where_it_may_stand() {
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    // This machine by a name that is not loopback: nothing may even knock there.
    let spec: PortSpec = format!("tcp://0.0.0.0:{}", listener.local_addr().unwrap().port())
        .parse()
        .unwrap();
    assert!(matches!(open(&spec).await, Err(PortError::NotAllowed)));
    let other = Allowed::new(&["10.0.0.0/8".parse().unwrap()]);
    assert!(matches!(
        open(&spec.clone().allowing(&other)).await,
        Err(PortError::NotAllowed)
    ));
    let listed = Allowed::new(&["10.0.0.0/8".parse().unwrap(), "0.0.0.0/32".parse().unwrap()]);
    assert!(open(&spec.allowing(&listed)).await.is_ok());
    soon(listener.accept()).await.unwrap();
}
