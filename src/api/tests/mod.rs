//! The API through its router, on a real store in a temporary directory.

mod access;
mod batches;
mod budgets;
mod decisions;
mod lists;
mod people;
mod refusals;
mod sending;
mod sharing;
mod watching;
mod windows;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;
use wardwire_core::gateway::snapshot::{ModemSnapshot, ModemState, Snapshot};

use super::{Context, router, router_local};
use crate::clock;
use crate::config::check;
use crate::store::{Place, Settings, Store, StoreHandle, directory};

const CONFIG: &str = "data_dir = 'unused'\nregion = 'IE'\n[policy]\npilot = false\nallowed_countries = ['IE', 'DE']\n\
                      [[modem]]\nlabel = 'm0'\nport = '/dev/m0'\n";

/// A number and a text that must never show up where they do not belong.
const NUMBER: &str = "+353871234567";
const TEXT: &str = "Zebra crossing tomorrow";

/// Both doors on one store.
struct House {
    context: Context,
    bank: watch::Sender<Snapshot>,
    _dir: TempDir,
}

/// An answer, read whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

fn house() -> House {
    house_with(CONFIG)
}

fn house_with(config: &str) -> House {
    let dir = tempfile::tempdir().unwrap();
    directory::prepare(dir.path()).unwrap();
    let keys = directory::keys(dir.path(), None).unwrap();
    let path = directory::database(dir.path());
    let mut store = Store::open(&Place::File(path.clone()), keys, Settings::default(), clock::now()).unwrap();
    let config = check(config, "w.toml").unwrap();
    store.keep_hours(config.hours.clone(), clock::now()).unwrap();
    let store = StoreHandle::start_with_readers(store, &path, clock::now).unwrap();
    let (bank, receiver) = watch::channel(Snapshot::default());
    House {
        context: Context::new(
            store,
            Arc::new(config),
            receiver,
            crate::api::Orders::none(),
            clock::now,
        ),
        bank,
        _dir: dir,
    }
}

impl House {
    /// A bank of one modem in this state.
    fn modem(&self, state: ModemState) {
        let modem = ModemSnapshot {
            label: "m0".to_owned(),
            imei: Some("860425047368214".to_owned()),
            state,
            signal_dbm: Some(-80),
            access: "4g",
            registration: "home",
            ..ModemSnapshot::default()
        };
        self.bank.send_modify(|b| b.modems = vec![modem]);
    }

    /// Makes a key as the local administrator does.
    async fn key(&self, service: &str, scopes: &[&str]) -> String {
        let body = json!({"label": "test", "service": service, "scopes": scopes});
        let answer = self.local(Method::POST, "/v1/api-keys", Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()["key"].as_str().unwrap().to_owned()
    }

    /// Through the control socket's router.
    async fn local(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |b| Body::from(b.to_string()));
        ask(router_local(self.context.clone()), request.body(body).unwrap()).await
    }

    /// Through TCP's router, with a key.
    async fn call(&self, key: &str, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        self.call_with(key, method, path, body, &[]).await
    }

    async fn call_with(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: impl Into<Body>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method.clone()).uri(path);
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if method == Method::POST && !headers.iter().any(|(n, _)| *n == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ask(router(self.context.clone()), request.body(body.into()).unwrap()).await
    }

    async fn get(&self, key: &str, path: &str) -> Answer {
        self.call(key, Method::GET, path, Body::empty()).await
    }

    async fn post(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.call(key, Method::POST, path, body.to_string()).await
    }

    /// A key of the service `default` that may do what senders do.
    async fn sender(&self) -> String {
        let scopes = [
            "messages:send",
            "messages:read",
            "messages:read_body",
            "messages:cancel",
        ];
        self.key("default", &scopes).await
    }
}

async fn ask(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let octets: Bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8(octets.to_vec()).unwrap(),
    }
}
