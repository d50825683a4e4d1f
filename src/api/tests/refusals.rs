//! What is refused, with exactly which problem, and that nothing of it is stored or repeated.

use std::io;
use std::sync::{Arc, Mutex};

use super::*;
use tracing_subscriber::fmt::MakeWriter;

/// A body, its status and code, and its mistakes in order.
type Case = (Value, u16, &'static str, Vec<(&'static str, &'static str)>);

/// A good message with one field changed.
fn with(field: &str, value: Value) -> Value {
    let mut body = json!({"to": NUMBER, "body": TEXT});
    body[field] = value;
    body
}

/// One mistake each: field, value, code. The pointer is the field's.
fn single_mistakes() -> Vec<(&'static str, Value, &'static str)> {
    let mut cases = vec![
        ("to", Value::Null, "missing_field"),
        ("body", Value::Null, "missing_field"),
        ("colour", json!(1), "unknown_field"),
        ("to", json!("+35312"), "number_invalid"),
        ("to", json!("50123"), "number_invalid"),
        ("to", json!("112"), "number_invalid"),
        ("to", json!("+35312345678"), "number_not_mobile"),
        ("to", json!("+447400123456"), "country_not_allowed"),
        ("body", json!("a".repeat(1531)), "too_many_parts"),
        ("body", json!("a".repeat(613)), "too_many_parts"),
        ("body", json!("a".repeat(9_999)), "too_many_parts"),
        ("send_at", json!("2020-01-01T00:00:00Z"), "send_at_past"),
        ("valid_until", json!("2020-01-01T00:00:00Z"), "valid_until_past"),
        ("flash", json!(true), "flash_not_allowed"),
    ];
    let invalid = [
        ("to", json!(353_871_234_567_u64)),
        ("body", json!("")),
        ("body", json!(" \n ")),
        ("body", json!("\u{200B}\u{FEFF}")),
        ("body", json!("bell \u{7}")),
        ("body", json!(["x"])),
        ("default_country", json!("Ireland")),
        ("priority", json!("urgent")),
        ("category", json!("spam")),
        ("encoding", json!("utf8")),
        ("transliterate", json!("nicely")),
        ("max_parts", json!(0)),
        ("max_parts", json!(11)),
        ("max_parts", json!(1.5)),
        ("flash", json!("yes")),
        ("delivery_report", json!(1)),
        ("on_unknown", json!("panic")),
        ("sensitive", json!("yes")),
        ("send_at", json!("tomorrow")),
        ("send_at", json!("2199-01-01T00:00:00Z")),
        ("valid_until", json!("2199-01-01T00:00:00Z")),
        ("validity_seconds", json!(1)),
        ("validity_seconds", json!(-5)),
        ("reference", json!("")),
        ("reference", json!("r".repeat(65))),
        ("reference", json!("a\nb")),
        ("metadata", json!("x")),
        ("metadata", json!({"a": 1})),
        ("metadata", json!({"a": "x".repeat(1024)})),
        ("template", json!({"id": "tpl_1"})),
        ("contact_id", json!("con_1")),
        ("window", json!("0900-2000")),
        ("sender", json!({})),
        ("expects_reply", json!({})),
        ("dedupe_seconds", json!(5)),
    ];
    cases.extend(invalid.map(|(field, value)| (field, value, "invalid_value")));
    cases
}

fn bad_messages() -> Vec<Case> {
    let status = |code: &str| {
        if matches!(code, "missing_field" | "unknown_field" | "invalid_value") {
            400
        } else {
            422
        }
    };
    let mut cases: Vec<Case> = single_mistakes()
        .into_iter()
        .map(|(field, value, code)| {
            let pointer: &'static str = Box::leak(format!("/{field}").into_boxed_str());
            (with(field, value), status(code), code, vec![(pointer, code)])
        })
        .collect();
    let mut gsm = with("body", json!("Grüße 你"));
    gsm["encoding"] = json!("gsm7");
    let impossible = ("/body", "encoding_impossible");
    cases.push((gsm, 422, "encoding_impossible", vec![impossible]));
    // The name of an unknown field is not repeated when it is no name.
    cases.push((
        with(NUMBER, json!(1)),
        400,
        "unknown_field",
        vec![("", "unknown_field")],
    ));
    let missing = vec![("/to", "missing_field"), ("/body", "missing_field")];
    cases.push((json!({}), 400, "missing_field", missing));
    // Everything at once: the most basic kind of mistake gives code and status.
    let all = vec![
        ("/to", "number_invalid"),
        ("/body", "invalid_value"),
        ("/priority", "invalid_value"),
        ("/x", "unknown_field"),
    ];
    let body = json!({"to": "1", "body": "", "priority": "soon", "x": 1});
    cases.push((body, 400, "invalid_value", all));
    cases
}

#[tokio::test]
async fn a_bad_message_gets_its_problem_and_leaves_no_trace() {
    let house = house();
    let key = house.sender().await;
    for (body, status, code, mistakes) in bad_messages() {
        let name: String = body.to_string().chars().take(80).collect();
        let answer = house.post(&key, "/v1/messages", &body).await;
        let problem = answer.json();
        assert_eq!(answer.status.as_u16(), status, "{name}: {problem}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{name}");
        assert_eq!(problem["code"], code, "{name}: {problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("/docs/problems/{code}"));
        assert_eq!(
            problem["instance"],
            format!("/v1/requests/{}", answer.header("x-request-id"))
        );
        assert_eq!(problem["request_id"], answer.header("x-request-id"));
        let found: Vec<(&str, &str)> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| (e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap()))
            .collect();
        assert_eq!(found, mistakes, "{name}: {problem}");
        for secret in ["353871234567", "871234567", "Zebra", "1234", "Grüße", "你"] {
            assert!(!answer.text.contains(secret), "{name}: {secret} in {}", answer.text);
        }
    }
    let list = house.get(&key, "/v1/messages").await.json();
    assert_eq!(list["data"], json!([]));
    assert_eq!(list["next_cursor"], Value::Null);
}

#[tokio::test]
async fn what_is_no_json_is_named_with_its_place() {
    let house = house();
    let key = house.sender().await;
    for (body, detail) in [
        ("", "not JSON at line 1, column 0"),
        (
            "{\"to\": \"+353871234567\",\n  \"body\" \"x\"}",
            "not JSON at line 2, column 10",
        ),
        ("[1]", "the body must be one JSON object"),
        ("\"+353871234567\"", "the body must be one JSON object"),
        ("{\"to\": nul}", "not JSON at line 1, column 11"),
    ] {
        let answer = house.call(&key, Method::POST, "/v1/messages", body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, "malformed_json")
        );
        assert_eq!(answer.json()["detail"], detail);
        assert!(!answer.text.contains("353871"));
    }
    let deep = "[".repeat(100_000);
    let answer = house.call(&key, Method::POST, "/v1/messages", deep).await;
    assert_eq!(answer.code(), "malformed_json");
    let answer = house
        .call(&key, Method::POST, "/v1/messages", vec![b'"', 0xFF, b'"'])
        .await;
    assert_eq!(answer.code(), "malformed_json");
}

