//! Tells webhooks what happened: drains the store's outbox, at least once, in order for each message, signed. One endpoint
//! never holds up another. Plain HTTP only, to this machine and to networks the configuration names, judged by the address
//! that is connected to. A receiver that fails is tried again for three days, then the event is given up and counted.

mod sign;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use futures_util::future::join_all;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::broadcast::error::RecvError;
use wardwire_core::base::Network;
use wardwire_core::queue::plan::Cap;

use crate::clock;
use crate::config::Webhook;
use crate::store::{Delivery, EventKind, EventRecord, StoreHandle, Subject, Told};
use sign::Secret;

/// Pauses before the tries after the first.
const PAUSES: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Longest wait for a connection, and for the whole answer.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(15);
/// A receiver that cannot be reached is left alone for this long.
const REST: Duration = Duration::from_secs(5);
/// Told at the same time, each of another message.
const AT_ONCE: u16 = 16;
/// Looked for what is due again at least this often.
const LOOK: Duration = Duration::from_secs(5);

/// What a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Try {
    /// 2xx.
    Taken,
    /// 410: not wanted any more.
    Gone,
    /// Any other answer, with the seconds the receiver asked to be left alone.
    Refused(Option<u64>),
    /// No connection, or no answer in time.
    Unreachable,
}

/// Tells one webhook until the store closes.
pub async fn run(webhook: Webhook, allowed: Vec<Network>, store: StoreHandle) {
    let secret = Secret::new(&webhook.secret);
    let mut facts = store.subscribe();
    loop {
        let (label, now) = (webhook.label.clone(), clock::now().utc);
        let due = store.read(move |reader| reader.outbox(&label, now, AT_ONCE)).await;
        let due = due.unwrap_or_default();
        if due.is_empty() {
            let wait = tokio::time::timeout(LOOK, facts.recv()).await;
            if matches!(wait, Ok(Err(RecvError::Closed))) {
                return;
            }
            // One look for all that is committed by now.
            while facts.try_recv().is_ok() {}
            continue;
        }
        let tries = due
            .iter()
            .map(|delivery| tell(&webhook, &allowed, &secret, &delivery.event));
        let tries = join_all(tries).await;
        let reached = tries.iter().any(|outcome| *outcome != Try::Unreachable);
        // Written down together: one commit for all, where one after the other each would wait for the disk.
        let notes = due.iter().zip(tries).map(|(delivery, outcome)| {
            let told = judge(delivery, outcome);
            if told == Told::GivenUp {
                tracing::error!(webhook = webhook.label, event = %delivery.event.id, "an event was given up");
            }
            store.told(&webhook.label, delivery.event.sequence, told)
        });
        // What was not written down will be told again: receivers know it by its id.
        let noted = join_all(notes).await.iter().all(Result::is_ok);
        if !reached || !noted {
            tracing::warn!(webhook = webhook.label, "the receiver cannot be reached");
            tokio::time::sleep(REST).await;
        }
    }
}

/// What follows from a try.
fn judge(delivery: &Delivery, outcome: Try) -> Told {
    let asked = match outcome {
        Try::Taken => return Told::Yes,
        Try::Gone => return Told::GivenUp,
        Try::Refused(asked) => asked,
        Try::Unreachable => None,
    };
    let pause = usize::try_from(delivery.tries).ok().and_then(|tries| PAUSES.get(tries));
    let Some(pause) = pause else { return Told::GivenUp };
    // Up to a tenth longer, differently for each event, so that a receiver that comes back is not run over.
    let spread = u64::from(delivery.event.id.0.to_octets()[15]) * pause * 1_000 / 2_560;
    let pause = Duration::from_millis(pause * 1_000 + spread);
    let asked = Duration::from_secs(asked.unwrap_or_default().min(86_400));
    Told::Later(clock::now().utc + pause.max(asked))
}

async fn tell(webhook: &Webhook, allowed: &[Network], secret: &Secret, event: &EventRecord) -> Try {
    let told = tokio::time::timeout(ANSWER, post(webhook, allowed, secret, event));
    told.await.ok().flatten().unwrap_or(Try::Unreachable)
}

