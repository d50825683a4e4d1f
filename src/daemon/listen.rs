//! Serving the router on a listener, TCP or the control socket: a bound on connections, on slow clients and on shutdown. It
//! knows nothing of what is served.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

/// Connections served at once; more wait in the kernel's queue.
const CONNECTIONS: usize = 512;
/// For a request's head; a slow client is cut off then. Its body has a time of its own in the API.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// For the answer: an order to a modem takes its time ([`crate::api::Orders::give`]), and nothing takes longer.
const ANSWER_TIME: Duration = Duration::from_secs(340);
/// Open answers (the live page among them) may end by themselves this long after shutdown began.
const GRACE: Duration = Duration::from_secs(2);
/// After a failed accept (no descriptors left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A source of connections.
pub(super) enum Door {
    /// The network.
    Tcp(TcpListener),
    /// `data_dir/control.sock`.
    Control(UnixListener),
}

/// Serves until `stop` turns true, then lets open answers end for a moment.
pub(super) async fn serve(door: Door, router: Router, mut stop: watch::Receiver<bool>) {
    let limit = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&limit).acquire_owned().await else {
            break;
        };
        let accepted = tokio::select! {
            accepted = accept(&door) => accepted,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok(stream) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    converse(stream, router, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    let all = async { while connections.join_next().await.is_some() {} };
    // Past the grace the set is dropped, and with it what still runs.
    let _ = tokio::time::timeout(GRACE, all).await;
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn accept(door: &Door) -> io::Result<Box<dyn Stream>> {
    match door {
        Door::Tcp(listener) => {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        Door::Control(listener) => {
            let (stream, _) = listener.accept().await?;
            let peer = stream.peer_cred()?.uid();
            // The mode of the socket says so already; root may always.
            if peer != 0 && peer != rustix::process::geteuid().as_raw() {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            Ok(Box::new(stream))
        }
    }
}

async fn converse(stream: Box<dyn Stream>, router: Router, mut stop: watch::Receiver<bool>) {
    let service = service_fn(|request: Request<Incoming>| answer(router.clone(), request));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIME)
        .max_headers(64)
        .max_buf_size(32 * 1024);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A client that goes away in the middle is its own business.
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    match tokio::time::timeout(ANSWER_TIME, router.oneshot(request.map(Body::new))).await {
        Ok(answer) => answer,
        Err(_) => {
            let mut cut = Response::new(Body::empty());
            *cut.status_mut() = StatusCode::REQUEST_TIMEOUT;
            Ok(cut)
        }
    }
}