#[tokio::test]
async fn size_kind_address_and_method_have_their_problems() {
    let house = house();
    let key = house.sender().await;
    let big = json!({"to": NUMBER, "body": "x".repeat(2 << 20)}).to_string();
    let answer = house.call(&key, Method::POST, "/v1/messages", big).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (413, "content_too_large")
    );

    let good = json!({"to": NUMBER, "body": TEXT}).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let headers = [("content-type", kind)];
        let answer = house
            .call_with(&key, Method::POST, "/v1/messages", good.clone(), &headers)
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (415, "unsupported_media_type")
        );
    }
    let answer = house.get(&key, "/v1/massages").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "not_found"));
    for id in [
        "msg_01JZ3M8Q4W8J7V5N2K9C6B1A0D",
        "+353871234567",
        "%2B353871234567",
        "prt_1",
        "..%2f..",
    ] {
        for path in [format!("/v1/messages/{id}"), format!("/v1/messages/{id}/parts")] {
            let answer = house.get(&key, &path).await;
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (404, "not_found"),
                "{path}"
            );
            assert!(!answer.text.contains("353871"));
        }
    }
    let answer = house.call(&key, Method::DELETE, "/v1/messages", Body::empty()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (405, "method_not_allowed")
    );
    assert!(answer.header("allow").contains("POST"), "{}", answer.header("allow"));
    assert_eq!(house.get(&key, "/v1/messages").await.json()["data"], json!([]));
}

#[tokio::test]
async fn an_idempotency_key_is_asked_for_only_by_setting_and_must_be_printable() {
    let strict = house_with(&format!("{CONFIG}[http]\nrequire_idempotency_key = true"));
    let key = strict.sender().await;
    let body = json!({"to": NUMBER, "body": TEXT});
    let answer = strict.post(&key, "/v1/messages", &body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (400, "idempotency_key_missing")
    );
    let long = "k".repeat(256);
    for bad in ["", "\"\"", "tab\tin it", &long] {
        let headers = [("idempotency-key", bad)];
        let answer = strict
            .call_with(&key, Method::POST, "/v1/messages", body.to_string(), &headers)
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, "invalid_value"),
            "{bad}"
        );
    }
    let headers = [("idempotency-key", "k1")];
    let answer = strict
        .call_with(&key, Method::POST, "/v1/messages", body.to_string(), &headers)
        .await;
    assert_eq!(answer.status.as_u16(), 201);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_log_line_has_a_number_or_a_text() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone())
        .finish();
    // For all threads, the store's too; so the lines of tests that run beside this one are searched as well.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let house = house();
    let key = house.sender().await;
    let headers = [
        ("x-request-id", NUMBER.trim_start_matches('+')),
        ("idempotency-key", NUMBER),
    ];
    for (body, ..) in bad_messages() {
        house.post(&key, "/v1/messages", &body).await;
    }
    let good = json!({"to": NUMBER, "body": TEXT, "reference": NUMBER}).to_string();
    house
        .call_with(&key, Method::POST, "/v1/messages", good, &headers)
        .await;
    for path in [
        "/v1/messages/+353871234567",
        "/+353871234567",
        "/v1/messages?reference=353871234567",
    ] {
        house.get(&key, path).await;
        house.get("", path).await;
    }
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("/v1/messages"), "there is a log");
    for secret in ["353871234567", "871234567", "Zebra", &key] {
        assert!(!log.contains(secret), "{secret}");
    }
}
