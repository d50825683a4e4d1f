//! Wakes when something was plugged in or out. What an event says is not read: it only means "look again", so that a
//! flood, a gap or a forged event does no harm, and where events are not to be had, looking every second does as well.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};

use super::pty::{Ready, ready};

/// Events of the kernel, and of udev once a node has its owner and links.
const GROUPS: u32 = 1 | 2;
/// Between two looks, whatever events say.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A device comes with a dozen events; they are answered by one look.
const CALM: Duration = Duration::from_millis(100);
/// Events thrown away in one go.
const FLOOD: usize = 1_024;

/// A listener for events.
#[derive(Debug)]
pub(super) struct Hotplug {
    socket: Option<(Arc<OwnedFd>, Ready)>,
}

impl Hotplug {
    /// Listens; where that is not permitted, it is a clock.
    pub(super) fn listen() -> Self {
        let socket = listen();
        if let Err(error) = &socket {
            tracing::info!(%error, "no events of the kernel; modems plugged in are looked for every second");
        }
        Self { socket: socket.ok() }
    }

    /// Waits until it is worth to look again.
    pub(super) async fn next(&self) {
        let Some((descriptor, readiness)) = &self.socket else {
            return tokio::time::sleep(LOOK_EVERY).await;
        };
        if let Ok(Ok(mut guard)) = tokio::time::timeout(LOOK_EVERY, readiness.readable()).await {
            tokio::time::sleep(CALM).await;
            if drain(descriptor) {
                guard.clear_ready();
            }
        }
    }
}

fn listen() -> std::io::Result<(Arc<OwnedFd>, Ready)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let protocol = Some(netlink::KOBJECT_UEVENT);
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, protocol)?;
    rustix::net::bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
    let socket = Arc::new(socket);
    let readiness = ready(&socket)?;
    Ok((socket, readiness))
}

/// Throws the events away; false when there may be more.
fn drain(socket: &OwnedFd) -> bool {
    let mut buffer = [MaybeUninit::uninit(); 8_192];
    for _ in 0..FLOOD {
        match rustix::net::recv(socket.as_fd(), &mut buffer, RecvFlags::DONTWAIT) {
            // Some were lost because we were slow: as good as one more event.
            Ok(_) | Err(rustix::io::Errno::NOBUFS | rustix::io::Errno::INTR) => {}
            Err(_) => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_events_it_is_a_clock() {
        let begun = std::time::Instant::now();
        Hotplug { socket: None }.next().await;
        assert!(begun.elapsed() >= LOOK_EVERY);
    }

    #[tokio::test]
    async fn it_never_waits_longer_than_the_clock_would() {
        let wait = Hotplug::listen();
        let in_time = tokio::time::timeout(LOOK_EVERY + Duration::from_secs(5), wait.next());
        assert!(in_time.await.is_ok());
    }
}
