//! Everything that can go wrong at the door, as RFC 9457 problem documents. A problem never holds a phone number or a
//! text: details are fixed sentences, pointers name only fields that look like field names.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Most mistakes of one request that are listed.
const LISTED: usize = 50;

macro_rules! codes {
    ($($name:ident = $code:literal, $status:ident, $title:literal;)+) => {
        /// The stable words of the API for what went wrong, each with its HTTP status and title.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $title] $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word clients may rely on.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// The HTTP status it comes with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// The short sentence for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }
        }
    };
}

codes! {
    MalformedJson = "malformed_json", BAD_REQUEST, "The body is not JSON";
    UnknownField = "unknown_field", BAD_REQUEST, "A field is not known";
    InvalidValue = "invalid_value", BAD_REQUEST, "A value is not valid";
    MissingField = "missing_field", BAD_REQUEST, "A field is missing";
    IdempotencyKeyMissing = "idempotency_key_missing", BAD_REQUEST, "The Idempotency-Key header is missing";
    InvalidCursor = "invalid_cursor", BAD_REQUEST, "The cursor is not valid";
    BadRequest = "bad_request", BAD_REQUEST, "The request cannot be read";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A valid key is needed";
    ScopeMissing = "scope_missing", FORBIDDEN, "The key lacks a scope";
    NotFound = "not_found", NOT_FOUND, "There is no such thing here";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This method is not offered here";
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The request came too slowly";
    AlreadySubmitting = "already_submitting", CONFLICT, "A part has been sent already";
    AlreadyFinal = "already_final", CONFLICT, "The message has ended already";
    StateConflict = "state_conflict", CONFLICT, "The message is not in a state for this";
    ModemRefused = "modem_refused", CONFLICT, "The modem refused it";
    NotNow = "not_now", CONFLICT, "This cannot be done in the present state";
    ContentTooLarge = "content_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body must be application/json";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY,
        "The Idempotency-Key was used for another request";
    NumberInvalid = "number_invalid", UNPROCESSABLE_ENTITY, "The phone number cannot be texted";
    NumberNotMobile = "number_not_mobile", UNPROCESSABLE_ENTITY, "The phone number is not a mobile one";
    CountryNotAllowed = "country_not_allowed", UNPROCESSABLE_ENTITY, "Numbers of this country are not allowed";
    TooManyParts = "too_many_parts", UNPROCESSABLE_ENTITY, "The text is too long";
    BatchTooLarge = "batch_too_large", UNPROCESSABLE_ENTITY, "A batch has at most 10,000 recipients";
    EncodingImpossible = "encoding_impossible", UNPROCESSABLE_ENTITY, "The text does not fit the encoding";
    SendAtPast = "send_at_past", UNPROCESSABLE_ENTITY, "The time to send has passed";
    ValidUntilPast = "valid_until_past", UNPROCESSABLE_ENTITY, "The validity ends too early";
    WindowInvalid = "window_invalid", UNPROCESSABLE_ENTITY, "The window cannot be kept";
    CommandNotAllowed = "command_not_allowed", UNPROCESSABLE_ENTITY, "This command is never sent to a modem";
    FlashNotAllowed = "flash_not_allowed", UNPROCESSABLE_ENTITY, "Flash texts are for staff only";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong here";
    StorageUnavailable = "storage_full", SERVICE_UNAVAILABLE, "The storage cannot be written";
    NotReady = "not_ready", SERVICE_UNAVAILABLE, "The gateway is not ready";
    ShuttingDown = "shutting_down", SERVICE_UNAVAILABLE, "The gateway is stopping";
    OutcomeUnknown = "outcome_unknown", GATEWAY_TIMEOUT, "Whether it was done is not known";
    TooManyStreams = "too_many_streams", SERVICE_UNAVAILABLE, "Too many event streams are open";
}

/// One mistake in the request, at a place of its JSON (RFC 6901 pointer) or in a query parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// `/to`; empty for the whole document.
    pub pointer: String,
    /// What kind of mistake.
    pub code: Code,
    /// For people.
    pub detail: Cow<'static, str>,
}

/// What is answered instead of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after_s: Option<u32>,
}

/// RFC 9457, with our members after the standard's.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    instance: String,
    code: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Mistake<'a>>,
}

#[derive(Serialize)]
struct Mistake<'a> {
    pointer: &'a str,
    code: &'static str,
    detail: &'a str,
}

impl<'a> Mistake<'a> {
    fn of(error: &'a FieldError) -> Self {
        Self {
            pointer: &error.pointer,
            code: error.code.as_str(),
            detail: &error.detail,
        }
    }
}

impl Problem {
    /// A problem with a sentence for people.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: None,
        }
    }

    /// All mistakes of a request; the first one of the most basic kind (400 before 422) gives code and status.
    #[must_use]
    pub fn of_fields(mut errors: Vec<FieldError>) -> Self {
        let code = errors
            .iter()
            .map(|e| e.code)
            .min_by_key(|c| c.status().as_u16())
            .unwrap_or(Code::InvalidValue);
        let detail = match errors.as_slice() {
            [one] => one.detail.clone(),
            many => format!("{} mistakes, see errors", many.len()).into(),
        };
        errors.truncate(LISTED);
        Self {
            errors,
            ..Self::new(code, detail)
        }
    }

    /// The mistakes it lists; of one that lists none, itself.
    pub(super) fn into_errors(self) -> Vec<FieldError> {
        if !self.errors.is_empty() {
            return self.errors;
        }
        vec![FieldError {
            pointer: String::new(),
            code: self.code,
            detail: self.detail,
        }]
    }

    /// For what was noted as a mistake before, so that it cannot be missing here.
    pub(super) fn not_noted() -> Self {
        Self::new(Code::Internal, "a mistake was not noted")
    }

    /// With the seconds after which the caller may try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The document, for the request of that id.
    fn document(&self, request_id: &str) -> String {
        let document = Document {
            r#type: format!("/docs/problems/{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            instance: format!("/v1/requests/{request_id}"),
            code: self.code.as_str(),
            request_id,
            retry_after_s: self.retry_after_s,
            errors: self.errors.iter().map(Mistake::of).collect(),
        };
        serde_json::to_string(&document).unwrap_or_default()
    }

    /// The whole answer; headers that belong to what it replaces (as `Allow`) are kept.
    pub(super) fn render(&self, request_id: &str, headers: &HeaderMap) -> Response {
        let mut response = Response::new(Body::from(self.document(request_id)));
        *response.status_mut() = self.code.status();
        let answer = response.headers_mut();
        if let Some(allow) = headers.get(header::ALLOW) {
            answer.insert(header::ALLOW, allow.clone());
        }
        answer.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.code == Code::Unauthenticated {
            answer.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            answer.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }

    /// The problem an empty answer of the router itself stands for.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::NOT_FOUND => Code::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Code::ContentTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
            StatusCode::REQUEST_TIMEOUT => Code::RequestTimeout,
            other if other.is_server_error() => Code::Internal,
            _ => Code::BadRequest,
        };
        Self::new(code, code.title())
    }
}

impl IntoResponse for Problem {
    /// Carries the problem to the outermost layer, which knows the request's id and renders it.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
