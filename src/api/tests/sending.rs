//! A message is taken on, told of, and taken on once.

use super::*;

#[tokio::test]
async fn a_message_is_created_and_told_of() {
    let house = house();
    let key = house.sender().await;
    let body = json!({
        "to": "087 123 4567", "body": "Grüß Gott €", "reference": "A-1/rem1", "metadata": {"b": "2", "a": "1"},
        "priority": "high", "on_unknown": "hold", "validity_seconds": 3600,
    });
    let answer = house.post(&key, "/v1/messages", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    let message = answer.json();
    let id = message["id"].as_str().unwrap();
    assert!(id.starts_with("msg_"));
    assert_eq!(answer.header("location"), format!("/v1/messages/{id}"));
    for (field, value) in [
        ("direction", json!("outbound")),
        ("status", json!("queued")),
        ("final", json!(false)),
        ("hold_reason", Value::Null),
        ("to", json!(NUMBER)),
        ("from", Value::Null),
        ("body", json!("Grüß Gott €")),
        ("priority", json!("high")),
        ("encoding", json!("gsm7")),
        ("part_count", json!(1)),
        ("parts_accepted", json!(0)),
        ("parts_delivered", json!(0)),
        ("units", json!(12)),
        ("sim_id", Value::Null),
        ("attempts", json!(0)),
        ("delivery", json!("pending")),
        ("delivery_report", json!(true)),
        ("on_unknown", json!("hold")),
        ("possible_copy", json!(false)),
        ("reference", json!("A-1/rem1")),
        ("metadata", json!({"a": "1", "b": "2"})),
        ("error", Value::Null),
        ("scheduled_for", Value::Null),
        ("submitted_at", Value::Null),
        ("sent_at", Value::Null),
        ("delivered_at", Value::Null),
        ("final_at", Value::Null),
        ("cost", Value::Null),
        (
            "links",
            json!({"self": format!("/v1/messages/{id}"), "parts": format!("/v1/messages/{id}/parts")}),
        ),
    ] {
        assert_eq!(message[field], value, "{field}");
        assert!(message.as_object().unwrap().contains_key(field), "{field}");
    }
    let created = message["created_at"].as_str().unwrap();
    assert_eq!((created.len(), &created[23..]), (24, "Z"));

    let told = house.get(&key, &format!("/v1/messages/{id}")).await;
    assert_eq!(told.status, StatusCode::OK);
    assert_eq!(told.json(), message);
    let list = house.get(&key, "/v1/messages").await.json();
    assert_eq!(list, json!({"data": [message], "next_cursor": null}));
    let parts = house.get(&key, &format!("/v1/messages/{id}/parts")).await.json();
    assert_eq!(parts["data"][0]["sequence"], 1);
    assert_eq!(parts["data"][0]["status"], "pending");
    assert_eq!(parts["data"][0]["attempts"], json!([]));
}

#[tokio::test]
async fn defaults_follow_the_category_and_long_texts_have_parts() {
    let house = house();
    let key = house.sender().await;
    for (category, priority, on_unknown) in [
        (None, "normal", "retry"),
        (Some("appointment"), "normal", "retry"),
        (Some("staff_alert"), "high", "retry"),
        (Some("otp"), "high", "retry"),
        (Some("broadcast"), "bulk", "auto"),
        (Some("program"), "bulk", "auto"),
        (Some("marketing"), "bulk", "auto"),
    ] {
        let body = json!({"to": NUMBER, "body": TEXT, "category": category});
        let message = house.post(&key, "/v1/messages", &body).await.json();
        assert_eq!(message["priority"], priority, "{category:?}");
        assert_eq!(message["on_unknown"], on_unknown, "{category:?}");
    }
    for (text, encoding, parts) in [
        ("a".repeat(160), "gsm7", 1),
        ("a".repeat(161), "gsm7", 2),
        ("ж".repeat(70), "ucs2", 1),
        ("ж".repeat(71), "ucs2", 2),
        ("😀".repeat(35), "ucs2", 1),
    ] {
        let message = house
            .post(&key, "/v1/messages", &json!({"to": NUMBER, "body": text}))
            .await
            .json();
        assert_eq!(
            (&message["encoding"], &message["part_count"]),
            (&json!(encoding), &json!(parts))
        );
    }
    let ten = json!({"to": NUMBER, "body": "a".repeat(1530), "max_parts": 10});
    assert_eq!(house.post(&key, "/v1/messages", &ten).await.json()["part_count"], 10);
    let later = json!({"to": NUMBER, "body": TEXT, "send_at": "2027-01-02T03:04:05.678+01:00"});
    let message = house.post(&key, "/v1/messages", &later).await.json();
    assert_eq!(message["status"], "scheduled");
    assert_eq!(message["scheduled_for"], "2027-01-02T02:04:05.678Z");
    assert_eq!(message["valid_until"], "2027-01-04T02:04:05.678Z");
    let abroad = json!({"to": "0151 12345678", "body": TEXT, "default_country": "DE"});
    assert_eq!(
        house.post(&key, "/v1/messages", &abroad).await.json()["to"],
        "+4915112345678"
    );
}

#[tokio::test]
async fn typography_is_made_plain_only_where_that_saves_the_alphabet() {
    let house = house();
    let key = house.sender().await;
    for (text, how, encoding) in [
        ("“3 pm” – ward 5", None, "gsm7"),
        ("“3 pm” – ward 5", Some("safe"), "gsm7"),
        ("“3 pm” – ward 5", Some("none"), "ucs2"),
        ("“3 вечера” – ward 5", None, "ucs2"),
        ("Łukasz", None, "ucs2"),
        ("Łukasz", Some("names"), "gsm7"),
    ] {
        let body = json!({"to": NUMBER, "body": text, "transliterate": how});
        let message = house.post(&key, "/v1/messages", &body).await.json();
        assert_eq!(message["encoding"], encoding, "{text} {how:?}");
        assert_eq!(message["body"], text, "the record keeps the text as it was given");
    }
    let forced = json!({"to": NUMBER, "body": "“3 pm”", "encoding": "ucs2"});
    assert_eq!(
        house.post(&key, "/v1/messages", &forced).await.json()["encoding"],
        "ucs2"
    );
}

#[tokio::test]
async fn a_pilot_holds_every_number_but_its_own() {
    let house = house_with("data_dir = 'x'\nregion = 'IE'\n[policy]\npilot_numbers = ['+353871234567']");
    let key = house.sender().await;
    let own = house
        .post(&key, "/v1/messages", &json!({"to": NUMBER, "body": TEXT}))
        .await
        .json();
    assert_eq!((&own["status"], &own["hold_reason"]), (&json!("queued"), &Value::Null));
    let other = json!({"to": "+353861234567", "body": TEXT});
    let held = house.post(&key, "/v1/messages", &other).await.json();
    assert_eq!(
        (&held["status"], &held["hold_reason"]),
        (&json!("held"), &json!("pilot"))
    );
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_one_message() {
    let house = house();
    let key = house.sender().await;
    let body = json!({"to": NUMBER, "body": TEXT}).to_string();
    let headers = [("idempotency-key", "\"order-1\"")];
    let send = |body: String| house.call_with(&key, Method::POST, "/v1/messages", body, &headers);
    let first = send(body.clone()).await;
    assert_eq!(first.header("idempotency-replayed"), "");
    // The same fields in another order, by the bare form of the key.
    let turned = format!("{{\"body\": \"{TEXT}\",  \"to\": \"{NUMBER}\"}}");
    let bare = [("idempotency-key", "order-1")];
    let again = house.call_with(&key, Method::POST, "/v1/messages", turned, &bare).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.json(), first.json());

    let other = send(json!({"to": NUMBER, "body": "something else"}).to_string()).await;
    assert_eq!(
        (other.status.as_u16(), other.code().as_str()),
        (422, "idempotency_key_reused")
    );
    // A mistake is not remembered.
    let fresh = [("idempotency-key", "order-2")];
    let bad = house.call_with(&key, Method::POST, "/v1/messages", "{}", &fresh).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let good = house
        .call_with(&key, Method::POST, "/v1/messages", body.clone(), &fresh)
        .await;
    assert_eq!((good.status.as_u16(), good.header("idempotency-replayed")), (201, ""));
    // Another service has its own keys.
    let elsewhere = house.key("lab", &["messages:send"]).await;
    let theirs = house
        .call_with(&elsewhere, Method::POST, "/v1/messages", body, &bare)
        .await;
    assert_eq!(
        (theirs.status.as_u16(), theirs.header("idempotency-replayed")),
        (201, "")
    );
    assert_eq!(
        house.get(&key, "/v1/messages").await.json()["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_repeat_that_would_be_refused_by_now_still_gets_the_answer_of_then() {
    let mut house = house();
    let key = house.sender().await;
    let body = json!({"to": "+4915112345678", "body": TEXT}).to_string();
    let headers = [("idempotency-key", "k")];
    let first = house
        .call_with(&key, Method::POST, "/v1/messages", body.clone(), &headers)
        .await;
    assert_eq!(first.status, StatusCode::CREATED);
    let narrower = CONFIG.replace("'IE', 'DE'", "'IE'");
    house.context.config = Arc::new(check(&narrower, "w.toml").unwrap());
    let again = house
        .call_with(&key, Method::POST, "/v1/messages", body.clone(), &headers)
        .await;
    assert_eq!(
        (again.status.as_u16(), again.header("idempotency-replayed")),
        (201, "true")
    );
    assert_eq!(again.json(), first.json());
    let other = body.replace("tomorrow", "today");
    let refused = house
        .call_with(&key, Method::POST, "/v1/messages", other, &headers)
        .await;
    assert_eq!(refused.code(), "country_not_allowed");
    assert_eq!(
        house.call(&key, Method::POST, "/v1/messages", body).await.code(),
        "country_not_allowed"
    );
}

#[tokio::test]
async fn a_hundred_identical_requests_at_once_make_one_message() {
    let house = house();
    let key = house.sender().await;
    let body = json!({"to": NUMBER, "body": TEXT}).to_string();
    let headers = [("idempotency-key", "k")];
    let all = (0..100).map(|_| house.call_with(&key, Method::POST, "/v1/messages", body.clone(), &headers));
    let answers = futures_util::future::join_all(all).await;
    assert!(
        answers
            .iter()
            .all(|a| a.status == StatusCode::CREATED && a.text == answers[0].text)
    );
    assert_eq!(
        answers
            .iter()
            .filter(|a| a.header("idempotency-replayed").is_empty())
            .count(),
        1
    );
}

#[tokio::test]
async fn a_message_can_be_withdrawn_before_it_goes() {
    let house = house();
    let key = house.sender().await;
    let message = house
        .post(&key, "/v1/messages", &json!({"to": NUMBER, "body": TEXT}))
        .await
        .json();
    let path = format!("/v1/messages/{}/cancel", message["id"].as_str().unwrap());
    let answer = house.call(&key, Method::POST, &path, Body::empty()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let message = answer.json();
    assert_eq!(
        (&message["status"], &message["final"]),
        (&json!("canceled"), &json!(true))
    );
    let again = house.call(&key, Method::POST, &path, Body::empty()).await;
    assert_eq!((again.status.as_u16(), again.code().as_str()), (409, "already_final"));
    let nobody = "/v1/messages/msg_01JZ3M8Q4W8J7V5N2K9C6B1A0D/cancel";
    assert_eq!(
        house.call(&key, Method::POST, nobody, Body::empty()).await.code(),
        "not_found"
    );
}
