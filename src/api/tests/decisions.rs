//! What a person decides about a message: who may, what is answered, what the record says.

use wardwire_core::queue::lane::Way;
use wardwire_core::queue::verbs::{AttemptResult, Begin, Begun, Introduce, Reply, Request as Ask, Silence};

use super::*;

const PERSON: &[&str] = &[
    "messages:send",
    "messages:read",
    "messages:cancel",
    "audit:read",
    "status:read",
];

impl House {
    async fn ask_store(&self, ask: Ask) -> Reply {
        let replies = self.context.store.gateway(vec![(1, ask)]).await.unwrap();
        replies.into_iter().next().unwrap().1
    }

    /// A message that was handed to a modem, which then fell silent.
    async fn unknown(&self, key: &str) -> String {
        let body = json!({"to": NUMBER, "body": TEXT, "on_unknown": "hold", "category": "appointment"});
        let message = self.post(key, "/v1/messages", &body).await.json();
        let introduce = Introduce {
            label: "m0".to_owned(),
            ..Introduce::default()
        };
        let Reply::Introduced(who) = self.ask_store(Ask::Introduce(Box::new(introduce))).await else {
            panic!("introduced");
        };
        let Reply::Due { messages, .. } = self
            .ask_store(Ask::TakeDue {
                ways: vec![Way::Any],
                depth: 1,
                room: 1,
                counted: true,
            })
            .await
        else {
            panic!("due");
        };
        let begin = Begin {
            message: messages[0].id,
            part: messages[0].parts[0].id,
            modem: who.modem,
            sim: who.sim,
            expected_tp_mr: None,
            circle: None,
            marks: [None; 4],
        };
        let Reply::Begun(Begun::Written { attempt, .. }) = self.ask_store(Ask::Begin(begin)).await else {
            panic!("begun");
        };
        let result = AttemptResult::NoAnswer(Silence::Timeout);
        self.ask_store(Ask::Close { attempt, result }).await;
        message["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_person_settles_what_nobody_knows_and_it_stands_in_the_record() {
    let house = house();
    let key = house.key("default", PERSON).await;
    let id = house.unknown(&key).await;
    let shown = house.get(&key, &format!("/v1/messages/{id}")).await.json();
    assert_eq!(
        (&shown["status"], &shown["category"]),
        (&json!("unknown"), &json!("appointment"))
    );
    assert_eq!(house.get(&key, "/v1/status").await.json()["unknown"], json!(1));
    let path = format!("/v1/messages/{id}/resolve");
    for (body, code) in [
        (json!({}), "missing_field"),
        (json!({"outcome": "perhaps"}), "invalid_value"),
        (json!({"outcome": "accepted", "note": "x".repeat(201)}), "invalid_value"),
        (json!({"outcome": "accepted", "who": 1}), "unknown_field"),
    ] {
        let refused = house.post(&key, &path, &body).await;
        assert_eq!(refused.json()["errors"][0]["code"], code, "{body}");
    }
    let note = json!({"outcome": "accepted", "note": "phoned +353871234567, has it"});
    let done = house.post(&key, &path, &note).await;
    assert_eq!((done.status, &done.json()["status"]), (StatusCode::OK, &json!("sent")));
    let again = house.post(&key, &path, &note).await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (StatusCode::CONFLICT, "state_conflict")
    );
    let rows = house.get(&key, "/v1/audit").await;
    assert!(!rows.text.contains("353871234567"), "{}", rows.text);
    let first = &rows.json()["data"][1];
    let told = ["action", "target", "detail", "outcome"].map(|field| first[field].as_str().unwrap());
    assert_eq!(told, ["message.resolve", &id, "accepted: phoned +***, has it", "done"]);
    assert_eq!(rows.json()["data"][0]["outcome"], json!("refused: it is sent"));
}

#[tokio::test]
async fn only_who_may_send_or_cancel_decides() {
    let house = house();
    let key = house.key("default", PERSON).await;
    let id = house.unknown(&key).await;
    let stranger = house.key("other", PERSON).await;
    for (act, scope) in [
        ("resolve", "messages:send"),
        ("release", "messages:send"),
        ("drop", "messages:cancel"),
    ] {
        let path = format!("/v1/messages/{id}/{act}");
        let body = json!({"outcome": "not_sent"});
        let others: Vec<&str> = PERSON.iter().copied().filter(|other| *other != scope).collect();
        let other = house.key("default", &others).await;
        assert_eq!(house.post(&other, &path, &body).await.code(), "scope_missing", "{act}");
        assert_eq!(house.post(&stranger, &path, &body).await.code(), "not_found", "{act}");
        let answer = house.post(&key, &path, &body).await;
        match act {
            "resolve" => assert_eq!(answer.json()["status"], "queued"),
            _ => assert_eq!(answer.code(), "state_conflict", "{act}"),
        }
    }
}
