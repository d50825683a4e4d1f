//! The command line's way to the gateway: the control socket of a running daemon, or, while none runs, the same router over
//! a store that this process opens. Either way it speaks as the local administrator, and no other process ever writes the file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, header};
use http_body_util::{BodyExt as _, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tower::ServiceExt as _;
use wardwire_core::gateway::snapshot::Snapshot;

use crate::config::Config;
use crate::daemon::{self, DaemonError, Holding};
use crate::store::DirectoryError;
use crate::{api, clock};

/// Answers are small; one longer than this is not ours.
const ANSWER_OCTETS: usize = 4 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum DoorError {
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    #[error("the running gateway does not answer on {0}")]
    NoAnswer(PathBuf),
    #[error("the answer makes no sense")]
    Nonsense,
    #[error("{0}")]
    Refused(String),
    /// The gateway cannot do it now, or none runs.
    #[error("{0}")]
    Later(String),
}

impl DoorError {
    /// Says it on standard error, and gives the exit code for it.
    pub(super) fn tell(&self) -> ExitCode {
        let code = super::fail(&self.to_string());
        match self {
            Self::Later(_) => ExitCode::from(super::TRY_LATER),
            Self::Daemon(_) | Self::NoAnswer(_) | Self::Nonsense | Self::Refused(_) => code,
        }
    }
}

pub(super) enum Door {
    /// A daemon runs.
    Socket(PathBuf),
    /// None runs; we hold its place.
    Local { router: Router, holding: Holding },
}

impl Door {
    pub(super) fn open(config: Config) -> Result<Self, DoorError> {
        let socket = daemon::control_socket(&config.data_dir);
        match daemon::hold(&config) {
            Ok(holding) => {
                let (_, nothing) = watch::channel(Snapshot::default());
                let (store, orders) = (holding.store.clone(), api::Orders::none());
                let context = api::Context::new(store, Arc::new(config), nothing, orders, clock::now);
                Ok(Self::Local {
                    router: api::router_local(context),
                    holding,
                })
            }
            Err(DaemonError::Directory(DirectoryError::Held { .. })) => Ok(Self::Socket(socket)),
            Err(error) => Err(error.into()),
        }
    }

    /// The door of the daemon that runs on this data directory.
    pub(super) fn running(data_dir: &std::path::Path) -> Self {
        Self::Socket(daemon::control_socket(data_dir))
    }

    /// True when no daemon runs, so nothing goes out by itself.
    pub(super) fn is_local(&self) -> bool {
        matches!(self, Self::Local { .. })
    }

    /// Asks, and gives status and JSON.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), DoorError> {
        let body = body.map(Value::to_string);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Body::from(body.unwrap_or_default()))
            .map_err(|_| DoorError::Nonsense)?;
        let answer = match self {
            Self::Local { router, .. } => match router.clone().oneshot(request).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            },
            Self::Socket(path) => over(path, request)
                .await
                .ok_or_else(|| DoorError::NoAnswer(path.clone()))?,
        };
        let status = answer.status().as_u16();
        let octets = Limited::new(answer.into_body(), ANSWER_OCTETS)
            .collect()
            .await
            .map_err(|_| DoorError::Nonsense)?;
        let value = serde_json::from_slice(&octets.to_bytes()).map_err(|_| DoorError::Nonsense)?;
        Ok((status, value))
    }

    /// Asks, and gives the JSON of a good answer.
    pub(super) async fn want(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, DoorError> {
        let (status, answer) = self.ask(method, path, body).await?;
        match status {
            200..=299 => Ok(answer),
            503 => Err(DoorError::Later(problem(&answer))),
            _ => Err(DoorError::Refused(problem(&answer))),
        }
    }

    /// The rows of a list that is one page.
    pub(super) async fn rows(&self, path: &str) -> Result<Vec<Value>, DoorError> {
        let list = self.want(Method::GET, path, None).await?;
        let Some(Value::Array(rows)) = list.get("data") else {
            return Err(DoorError::Nonsense);
        };
        Ok(rows.clone())
    }

    /// Lets the store finish what it holds.
    pub(super) async fn close(self) {
        if let Self::Local { holding, router } = self {
            drop(router);
            holding.store.close();
            holding.store.closed().await;
        }
    }
}

async fn over(socket: &std::path::Path, request: Request<Body>) -> Option<Response<Body>> {
    let stream = UnixStream::connect(socket).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.ok()?;
    Some(answer.map(Body::new))
}

/// What a problem document says, for the terminal.
pub(super) fn problem(value: &Value) -> String {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut said = format!("{} ({})", text("title"), text("code"));
    let errors = value.get("errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten() {
        let part = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
        said.push_str(&format!("\n  {}: {}", part("pointer"), part("detail")));
    }
    if errors.is_none_or(Vec::is_empty) && !text("detail").is_empty() {
        said.push_str(&format!(": {}", text("detail")));
    }
    said
}
