//! Batches through the door: what is taken, what is refused and at which place, and what people do with them.

use std::time::Duration;

use super::*;

const SENDER: &[&str] = &["batches:send", "messages:read", "messages:read_body", "events:read"];

/// Mobile numbers of Ireland.
fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("+35387{n:07}")).collect()
}

impl House {
    /// Asks until every recipient has a message: the writer makes them by itself.
    async fn prepared(&self, key: &str, id: &str) -> Value {
        let asking = async {
            loop {
                let batch = self.get(key, &format!("/v1/batches/{id}")).await.json();
                if batch["prepared"] == batch["recipients"] {
                    return batch;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), asking).await.unwrap()
    }

    /// Asks until the counts are these.
    async fn counts(&self, key: &str, id: &str, wanted: Value) {
        let asking = async {
            while self.get(key, &format!("/v1/batches/{id}")).await.json()["counts"] != wanted {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), asking).await.unwrap();
    }
}

#[tokio::test]
async fn a_batch_is_taken_on_told_of_and_becomes_its_messages() {
    let house = house();
    let key = house.key("default", SENDER).await;
    let body = json!({
        "name": "Closed on Monday", "reference": "B-7", "category": "broadcast", "body": TEXT,
        "recipients": ["087 123 4567", {"to": "+353871234568", "body": "For you alone", "reference": "R-2"}, "+353871234569"],
    });
    let answer = house.post(&key, "/v1/batches", &body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let created = answer.json();
    let id = created["id"].as_str().unwrap();
    assert!(id.starts_with("bat_"));
    assert_eq!(answer.header("location"), format!("/v1/batches/{id}"));
    for (field, value) in [
        ("status", json!("running")),
        ("final", json!(false)),
        ("name", json!("Closed on Monday")),
        ("reference", json!("B-7")),
        ("category", json!("broadcast")),
        ("priority", json!("bulk")),
        ("recipients", json!(3)),
        ("duplicates", json!(0)),
        ("invalid", json!(0)),
        ("parts", json!(3)),
        ("invalid_recipients", json!([])),
        ("duplicate_recipients", json!([])),
        ("completed_at", Value::Null),
    ] {
        assert_eq!(created[field], value, "{field}");
    }
    assert!(!answer.text.contains(&NUMBER[1..]) && !answer.text.contains(TEXT));
    let batch = house.prepared(&key, id).await;
    assert_eq!(batch["counts"], json!({"queued": 3}));
    let list = house.get(&key, "/v1/batches").await.json();
    assert_eq!(list, json!({"data": [batch], "next_cursor": null}));
    let messages = house
        .get(&key, &format!("/v1/batches/{id}/messages?order=asc"))
        .await
        .json();
    let found: Vec<[&str; 5]> = messages["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| ["to", "body", "reference", "priority", "batch_id"].map(|field| m[field].as_str().unwrap()))
        .collect();
    let wanted = [
        [NUMBER, TEXT, "B-7", "bulk", id],
        ["+353871234568", "For you alone", "R-2", "bulk", id],
        ["+353871234569", TEXT, "B-7", "bulk", id],
    ];
    assert_eq!(found, wanted);
    assert_eq!(messages["data"][0]["on_unknown"], "auto", "as its category says");
    let page = house.get(&key, &format!("/v1/batches/{id}/messages?limit=2")).await;
    assert!(
        page.header("link")
            .contains(&format!("/v1/batches/{id}/messages?limit=2&cursor="))
    );
    assert_eq!(page.json()["data"].as_array().unwrap().len(), 2);
    let others = house
        .get(&key, "/v1/messages?batch_id=bat_01JZ3M8Q4W8J7V5N2K9C6B1A0D")
        .await;
    assert_eq!(others.json()["data"], json!([]));
    let events = house.get(&key, "/v1/events").await.json();
    assert_eq!(events["data"][0]["type"], "batch.started");
    assert_eq!(events["data"][0]["data"], json!({"batch_id": id, "reference": "B-7"}));
    assert_eq!(events["data"][1]["type"], "message.created");
}

#[tokio::test]
async fn a_repeated_request_is_the_same_batch() {
    let house = house();
    let key = house.key("default", SENDER).await;
    let send = async |body: Value| {
        let headers = [("idempotency-key", "b-1")];
        house
            .call_with(&key, Method::POST, "/v1/batches", body.to_string(), &headers)
            .await
    };
    let body = json!({"body": TEXT, "recipients": numbers(5)});
    let first = send(body.clone()).await;
    let again = send(body).await;
    assert_eq!(
        (first.status, again.status),
        (StatusCode::ACCEPTED, StatusCode::ACCEPTED)
    );
    assert_eq!(
        (
            first.header("idempotency-replayed"),
            again.header("idempotency-replayed")
        ),
        ("", "true")
    );
    assert_eq!(first.text, again.text);
    let other = send(json!({"body": TEXT, "recipients": numbers(6)})).await;
    assert_eq!(
        (other.status.as_u16(), other.code()),
        (422, "idempotency_key_reused".to_owned())
    );
    assert_eq!(
        house.get(&key, "/v1/batches").await.json()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_repeat_that_would_be_refused_by_now_still_gets_the_batch_of_then() {
    let mut house = house();
    let key = house.key("default", SENDER).await;
    let body = json!({"body": TEXT, "recipients": ["+4915112345678"]}).to_string();
    let headers = [("idempotency-key", "b-1")];
    let first = house
        .call_with(&key, Method::POST, "/v1/batches", body.clone(), &headers)
        .await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
    let narrower = CONFIG.replace("'IE', 'DE'", "'IE'");
    house.context.config = Arc::new(check(&narrower, "w.toml").unwrap());
    let again = house
        .call_with(&key, Method::POST, "/v1/batches", body.clone(), &headers)
        .await;
    assert_eq!(
        (again.status.as_u16(), again.header("idempotency-replayed")),
        (202, "true")
    );
    assert_eq!(again.text, first.text);
    let other = body.replace("tomorrow", "today");
    for (body, headers) in [(other, &headers[..]), (body, &[])] {
        let refused = house.call_with(&key, Method::POST, "/v1/batches", body, headers).await;
        assert_eq!(refused.code(), "country_not_allowed");
    }
}

#[tokio::test]
async fn in_pilot_a_batch_reaches_only_those_who_are_listed() {
    let house = house_with("data_dir = 'x'\nregion = 'IE'\n[policy]\npilot_numbers = ['+353871234567']");
    let key = house.key("default", SENDER).await;
    let body = json!({"body": TEXT, "recipients": ["+353861234567", NUMBER]});
    let batch = house.post(&key, "/v1/batches", &body).await.json();
    let id = batch["id"].as_str().unwrap();
    house.prepared(&key, id).await;
    let messages = house
        .get(&key, &format!("/v1/batches/{id}/messages?order=asc"))
        .await
        .json();
    let found = [0, 1].map(|n| ["status", "hold_reason"].map(|field| messages["data"][n][field].clone()));
    let wanted = [[json!("held"), json!("pilot")], [json!("queued"), Value::Null]];
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn who_cannot_be_written_to_is_named_by_place_and_left_out_on_request() {
    let house = house();
    let key = house.key("default", SENDER).await;
    let recipients = json!([NUMBER, "+35312345678", "112", {"to": "+447400123456"}, "087 123 4567",
        {"to": "+353871234568", "body": "a".repeat(9_999)}]);
    let mut body = json!({"body": TEXT, "recipients": recipients});
    let answer = house.post(&key, "/v1/batches", &body).await;
    assert_eq!(answer.status.as_u16(), 422, "{}", answer.text);
    let places = |answer: &Answer| -> Vec<(String, String)> {
        let errors = answer.json()["errors"].as_array().unwrap().clone();
        let text = |error: &Value, field: &str| error[field].as_str().unwrap().to_owned();
        errors
            .iter()
            .map(|error| (text(error, "pointer"), text(error, "code")))
            .collect()
    };
    let named = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        list.iter()
            .map(|(place, code)| ((*place).to_owned(), (*code).to_owned()))
            .collect()
    };
    let wanted = [
        ("/recipients/1", "number_not_mobile"),
        ("/recipients/2", "number_invalid"),
        ("/recipients/3/to", "country_not_allowed"),
        ("/recipients/5/body", "too_many_parts"),
    ];
    assert_eq!(places(&answer), named(&wanted));
    assert_eq!(
        house.get(&key, "/v1/batches").await.json()["data"],
        json!([]),
        "nothing of it is kept"
    );
    body["on_invalid"] = json!("skip");
    let answer = house.post(&key, "/v1/batches", &body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let batch = answer.json();
    assert_eq!(
        (&batch["recipients"], &batch["invalid"], &batch["duplicates"]),
        (&json!(1), &json!(4), &json!(1))
    );
    let skipped: Vec<u64> = batch["invalid_recipients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["index"].as_u64().unwrap())
        .collect();
    assert_eq!(skipped, [1, 2, 3, 5]);
    assert_eq!(batch["invalid_recipients"][0]["code"], "number_not_mobile");
    assert_eq!(batch["duplicate_recipients"], json!([{"index": 4, "same_as": 0}]));
    // Nobody left; and what is no recipient at all is a mistake of the program.
    for (recipients, code) in [
        (json!(["112"]), "number_invalid"),
        (json!([NUMBER, 7]), "invalid_value"),
        (json!([NUMBER, {"to": NUMBER, "colour": 1}]), "unknown_field"),
        (json!([NUMBER, {"body": "x"}]), "missing_field"),
        (json!([{"to": NUMBER, "reference": ""}]), "invalid_value"),
        (json!([{"to": NUMBER, "body": 3}]), "invalid_value"),
        (json!([{"to": NUMBER, "body": "a".repeat(9_999)}]), "too_many_parts"),
    ] {
        body["recipients"] = recipients.clone();
        let answer = house.post(&key, "/v1/batches", &body).await;
        assert_eq!(answer.code(), code, "{recipients} {}", answer.text);
        assert!(!answer.text.contains(&NUMBER[1..]));
    }
}

#[tokio::test]
async fn what_a_batch_shares_is_judged_as_for_one_message() {
    let house = house();
    let key = house.key("default", SENDER).await;
    let good = json!({"body": TEXT, "recipients": [NUMBER]});
    for (field, value, pointer, code) in [
        ("body", Value::Null, "/body", "missing_field"),
        ("recipients", Value::Null, "/recipients", "missing_field"),
        ("recipients", json!([]), "/recipients", "invalid_value"),
        ("recipients", json!(NUMBER), "/recipients", "invalid_value"),
        ("to", json!(NUMBER), "/to", "invalid_value"),
        ("template", json!({"id": "x"}), "/template", "invalid_value"),
        ("group_id", json!("grp_1"), "/group_id", "invalid_value"),
        ("requires_approval", json!(true), "/requires_approval", "invalid_value"),
        ("on_invalid", json!("ignore"), "/on_invalid", "invalid_value"),
        ("name", json!("a".repeat(101)), "/name", "invalid_value"),
        ("priority", json!("urgent"), "/priority", "invalid_value"),
        ("send_at", json!("2020-01-01T00:00:00Z"), "/send_at", "send_at_past"),
        (
            "valid_until",
            json!("2020-01-01T00:00:00Z"),
            "/valid_until",
            "valid_until_past",
        ),
        ("default_country", json!("Ireland"), "/default_country", "invalid_value"),
        ("colour", json!(1), "/colour", "unknown_field"),
        ("body", json!("a".repeat(9_999)), "/body", "too_many_parts"),
    ] {
        let mut body = good.clone();
        body[field] = value.clone();
        let answer = house.post(&key, "/v1/batches", &body).await;
        let errors = answer.json()["errors"].clone();
        assert_eq!(errors.as_array().map(Vec::len), Some(1), "{field} {value} {errors}");
        assert_eq!(
            (&errors[0]["pointer"], &errors[0]["code"]),
            (&json!(pointer), &json!(code))
        );
    }
    // Every recipient may have a text of its own instead.
    let own = json!({"recipients": [{"to": NUMBER, "body": "one"}, {"to": "+353871234568", "body": "two"}]});
    let answer = house.post(&key, "/v1/batches", &own).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let window = json!({"start": "0900", "finish": "2000", "tz": "Europe/Dublin"});
    let kept = json!({"body": TEXT, "recipients": [NUMBER], "window": window});
    let id = house.post(&key, "/v1/batches", &kept).await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    house.prepared(&key, &id).await;
    let message = house.get(&key, &format!("/v1/batches/{id}/messages")).await.json()["data"][0].clone();
    assert_eq!(message["window"], window);
    let later = json!({"body": TEXT, "recipients": [NUMBER], "send_at": "2027-01-02T03:04:05Z", "priority": "normal"});
    let batch = house.post(&key, "/v1/batches", &later).await.json();
    assert_eq!(
        (&batch["scheduled_for"], &batch["priority"]),
        (&json!("2027-01-02T03:04:05.000Z"), &json!("normal"))
    );
}

#[tokio::test]
async fn ten_thousand_are_taken_and_not_one_more() {
    let house = house();
    let key = house.key("default", SENDER).await;
    let mut body = json!({"body": TEXT, "recipients": numbers(10_001)});
    let answer = house.post(&key, "/v1/batches", &body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (422, "batch_too_large".to_owned())
    );
    body["recipients"].as_array_mut().unwrap().pop();
    let answer = house.post(&key, "/v1/batches", &body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    // An emergency posted meanwhile is on disk before the batch is through.
    let sender = house.sender().await;
    let urgent = json!({"to": NUMBER, "body": TEXT, "priority": "emergency"});
    let answer = house.post(&sender, "/v1/messages", &urgent).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let meanwhile = house.get(&key, &format!("/v1/batches/{id}")).await.json();
    assert!(meanwhile["prepared"].as_u64().unwrap() < 10_000, "{meanwhile}");
    // Up to 8 MiB are read, where a message has 1.
    let long = json!({"body": TEXT, "recipients": [NUMBER], "name": "a".repeat(7 << 20)});
    assert_eq!(house.post(&key, "/v1/batches", &long).await.code(), "invalid_value");
    let longer = json!({"body": TEXT, "recipients": [NUMBER], "name": "a".repeat(8 << 20)});
    assert_eq!(
        house.post(&key, "/v1/batches", &longer).await.code(),
        "content_too_large"
    );
}

#[tokio::test]
async fn people_pause_resume_and_withdraw_it() {
    let house = house();
    let key = house.key("default", SENDER).await;
    let batch = house
        .post(&key, "/v1/batches", &json!({"body": TEXT, "recipients": numbers(250)}))
        .await
        .json();
    assert_eq!(
        batch["priority"], "bulk",
        "unless its category or its caller says otherwise"
    );
    let id = batch["id"].as_str().unwrap();
    let act = async |what: &str| {
        house
            .call(&key, Method::POST, &format!("/v1/batches/{id}/{what}"), "")
            .await
    };
    assert_eq!(act("pause").await.json()["status"], "paused");
    house.counts(&key, id, json!({"held": 250})).await;
    assert_eq!(act("resume").await.json()["status"], "running");
    house.counts(&key, id, json!({"queued": 250})).await;
    assert_eq!(act("cancel").await.json()["status"], "canceled");
    house.counts(&key, id, json!({"canceled": 250})).await;
    let ended = house.get(&key, &format!("/v1/batches/{id}")).await.json();
    assert_eq!((&ended["status"], &ended["final"]), (&json!("canceled"), &json!(true)));
    let answer = act("pause").await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (409, "state_conflict".to_owned())
    );
    assert_eq!(act("cancel").await.status, StatusCode::OK, "it is so already");
}

#[tokio::test]
async fn each_door_has_its_scope_and_its_service() {
    let house = house();
    let sender = house.key("default", SENDER).await;
    let batch = house
        .post(&sender, "/v1/batches", &json!({"body": TEXT, "recipients": [NUMBER]}))
        .await
        .json();
    let id = batch["id"].as_str().unwrap();
    let doors = [
        (Method::POST, "/v1/batches".to_owned(), "batches:send"),
        (Method::GET, "/v1/batches".to_owned(), "messages:read"),
        (Method::GET, format!("/v1/batches/{id}"), "messages:read"),
        (Method::GET, format!("/v1/batches/{id}/messages"), "messages:read"),
        (Method::POST, format!("/v1/batches/{id}/pause"), "batches:send"),
        (Method::POST, format!("/v1/batches/{id}/resume"), "batches:send"),
        (Method::POST, format!("/v1/batches/{id}/cancel"), "batches:send"),
    ];
    let other = house.key("other", SENDER).await;
    let blind = house.key("default", &["messages:send"]).await;
    for (method, path, scope) in doors {
        let body = json!({"body": TEXT, "recipients": [NUMBER]}).to_string();
        let refused = house.call(&blind, method.clone(), &path, body.clone()).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code()),
            (403, "scope_missing".to_owned()),
            "{path}"
        );
        assert!(refused.text.contains(scope), "{path}: {}", refused.text);
        if path.contains(id) {
            assert_eq!(
                house.call(&other, method, &path, body).await.status,
                StatusCode::NOT_FOUND,
                "{path}"
            );
        }
    }
    assert_eq!(house.get(&other, "/v1/batches").await.json()["data"], json!([]));
    for wrong in ["bat_x", "msg_01JZ3M8Q4W8J7V5N2K9C6B1A0D", "+353871234567"] {
        assert_eq!(
            house.get(&sender, &format!("/v1/batches/{wrong}")).await.status,
            StatusCode::NOT_FOUND
        );
    }
    let query = house.get(&sender, "/v1/batches?status=queued").await;
    assert_eq!(query.code(), "unknown_field");
}
