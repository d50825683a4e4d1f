//! Health, status, modems, events, the page.

use super::*;
use crate::api::Code;

#[tokio::test]
async fn alive_is_not_ready() {
    let house = house();
    assert_eq!(house.get("", "/healthz").await.status, StatusCode::OK);
    let answer = house.get("", "/readyz").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "not_ready"));
    assert_eq!(answer.json()["detail"], "none of 0 modems can send");
    assert_eq!(answer.header("retry-after"), "5");
}

#[tokio::test]
async fn ready_needs_a_modem_that_can_send_and_a_store_that_answers() {
    for (state, status) in [
        (ModemState::Absent, 503),
        (ModemState::Starting, 503),
        (ModemState::Ready, 200),
        (ModemState::Degraded, 503),
        (ModemState::Recovering, 503),
        (ModemState::Failed, 503),
    ] {
        let house = house();
        house.modem(state);
        assert_eq!(house.get("", "/readyz").await.status.as_u16(), status, "{state:?}");
    }
    let house = house();
    house.modem(ModemState::Ready);
    house.context.store.close();
    house.context.store.closed().await;
    let answer = house.get("", "/readyz").await;
    assert_eq!(answer.json()["detail"], "the storage cannot be used");
    let key = "wwk_01JZ3M8Q4W8J7V5N2K9C6B1A0D_0000000000000000000000000000000000000000000000000000000000000000";
    let answer = house.get(key, "/v1/messages").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "shutting_down"));
}

#[tokio::test]
async fn the_status_says_what_the_bank_and_the_store_say_and_is_cheap_to_ask_again() {
    let house = house();
    house.modem(ModemState::Ready);
    let key = house
        .key("default", &["status:read", "messages:send", "modems:read"])
        .await;
    house
        .post(&key, "/v1/messages", &json!({"to": NUMBER, "body": TEXT}))
        .await;
    let answer = house.get(&key, "/v1/status").await;
    let status = answer.json();
    assert_eq!(status["state"], "slow");
    assert_eq!(
        status["sentence"],
        "Ready, but not proven yet: no text has gone out so far."
    );
    assert_eq!(status["proven_at"], Value::Null);
    assert_eq!(status["queue"]["waiting"], 1);
    assert_eq!(status["modems"], json!({"ready": 1, "total": 1}));
    assert_eq!(status["today"]["due"], 1);
    let headers = [("if-none-match", answer.header("etag"))];
    let again = house
        .call_with(&key, Method::GET, "/v1/status", Body::empty(), &headers)
        .await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));

    let modems = house.get(&key, "/v1/modems").await.json();
    let modem = &modems["data"][0];
    assert_eq!(modem["imei"], "***********8214");
    assert_eq!((&modem["port"], &modem["state"]), (&json!("/dev/m0"), &json!("ready")));
    assert_eq!(modem["signal"], json!({"dbm": -80, "quality": "good"}));
    assert_eq!(house.get(&key, "/v1/modems/m0").await.json(), *modem);
    assert_eq!(house.get(&key, "/v1/modems/m1").await.code(), "not_found");
}

#[tokio::test]
async fn requests_have_ids() {
    let house = house();
    for (given, echoed) in [
        ("4bf92f35-77b3", true),
        ("req:a_b.c", true),
        ("353871234567", false),
        ("35-387-1234567", false),
        ("a b", false),
        ("", false),
    ] {
        let headers = [("x-request-id", given)];
        let answer = house
            .call_with("", Method::GET, "/healthz", Body::empty(), &headers)
            .await;
        let id = answer.header("x-request-id");
        assert_eq!(id == given, echoed, "{given}");
        assert!(echoed || id.starts_with("req_"), "{id}");
    }
    let long = "a".repeat(129);
    let answer = house
        .call_with("", Method::GET, "/healthz", Body::empty(), &[("x-request-id", &long)])
        .await;
    assert!(answer.header("x-request-id").starts_with("req_"));
}

#[tokio::test]
async fn events_are_listed_by_sequence_and_streamed_from_there_on() {
    let house = house();
    let key = house.key("default", &["messages:send", "events:read"]).await;
    let body = json!({"to": NUMBER, "body": TEXT, "reference": "r1"});
    let message = house.post(&key, "/v1/messages", &body).await.json();
    let answer = house.get(&key, "/v1/events?after=0").await;
    let list = answer.json();
    let events = list["data"].as_array().unwrap();
    assert_eq!(events[0]["type"], "message.created");
    assert_eq!(events[0]["sequence"], 1);
    assert_eq!(
        events[0]["data"],
        json!({"message_id": message["id"], "reference": "r1"})
    );
    assert_eq!(list["next_after"], events.last().unwrap()["sequence"]);
    assert!(!answer.text.contains("353871") && !answer.text.contains("Zebra"));
    let one = house.get(&key, "/v1/events?types=message.created").await.json();
    assert_eq!(one["data"].as_array().unwrap().len(), 1);
    for query in ["after=x", "limit=0", "colour=1"] {
        assert_eq!(
            house.get(&key, &format!("/v1/events?{query}")).await.status,
            StatusCode::BAD_REQUEST
        );
    }

    let request = Request::builder()
        .uri("/v1/events/stream?types=message.created")
        .header("authorization", format!("Bearer {key}"))
        .header("last-event-id", "0");
    let response = router(house.context.clone())
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.into_body();
    let first = frame(&mut stream).await;
    assert!(
        first.contains("id: 1\n") && first.contains("event: message.created\n"),
        "{first}"
    );
    let next = house.post(&key, "/v1/messages", &body).await.json();
    let second = frame(&mut stream).await;
    assert!(second.contains(next["id"].as_str().unwrap()), "{second}");
    // The stream ends when the gateway begins to stop.
    house.bank.send_modify(|b| b.draining = true);
    assert!(stream.frame().await.is_none());
}

async fn frame(stream: &mut Body) -> String {
    let data = stream.frame().await.unwrap().unwrap().into_data().unwrap();
    String::from_utf8(data.to_vec()).unwrap()
}

#[tokio::test]
async fn streams_are_bounded() {
    let house = house();
    let key = house.key("default", &["events:read"]).await;
    let all = house.context.streams.clone().acquire_many_owned(100).await.unwrap();
    let answer = house.get(&key, "/v1/events/stream").await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (503, "too_many_streams")
    );
    drop(all);
}

#[tokio::test]
async fn every_problem_has_a_page_behind_its_type() {
    let house = house();
    let manual = include_str!("../../../docs/http-api.md");
    for code in Code::ALL {
        let documented =
            manual.contains(&format!("`{}", code.as_str())) || manual.contains(&format!(" {}", code.as_str()));
        assert!(
            documented || *code == Code::Internal,
            "{} is not in the manual",
            code.as_str()
        );
        let answer = house.get("", &format!("/docs/problems/{}", code.as_str())).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text.contains(code.title()));
    }
    assert_eq!(house.get("", "/docs/problems/+353871234567").await.code(), "not_found");
}
