//! The plan of a SIM, how its budgets stand, and what a broadcast would need.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use wardwire_core::base::UtcTime;
use wardwire_core::dispatch::Pace;
use wardwire_core::gateway::snapshot::{ModemSnapshot, ModemState};
use wardwire_core::queue::plan::Plan;

use super::{House, house};
use crate::clock;

const KEY: &[&str] = &[
    "modems:read",
    "modems:write",
    "messages:send",
    "status:read",
    "audit:read",
];

/// A modem that sends by this plan.
fn sending(house: &House, plan: Plan) {
    let now = clock::now().utc;
    let pace = Pace::new(plan, None, &[], &[]);
    let modem = ModemSnapshot {
        label: "m0".to_owned(),
        state: ModemState::Ready,
        sends: true,
        airtime: Duration::from_secs(4),
        budgets: pace.budgets(now),
        pace: Some(pace),
        ..ModemSnapshot::default()
    };
    house.bank.send_modify(|bank| bank.modems = vec![modem]);
}

async fn patch(house: &House, key: &str, body: Value) -> super::Answer {
    let headers = [("content-type", "application/json")];
    house
        .call_with(key, Method::PATCH, "/v1/sims/1234", body.to_string(), &headers)
        .await
}

#[tokio::test]
async fn numbers_of_a_plan_are_entered_kept_and_taken_back() {
    let house = house();
    house.sim("00001234", None).await;
    let key = house.key("default", KEY).await;
    let answer = patch(
        &house,
        &key,
        json!({"caps": {"per_day": 40, "recipients_per_month": 100}}),
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(
        answer.json()["caps_entered"],
        json!({"per_day": 40, "recipients_per_month": 100})
    );
    let answer = patch(&house, &key, json!({"caps": {"per_day": null}})).await;
    assert_eq!(answer.json()["caps_entered"], json!({"recipients_per_month": 100}));
    let record = house.record(&key).await;
    assert!(
        record
            .iter()
            .any(|row| row.contains("per_day=40 recipients_per_month=100")),
        "{record:?}"
    );
}

#[tokio::test]
async fn a_plan_that_cannot_be_is_refused_and_nothing_of_it_is_kept() {
    let house = house();
    house.sim("00001234", None).await;
    let key = house.key("default", KEY).await;
    for (body, wanted) in [
        (json!({"per_hour": 20_001}), "/caps/per_hour"),
        (json!({"billing_day": 32}), "/caps/billing_day"),
        (json!({"per_day": "many"}), "/caps/per_day"),
        (json!({"per_fortnight": 1, "per_day": 3}), "/caps"),
        (json!(7), "/caps"),
    ] {
        let answer = patch(&house, &key, json!({ "caps": body })).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
        assert_eq!(answer.json()["errors"][0]["pointer"], wanted, "{}", answer.text);
    }
    let view = house.get(&key, "/v1/sims/1234").await.json();
    assert_eq!((&view["caps_entered"], &view["caps"]), (&json!({}), &Value::Null));
}

#[tokio::test]
async fn a_forecast_says_what_each_sim_would_send_and_until_when() {
    let house = house();
    let key = house.key("default", KEY).await;
    let plan = Plan {
        per_hour: 10,
        ..Plan::default()
    };
    sending(&house, plan);
    let ask = json!({"recipients": 20, "priority": "bulk"});
    let view = house.post(&key, "/v1/forecast", &ask).await.json();
    // Nine an hour, the tenth is kept: the last two go after two hours.
    assert_eq!(view["sims"][0]["recipients"], 20, "{view}");
    assert_eq!(
        view["sims"][0]["budget"],
        json!([{"cap": "per_hour", "limit": 10, "used": 0, "frees_at": null}])
    );
    let seconds = view["estimated_seconds"].as_u64().unwrap();
    assert!((7_200..7_400).contains(&seconds), "{view}");
    house.bank.send_modify(|bank| bank.modems.clear());
    let view = house.post(&key, "/v1/forecast", &ask).await.json();
    assert_eq!((&view["ready_at"], &view["sims"]), (&Value::Null, &json!([])));
    for body in [
        json!({}),
        json!({"recipients": 0}),
        json!({"recipients": 1, "priority": "soon"}),
    ] {
        let answer = house.post(&key, "/v1/forecast", &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[tokio::test]
async fn the_status_tells_when_what_waits_is_out() {
    let house = house();
    let key = house.key("default", KEY).await;
    sending(&house, Plan::default());
    for _ in 0..3 {
        let body = json!({"to": super::NUMBER, "body": super::TEXT, "priority": "high"});
        house.post(&key, "/v1/messages", &body).await;
    }
    let queue = house.get(&key, "/v1/status").await.json()["queue"].clone();
    let lane = &queue["by_priority"][0];
    assert_eq!(
        (&lane["priority"], &lane["waiting"]),
        (&json!("high"), &json!(3)),
        "{queue}"
    );
    let seconds = queue["estimated_drain_seconds"].as_u64().unwrap();
    assert!((60..=120).contains(&seconds), "12 s, to the minute: {queue}");
    let ready: chrono::DateTime<chrono::Utc> = lane["ready_at"].as_str().unwrap().parse().unwrap();
    assert!(UtcTime::from_millis(ready.timestamp_millis()) > clock::now().utc);
}
