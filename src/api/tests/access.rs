//! Who may do what.

use super::*;

/// Every door that needs a key, with the scope it needs.
const DOORS: [(&str, &str, &str); 13] = [
    ("POST", "/v1/messages", "messages:send"),
    ("GET", "/v1/messages", "messages:read"),
    ("GET", "/v1/messages/{msg}", "messages:read"),
    ("GET", "/v1/messages/{msg}/parts", "messages:read"),
    ("POST", "/v1/messages/{msg}/cancel", "messages:cancel"),
    ("GET", "/v1/inbound-messages", "messages:read"),
    ("GET", "/v1/events", "events:read"),
    ("GET", "/v1/status", "status:read"),
    ("GET", "/v1/modems", "modems:read"),
    ("GET", "/v1/modems/m0", "modems:read"),
    ("POST", "/v1/api-keys", "keys:write"),
    ("GET", "/v1/api-keys", "keys:write"),
    ("DELETE", "/v1/api-keys/{key}", "keys:write"),
];

#[tokio::test]
async fn every_door_asks_for_its_scope_and_no_other() {
    let house = house();
    house.modem(ModemState::Ready);
    let sender = house.sender().await;
    let body = json!({"to": NUMBER, "body": TEXT});
    let all = crate::api::Scope::ALL.iter().map(|s| s.as_str());
    for (method, path, scope) in DOORS {
        let message = house.post(&sender, "/v1/messages", &body).await.json();
        let spare = house.key("default", &["status:read"]).await;
        let path = path
            .replace("{msg}", message["id"].as_str().unwrap())
            .replace("{key}", &format!("key_{}", &spare[4..30]));
        let method: Method = method.parse().unwrap();
        let content = match path.as_str() {
            "/v1/api-keys" => json!({"label": "x", "scopes": [scope]}).to_string(),
            _ => body.to_string(),
        };
        let nobody = house.call("", method.clone(), &path, content.clone()).await;
        assert_eq!(
            (nobody.status.as_u16(), nobody.code().as_str()),
            (401, "unauthenticated"),
            "{path}"
        );
        let others: Vec<&str> = all.clone().filter(|s| *s != scope).collect();
        let other = house.key("default", &others).await;
        let refused = house.call(&other, method.clone(), &path, content.clone()).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (403, "scope_missing"),
            "{path}"
        );
        assert!(refused.json()["detail"].as_str().unwrap().contains(scope));
        let right = house.key("default", &[scope]).await;
        let served = house.call(&right, method.clone(), &path, content.clone()).await;
        assert!(served.status.is_success(), "{method} {path}: {}", served.text);
    }
}

#[tokio::test]
async fn a_key_that_is_wrong_in_any_way_gets_the_same_answer() {
    let house = house();
    let key = house.key("default", &["status:read"]).await;
    assert_eq!(house.get(&key, "/v1/status").await.status, StatusCode::OK);
    let mut wrong = key.clone();
    let last = if wrong.ends_with('0') { '1' } else { '0' };
    wrong.pop();
    wrong.push(last);
    let unknown = format!("wwk_01JZ3M8Q4W8J7V5N2K9C6B1A0D_{}", &key[31..]);
    let mut texts = Vec::new();
    for bad in [wrong.as_str(), &unknown, &key[..40], "wwk_", "x", NUMBER] {
        let headers = [("x-request-id", "same")];
        let answer = house
            .call_with(bad, Method::GET, "/v1/status", Body::empty(), &headers)
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        texts.push(answer.text);
    }
    let basic = [("authorization", "Basic d3drOng="), ("x-request-id", "same")];
    texts.push(
        house
            .call_with("", Method::GET, "/v1/status", Body::empty(), &basic)
            .await
            .text,
    );
    let twice = format!("Bearer {key}");
    let twice = [("authorization", twice.as_str()), ("x-request-id", "same")];
    texts.push(
        house
            .call_with(&key, Method::GET, "/v1/status", Body::empty(), &twice)
            .await
            .text,
    );
    assert!(texts.iter().all(|t| *t == texts[0]));
}

#[tokio::test]
async fn a_revoked_key_is_void_at_once() {
    let house = house();
    let key = house.key("default", &["status:read"]).await;
    let path = format!("/v1/api-keys/key_{}", &key[4..30]);
    let answer = house.local(Method::DELETE, &path, None).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(house.get(&key, "/v1/status").await.code(), "unauthenticated");
    let gone = "/v1/api-keys/key_01JZ3M8Q4W8J7V5N2K9C6B1A0D";
    assert_eq!(house.local(Method::DELETE, gone, None).await.code(), "not_found");
}