async fn post(webhook: &Webhook, allowed: &[Network], secret: &Secret, event: &EventRecord) -> Option<Try> {
    let stream = connect(webhook, allowed).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let body = envelope(event).to_string();
    let id = event.id.to_string();
    let seconds = clock::now().utc.as_millis().div_euclid(1_000);
    let request = Request::post(webhook.path.as_str())
        .header(header::HOST, webhook.host.as_str())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("wardwire/", env!("CARGO_PKG_VERSION")))
        .header("webhook-signature", secret.sign(&id, seconds, &body))
        .header("webhook-id", id)
        .header("webhook-timestamp", seconds)
        .body(Body::from(body))
        .ok()?;
    let answer = sender.send_request(request).await.ok()?;
    let asked = answer.headers().get(header::RETRY_AFTER);
    let asked = asked
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    Some(match answer.status() {
        status if status.is_success() => Try::Taken,
        StatusCode::GONE => Try::Gone,
        _ => Try::Refused(asked),
    })
}

/// A connection to an address the webhook may be at, whatever its name leads to.
async fn connect(webhook: &Webhook, allowed: &[Network]) -> Option<TcpStream> {
    let addresses = tokio::net::lookup_host(webhook.host.as_str()).await.ok()?;
    for address in addresses.filter(|address: &SocketAddr| may_reach(address.ip(), allowed)) {
        if let Ok(Ok(stream)) = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
            return Some(stream);
        }
    }
    None
}

fn may_reach(address: IpAddr, allowed: &[Network]) -> bool {
    address.to_canonical().is_loopback() || allowed.iter().any(|network| network.contains(address))
}

/// What is told: ids and states, no number and no text.
fn envelope(event: &EventRecord) -> Value {
    let mut data = match event.subject {
        Subject::Message(id) => json!({ "message_id": id.to_string(), "reference": event.reference }),
        Subject::Inbound(id) => json!({ "inbound_id": id.to_string() }),
        Subject::Sim(id) => json!({ "sim_id": id.to_string(), "cap": event.kind.cap().map(Cap::as_str) }),
        Subject::Batch(id) => json!({ "batch_id": id.to_string(), "reference": event.reference }),
    };
    if let (EventKind::MessageStatus(status), Some(data)) = (event.kind, data.as_object_mut()) {
        data.insert("status".into(), status.as_str().into());
    }
    json!({
        "id": event.id.to_string(), "sequence": event.sequence, "type": event.kind.as_str(),
        "created_at": event.created_at.to_string(), "service_id": event.service.to_string(), "data": data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardwire_core::base::{EventId, MessageId, ServiceId, Ulid, UtcTime};

    fn delivery(tries: u32) -> Delivery {
        Delivery {
            tries,
            event: EventRecord {
                sequence: 7,
                id: EventId(Ulid::from_bits(255)),
                kind: EventKind::MessageCreated,
                created_at: UtcTime::from_millis(0),
                service: ServiceId(Ulid::from_bits(1)),
                subject: Subject::Message(MessageId(Ulid::from_bits(2))),
                reference: None,
            },
        }
    }

    #[test]
    fn pauses_grow_have_an_end_and_obey_the_receiver() {
        let pause = |tries, outcome| match judge(&delivery(tries), outcome) {
            Told::Later(at) => Some(at.since(clock::now().utc).as_secs()),
            Told::Yes | Told::GivenUp => None,
        };
        assert_eq!(judge(&delivery(3), Try::Taken), Told::Yes);
        assert_eq!(judge(&delivery(0), Try::Gone), Told::GivenUp);
        let all: Vec<_> = (0..9).map(|tries| pause(tries, Try::Refused(None)).unwrap()).collect();
        assert!(
            all.is_sorted() && all[0] <= 6 && all[8] >= 86_000 && all[8] <= 96_000,
            "{all:?}"
        );
        assert_eq!(judge(&delivery(9), Try::Unreachable), Told::GivenUp);
        assert!(pause(0, Try::Refused(Some(60))) >= Some(59));
        assert!(pause(0, Try::Refused(Some(u64::MAX))) <= Some(86_400));
    }

    #[test]
    fn only_this_machine_and_named_networks_are_reached() {
        let allowed = ["10.1.0.0/16".parse::<Network>().unwrap()];
        for (address, fits) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.1.2.3", true),
            ("10.2.2.3", false),
            ("169.254.169.254", false),
            ("8.8.8.8", false),
        ] {
            assert_eq!(may_reach(address.parse().unwrap(), &allowed), fits, "{address}");
        }
    }
}
