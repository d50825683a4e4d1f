//! Where a modem is reached: a path or a TCP address. Names no device database and opens nothing.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use wardwire_core::base::Network;

/// Where serial servers may stand, loopback apart, which is always allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(Arc<[Network]>);

impl Allowed {
    /// Loopback and these.
    #[must_use]
    pub fn new(networks: &[Network]) -> Self {
        Self(networks.into())
    }

    /// Whether a port may be opened at this address.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        address.to_canonical().is_loopback() || self.0.iter().any(|network| network.contains(address))
    }
}

/// Where a modem is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortSpec {
    /// A tty or pty, best by a name that survives re-plugging (`/dev/serial/by-path/...`).
    Path(PathBuf),
    /// A serial server in raw mode (ser2net), written `tcp://host:port`.
    Tcp {
        /// `host:port`.
        address: String,
        /// Where it may stand; judged when it is connected to, since a name may lead anywhere.
        allowed: Allowed,
    },
}

impl PortSpec {
    /// The same port, which may be opened in these networks too.
    #[must_use]
    pub fn allowing(self, networks: &Allowed) -> Self {
        match self {
            Self::Path(path) => Self::Path(path),
            Self::Tcp { address, .. } => Self::Tcp {
                address,
                allowed: networks.clone(),
            },
        }
    }
}

/// Why a text names no port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortSpecError {
    /// Neither a path nor a URL.
    #[error("a port is an absolute path or tcp://host:port")]
    NotAbsolute,
    /// Another scheme than `tcp`.
    #[error("the only scheme for a port is tcp://")]
    Scheme,
    /// The address after `tcp://` has no host or no port number.
    #[error("tcp:// is followed by host:port, with a port from 1 to 65535")]
    Address,
}

impl FromStr for PortSpec {
    type Err = PortSpecError;

    fn from_str(text: &str) -> Result<Self, PortSpecError> {
        if let Some(address) = text.strip_prefix("tcp://") {
            let (host, port) = address.rsplit_once(':').ok_or(PortSpecError::Address)?;
            let valid = !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0);
            return valid
                .then(|| Self::Tcp {
                    address: address.to_owned(),
                    allowed: Allowed::default(),
                })
                .ok_or(PortSpecError::Address);
        }
        if text.contains("://") {
            return Err(PortSpecError::Scheme);
        }
        if !text.starts_with('/') {
            return Err(PortSpecError::NotAbsolute);
        }
        Ok(Self::Path(PathBuf::from(text)))
    }
}

impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Tcp { address, .. } => write!(f, "tcp://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_addresses_are_told_apart() {
        let tcp = |address: &str| PortSpec::Tcp {
            address: address.to_owned(),
            allowed: Allowed::default(),
        };
        for (text, expected) in [
            ("/dev/ttyUSB2", Ok(PortSpec::Path("/dev/ttyUSB2".into()))),
            ("tcp://10.0.0.7:4001", Ok(tcp("10.0.0.7:4001"))),
            ("tcp://[::1]:4001", Ok(tcp("[::1]:4001"))),
            ("ttyUSB2", Err(PortSpecError::NotAbsolute)),
            ("", Err(PortSpecError::NotAbsolute)),
            ("http://a:1", Err(PortSpecError::Scheme)),
            ("tcp://a", Err(PortSpecError::Address)),
            ("tcp://:1", Err(PortSpecError::Address)),
            ("tcp://a:0", Err(PortSpecError::Address)),
            ("tcp://a:65536", Err(PortSpecError::Address)),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
            if let Ok(spec) = text.parse::<PortSpec>() {
                assert_eq!(spec.to_string(), text);
            }
        }
    }
}