#[tokio::test]
async fn services_do_not_see_each_other() {
    let house = house();
    let ours = house.sender().await;
    let theirs = house
        .key(
            "lab",
            &["messages:read", "messages:cancel", "events:read", "keys:write"],
        )
        .await;
    let message = house
        .post(&ours, "/v1/messages", &json!({"to": NUMBER, "body": TEXT}))
        .await
        .json();
    let path = format!("/v1/messages/{}", message["id"].as_str().unwrap());
    assert_eq!(house.get(&theirs, &path).await.code(), "not_found");
    assert_eq!(house.get(&theirs, &format!("{path}/parts")).await.code(), "not_found");
    let cancel = house
        .call(&theirs, Method::POST, &format!("{path}/cancel"), Body::empty())
        .await;
    assert_eq!(cancel.code(), "not_found");
    for path in ["/v1/messages", "/v1/events"] {
        assert_eq!(house.get(&theirs, path).await.json()["data"], json!([]));
    }
    let keys = house.get(&theirs, "/v1/api-keys").await.json();
    assert_eq!(keys["data"].as_array().unwrap().len(), 1);
    let revoke = format!("/v1/api-keys/key_{}", &ours[4..30]);
    assert_eq!(
        house.call(&theirs, Method::DELETE, &revoke, Body::empty()).await.code(),
        "not_found"
    );
    assert_eq!(house.get(&ours, &path).await.status, StatusCode::OK);
}

#[tokio::test]
async fn texts_are_for_those_who_may_read_them() {
    let house = house();
    let plain = house.key("default", &["messages:send", "messages:read"]).await;
    let full = house.sender().await;
    let headers = [("idempotency-key", "k")];
    let body = json!({"to": NUMBER, "body": TEXT}).to_string();
    let made = house
        .call_with(&full, Method::POST, "/v1/messages", body.clone(), &headers)
        .await;
    assert_eq!(made.json()["body"], TEXT);
    let replayed = house
        .call_with(&plain, Method::POST, "/v1/messages", body, &headers)
        .await;
    assert_eq!(replayed.header("idempotency-replayed"), "true");
    let path = format!("/v1/messages/{}", made.json()["id"].as_str().unwrap());
    for answer in [
        replayed,
        house.get(&plain, &path).await,
        house.get(&plain, "/v1/messages").await,
    ] {
        assert!(answer.status.is_success());
        assert!(
            !answer.text.contains("Zebra") && !answer.text.contains("\"body\""),
            "{}",
            answer.text
        );
        assert!(answer.text.contains(NUMBER));
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_gives_no_more_than_its_maker_has() {
    let house = house();
    let key = house.key("default", &["keys:write", "messages:read"]).await;
    let list = house.local(Method::GET, "/v1/api-keys", None).await;
    assert!(!list.text.contains(&key[31..]) && !list.text.contains("sha256") && !list.text.contains("\"key\""));
    assert_eq!(list.json()["data"][0]["scopes"], json!(["messages:read", "keys:write"]));

    let ask = |body: Value| {
        let (house, key) = (&house, &key);
        async move { house.post(key, "/v1/api-keys", &body).await }
    };
    let child = ask(json!({"label": "child", "scopes": ["messages:read"]})).await;
    assert_eq!(child.status, StatusCode::CREATED, "{}", child.text);
    for (body, pointer) in [
        (json!({"label": "x", "scopes": ["messages:send"]}), "/scopes"),
        (json!({"label": "x", "scopes": ["messages:everything"]}), "/scopes"),
        (json!({"label": "x", "scopes": []}), "/scopes"),
        (json!({"label": "x", "scopes": "messages:read"}), "/scopes"),
        (json!({"label": "x"}), "/scopes"),
        (json!({"label": "", "scopes": ["messages:read"]}), "/label"),
        (json!({"scopes": ["messages:read"]}), "/label"),
        (
            json!({"label": "x", "scopes": ["messages:read"], "service": "lab"}),
            "/service",
        ),
        (
            json!({"label": "x", "scopes": ["messages:read"], "service": "A b"}),
            "/service",
        ),
        (json!({"label": "x", "scopes": ["messages:read"], "ttl": 5}), "/ttl"),
    ] {
        let answer = ask(body.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
}

#[test]
fn a_token_reads_back_and_hides_its_secret() {
    use crate::api::Token;
    use wardwire_core::base::Ulid;
    let token = Token::generate(Ulid::from_bits(77)).unwrap();
    let text = token.reveal();
    let again = Token::parse(&text).unwrap();
    assert!(again == token && again.fits(&token.secret_sha256()));
    assert_eq!(text.len(), 4 + 26 + 1 + 64);
    assert!(!format!("{token:?}").contains(&text[31..]));
    let other = Token::generate(Ulid::from_bits(77)).unwrap();
    assert!(!other.fits(&token.secret_sha256()));
    for bad in [
        "",
        "wwk_",
        "wwk__",
        &text[1..],
        &text[..94],
        &text.replace("wwk", "abc"),
        &format!("{text}0"),
    ] {
        assert!(Token::parse(bad).is_none(), "{bad}");
    }
    let crossed = format!("{}é{}", &text[..40], &text[42..]);
    assert!(Token::parse(&crossed).is_none());
}
