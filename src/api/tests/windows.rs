//! Windows and hours at the door: what is kept, what is shown, what is refused.

use chrono::{DateTime, Duration, NaiveTime, SecondsFormat, Utc};

use super::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(clock::now().utc.as_millis()).unwrap()
}

/// A time of a day ahead, in UTC.
fn ahead(days: i64, hour: u32, minute: u32) -> DateTime<Utc> {
    let day = (now() + Duration::days(days)).date_naive();
    day.and_time(NaiveTime::from_hms_opt(hour, minute, 0).unwrap())
        .and_utc()
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn text(window: Value) -> Value {
    json!({"to": NUMBER, "body": TEXT, "window": window, "send_at": written(ahead(2, 22, 0))})
}

#[tokio::test]
async fn a_window_is_kept_and_shown() {
    let house = house();
    let key = house.sender().await;
    let window = json!({"start": "0900", "finish": "2000", "tz": "utc"});
    let made = house.post(&key, "/v1/messages", &text(window)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let told = house.get(&key, &format!("/v1/messages/{id}")).await;
    for message in [made.json(), told.json()] {
        assert_eq!(message["status"], "scheduled");
        assert_eq!(
            message["window"],
            json!({"start": "0900", "finish": "2000", "tz": "UTC"})
        );
        assert_eq!(message["scheduled_for"], written(ahead(3, 9, 0)));
        assert_eq!(
            message["valid_until"],
            written(ahead(5, 9, 0)),
            "48 hours from when it may go"
        );
    }
    let plain = house
        .post(&key, "/v1/messages", &json!({"to": NUMBER, "body": TEXT}))
        .await;
    assert_eq!(
        (&plain.json()["window"], &plain.json()["status"]),
        (&Value::Null, &json!("queued"))
    );
}

#[tokio::test]
async fn an_emergency_keeps_no_window() {
    let house = house();
    let key = house.sender().await;
    // Open for a minute, half a day from now.
    let later = now() + Duration::hours(12);
    let window = json!({
        "start": later.format("%H%M").to_string(),
        "finish": (later + Duration::minutes(1)).format("%H%M").to_string().replace("0000", "2400"),
        "tz": "UTC",
    });
    let mut body = json!({"to": NUMBER, "body": TEXT, "window": window});
    let kept = house.post(&key, "/v1/messages", &body).await;
    assert_eq!(
        (kept.status, &kept.json()["status"]),
        (StatusCode::CREATED, &json!("scheduled"))
    );
    body["priority"] = json!("emergency");
    let urgent = house.post(&key, "/v1/messages", &body).await.json();
    assert_eq!(
        (&urgent["status"], &urgent["window"], &urgent["scheduled_for"]),
        (&json!("queued"), &Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_window_that_cannot_be_kept_is_refused_with_its_place() {
    let house = house();
    let key = house.sender().await;
    let tz = "Europe/Dublin";
    for (window, mistakes) in [
        (
            json!({}),
            vec![
                ("/window/start", "missing_field"),
                ("/window/finish", "missing_field"),
                ("/window/tz", "missing_field"),
            ],
        ),
        (
            json!({"start": "0900", "finish": "2000"}),
            vec![("/window/tz", "missing_field")],
        ),
        (
            json!({"start": 900, "finish": "2000", "tz": tz}),
            vec![("/window/start", "invalid_value")],
        ),
        (
            json!({"start": "0900", "finish": "2000", "tz": tz, "days": []}),
            vec![("/window", "unknown_field")],
        ),
        (
            json!({"start": "0900", "finish": "0900", "tz": tz}),
            vec![("/window/finish", "window_invalid")],
        ),
        (
            json!({"start": "9", "finish": "2000", "tz": tz}),
            vec![("/window/start", "window_invalid")],
        ),
        (
            json!({"start": "0900", "finish": "2401", "tz": tz}),
            vec![("/window/finish", "window_invalid")],
        ),
        (
            json!({"start": "0900", "finish": "2000", "tz": "Europe/Nowhere"}),
            vec![("/window/tz", "window_invalid")],
        ),
    ] {
        let answer = house.post(&key, "/v1/messages", &text(window.clone())).await;
        let problem = answer.json();
        let found: Vec<(&str, &str)> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| (e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap()))
            .collect();
        assert_eq!(found, mistakes, "{window}");
        let status = if mistakes[0].1 == "window_invalid" { 422 } else { 400 };
        assert_eq!(answer.status.as_u16(), status, "{window}");
    }
}

#[tokio::test]
async fn the_hours_of_the_gateway_count_too() {
    let hours = "timezone = 'UTC'\n[[hours]]\nstart = '0800'\nfinish = '2000'\n";
    let house = house_with(&CONFIG.replace("[policy]", &format!("{hours}[policy]")));
    let key = house.sender().await;
    let send = |change: Value| {
        let mut body =
            json!({"to": NUMBER, "body": TEXT, "category": "appointment", "send_at": written(ahead(2, 21, 0))});
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let (house, key) = (&house, &key);
        async move { house.post(key, "/v1/messages", &body).await }
    };
    let made = send(json!({})).await.json();
    assert_eq!(
        (&made["status"], &made["scheduled_for"]),
        (&json!("scheduled"), &json!(written(ahead(3, 8, 0))))
    );
    assert_eq!(
        (&made["window"], &made["valid_until"]),
        (&Value::Null, &json!(written(ahead(5, 8, 0))))
    );
    let own = send(json!({"window": {"start": "1900", "finish": "2200"}}))
        .await
        .json();
    assert_eq!(
        (&own["scheduled_for"], &own["window"]["tz"]),
        (&json!(written(ahead(3, 19, 0))), &json!("UTC"))
    );
    let named = send(json!({"validity_seconds": 86_400})).await.json();
    assert_eq!(
        named["valid_until"],
        written(ahead(3, 21, 0)),
        "who names a validity means it"
    );
    let alert = send(json!({"category": "staff_alert"})).await.json();
    assert_eq!(alert["scheduled_for"], written(ahead(2, 21, 0)));
    for (change, pointer) in [
        (json!({"window": {"start": "2100", "finish": "2300"}}), "/window"),
        (json!({"validity_seconds": 39_600}), "/validity_seconds"),
        (json!({"valid_until": written(ahead(3, 8, 0))}), "/valid_until"),
    ] {
        let answer = send(change.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (422, "window_invalid"),
            "{change}"
        );
        let problem = answer.json();
        assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
}
