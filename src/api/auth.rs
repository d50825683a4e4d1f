//! Who is calling and what they may do. A key is `wwk_<id>_<secret>`: the id finds its row, the secret (32 random
//! octets) is known to its holder only; the row has its SHA-256.

use std::fmt;
use std::str::FromStr;

use axum::http::{HeaderMap, header};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use wardwire_core::base::{ApiKeyId, ServiceId, Ulid};

use super::problem::{Code, Problem};

macro_rules! scopes {
    ($($name:ident = $word:literal;)+) => {
        /// What a key may be allowed to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Scope {
            $(#[doc = $word] $name,)+
        }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

scopes! {
    MessagesSend = "messages:send";
    MessagesRead = "messages:read";
    MessagesReadBody = "messages:read_body";
    MessagesCancel = "messages:cancel";
    BatchesSend = "batches:send";
    BatchesApprove = "batches:approve";
    ContactsRead = "contacts:read";
    ContactsWrite = "contacts:write";
    TemplatesWrite = "templates:write";
    TemplatesApprove = "templates:approve";
    ConversationsRead = "conversations:read";
    ConversationsReply = "conversations:reply";
    OptoutsRead = "optouts:read";
    OptoutsWrite = "optouts:write";
    AppointmentsWrite = "appointments:write";
    AppointmentsRead = "appointments:read";
    WorkItemsWrite = "work_items:write";
    AlertsSend = "alerts:send";
    AlertsAck = "alerts:ack";
    RotasWrite = "rotas:write";
    ModemsRead = "modems:read";
    ModemsWrite = "modems:write";
    ModemsConsole = "modems:console";
    WebhooksWrite = "webhooks:write";
    EventsRead = "events:read";
    AuditRead = "audit:read";
    UsersWrite = "users:write";
    KeysWrite = "keys:write";
    BackupsWrite = "backups:write";
    SettingsWrite = "settings:write";
    StatusRead = "status:read";
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .iter()
            .copied()
            .find(|s| s.as_str() == text)
            .ok_or(UnknownScope)
    }
}

/// No scope has this word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a known scope")]
pub struct UnknownScope;

/// Who is calling.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A person or program on this machine that may open the control socket: may do everything, in every service.
    LocalAdmin,
    /// The holder of a key.
    Key {
        /// Which key.
        key: ApiKeyId,
        /// Whose it is: the caller sees and writes nothing else.
        service: ServiceId,
        /// What it may do.
        scopes: Vec<Scope>,
    },
}

impl Caller {
    /// Whether it may do this.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        match self {
            Self::LocalAdmin => true,
            Self::Key { scopes, .. } => scopes.contains(&scope),
        }
    }

    /// Refuses a caller that may not do this.
    ///
    /// # Errors
    /// 403 that names the scope.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.may(scope) {
            return Ok(());
        }
        let detail = format!("the key needs the scope {}", scope.as_str());
        Err(Problem::new(Code::ScopeMissing, detail))
    }
}

/// A key as its holder has it. `Debug` shows nothing of the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    id: ApiKeyId,
    secret: [u8; 32],
}

impl Token {
    /// Makes a new one for this id from the system's randomness.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn generate(id: Ulid) -> Result<Self, ring::error::Unspecified> {
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret)?;
        Ok(Self {
            id: ApiKeyId(id),
            secret,
        })
    }

    /// Reads `wwk_<id>_<secret>`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, hex) = text.strip_prefix("wwk_")?.split_once('_')?;
        let id = ApiKeyId(id.parse().ok()?);
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        let mut secret = [0; 32];
        for (octet, pair) in secret.iter_mut().zip(hex.as_bytes().chunks(2)) {
            let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
            let value = digit(pair.first())? * 16 + digit(pair.get(1))?;
            *octet = u8::try_from(value).ok()?;
        }
        Some(Self { id, secret })
    }

    /// The id that finds its row.
    #[must_use]
    pub fn id(&self) -> ApiKeyId {
        self.id
    }

    /// The whole key, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> String {
        let hex: String = self.secret.iter().map(|b| format!("{b:02x}")).collect();
        format!("wwk_{}_{hex}", self.id.0)
    }

    /// What its row keeps. The secret has 256 bits of randomness, so a slow hash would add nothing.
    #[must_use]
    pub fn secret_sha256(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(digest(&SHA256, &self.secret).as_ref()) {
            *to = *from;
        }
        hash
    }

    /// Whether this is the key whose row has that hash; takes the same time for every wrong secret.
    #[must_use]
    pub fn fits(&self, secret_sha256: &[u8; 32]) -> bool {
        let ours = self.secret_sha256();
        let differing = ours.iter().zip(secret_sha256).fold(0, |sum, (a, b)| sum | (a ^ b));
        std::hint::black_box(differing) == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.id)
    }
}

/// The key of a request, if it has exactly one.
pub(super) fn bearer(headers: &HeaderMap) -> Option<Token> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    Token::parse(token.trim_start_matches(' '))
}
