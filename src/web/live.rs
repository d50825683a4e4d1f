//! The page through its router, on a real store.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use http_body_util::BodyExt;
use tokio::sync::watch;
use tower::ServiceExt;
use wardwire_core::gateway::snapshot::{ModemSnapshot, ModemState, Snapshot};

use super::router;
use crate::api::Context;
use crate::clock;
use crate::config::check;
use crate::store::{Place, Settings, Store, StoreHandle, directory};

struct House {
    context: Context,
    bank: watch::Sender<Snapshot>,
    _dir: tempfile::TempDir,
}

fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    directory::prepare(dir.path()).unwrap();
    let keys = directory::keys(dir.path(), None).unwrap();
    let path = directory::database(dir.path());
    let store = Store::open(&Place::File(path.clone()), keys, Settings::default(), clock::now()).unwrap();
    let store = StoreHandle::start_with_readers(store, &path, clock::now).unwrap();
    let config = Arc::new(check("data_dir = 'x'\nregion = 'IE'", "w.toml").unwrap());
    let (bank, receiver) = watch::channel(Snapshot::default());
    House {
        context: Context::new(store, config, receiver, crate::api::Orders::none(), clock::now),
        bank,
        _dir: dir,
    }
}

async fn get(house: &House, path: &str) -> Response {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    router(house.context.clone()).oneshot(request).await.unwrap()
}

#[tokio::test]
async fn page_and_assets_come_with_a_strict_policy_and_stay_out_of_caches() {
    let house = house();
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/assets/status.css", "text/css; charset=utf-8"),
        ("/assets/status.js", "text/javascript; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
    ] {
        let response = get(&house, path).await;
        assert_eq!(response.status(), 200, "{path}");
        let headers = response.headers();
        assert_eq!(headers["content-type"], kind);
        assert_eq!(headers["cache-control"], "no-store");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
    }
    let page = get(&house, "/").await.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert!(page.contains("no modem is set up") && page.contains("Pilot."), "{page}");
    for path in page.split("=\"/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert_eq!(get(&house, &format!("/{path}")).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn the_stream_speaks_at_once_and_again_when_something_changed_and_ends_with_the_gateway() {
    let house = house();
    let response = get(&house, "/status/stream").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.into_body();
    let first = frame(&mut stream).await;
    assert!(
        first.starts_with("event: status\ndata: <section class=\"hero down\""),
        "{first}"
    );
    let modem = ModemSnapshot {
        label: "m0\r\n\ndata: x".to_owned(),
        state: ModemState::Ready,
        ..ModemSnapshot::default()
    };
    house.bank.send_modify(|b| b.modems = vec![modem]);
    let second = frame(&mut stream).await;
    assert!(
        second.contains("1 of 1 ready") && second.contains("m0   data: x<"),
        "{second}"
    );
    house.bank.send_modify(|b| b.draining = true);
    assert!(stream.frame().await.is_none());
}

async fn frame(stream: &mut Body) -> String {
    let data = stream.frame().await.unwrap().unwrap().into_data().unwrap();
    String::from_utf8(data.to_vec()).unwrap()
}
