//! What people do to the bank over HTTP: who may, what reaches the modem, what is answered, and what the record says.

use tokio::sync::mpsc;
use wardwire_core::base::{SimId, UtcTime};
use wardwire_core::gateway::snapshot::SignalPeriod;
use wardwire_core::modem::{Answer as Said, Order, OrderResult, Plmn, Why};
use wardwire_core::queue::verbs::{Introduce, Reply, Request as Ask};

use super::*;
use crate::api::{Asked, Orders};

const CONSOLE: &[&str] = &[
    "modems:read",
    "modems:write",
    "modems:console",
    "audit:read",
    "messages:read",
];

/// A house with a bank of one modem that answers every order with `result`, and what it was ordered.
fn answering(result: OrderResult) -> (House, mpsc::UnboundedReceiver<String>) {
    let mut house = house();
    let (orders, mut asked) = Orders::channel();
    house.context.orders = orders;
    let (say, said) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(asked) = asked.recv().await {
            match asked {
                Asked::Order { modem, order, answer } => {
                    let _ = say.send(format!("{modem} {}", name(&order)));
                    let _ = answer.send(Ok(result.clone()));
                }
                Asked::ReceiveOnly { receive_only, .. } => drop(say.send(format!("receive only: {receive_only}"))),
                Asked::Shared { pools, .. } => {
                    let names: Vec<_> = pools.into_iter().map(|pool| pool.name).collect();
                    drop(say.send(format!("shared: {}", names.join(" "))));
                }
                Asked::Replanned(_) => drop(say.send("replanned".to_owned())),
            }
        }
    });
    (house, said)
}

fn name(order: &Order) -> String {
    match order {
        Order::Line(line) => format!("line {}", line.as_str()),
        Order::Ussd(code) => format!("ussd {}", code.as_str()),
        Order::GivePin(_) => "pin".to_owned(),
        Order::GivePuk { .. } => "puk".to_owned(),
        Order::Restart
        | Order::Disable
        | Order::Enable
        | Order::Drain
        | Order::ReadForbidden
        | Order::ClearForbidden
        | Order::ReadStatus
        | Order::ReadTrace
        | Order::TraceRaw { .. } => format!("{order:?}"),
    }
}

impl House {
    /// A SIM that was seen in the modem `m0`, and is there now.
    pub(super) async fn sim(&self, tail: &str, number: Option<&str>) -> SimId {
        let introduce = Introduce {
            label: "m0".to_owned(),
            imei: Some("860425047368214".to_owned()),
            iccid: Some(format!("89353010000000{tail}")),
            number: number.map(|number| number.parse_number()),
            ..Introduce::default()
        };
        let replies = self
            .context
            .store
            .gateway(vec![(1, Ask::Introduce(Box::new(introduce)))])
            .await
            .unwrap();
        let Some((_, Reply::Introduced(who))) = replies.into_iter().next() else {
            panic!("introduced");
        };
        self.modem(ModemState::Ready);
        self.bank.send_modify(|bank| {
            let modem = bank.modems.first_mut().unwrap();
            (modem.modem, modem.sim) = (Some(who.modem), Some(who.sim));
        });
        who.sim
    }

    pub(super) async fn record(&self, key: &str) -> Vec<String> {
        let list = self.get(key, "/v1/audit").await.json();
        let word = |row: &Value, field: &str| row[field].as_str().unwrap_or("-").to_owned();
        let rows = list["data"].as_array().unwrap().iter().rev();
        rows.map(|row| {
            ["action", "target", "detail", "outcome"]
                .map(|field| word(row, field))
                .join("|")
        })
        .collect()
    }
}

trait ParseNumber {
    fn parse_number(&self) -> wardwire_core::base::PhoneNumber;
}

impl ParseNumber for str {
    fn parse_number(&self) -> wardwire_core::base::PhoneNumber {
        wardwire_core::base::PhoneNumber::from_e164(self).unwrap()
    }
}

#[tokio::test]
async fn orders_reach_their_modem_and_stand_in_the_record() {
    let (house, mut said) = answering(OrderResult::Done);
    house.modem(ModemState::Ready);
    let key = house.key("default", CONSOLE).await;
    for action in ["restart", "disable", "enable", "drain"] {
        let answer = house
            .call(&key, Method::POST, &format!("/v1/modems/m0/{action}"), "")
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()),
            (200, json!({"outcome": "done"}))
        );
        assert!(said.recv().await.unwrap().eq_ignore_ascii_case(&format!("m0 {action}")));
    }
    assert_eq!(
        house.record(&key).await,
        [
            "modem.restart|m0||done",
            "modem.disable|m0||done",
            "modem.enable|m0||done",
            "modem.drain|m0||done"
        ]
    );
    let row = house.get(&key, "/v1/audit?limit=1").await.json();
    assert!(row["data"][0]["actor"].as_str().unwrap().starts_with("key_"));
    assert_eq!(row["next_before"], 4);
    let rest = house.get(&key, "/v1/audit?before=2").await.json();
    assert_eq!(
        (rest["data"].as_array().unwrap().len(), &rest["next_before"]),
        (1, &Value::Null)
    );
    assert_eq!(
        house.get(&key, "/v1/audit?before=x&colour=1").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn every_end_of_an_order_has_its_answer() {
    for (result, status, code, outcome) in [
        (
            OrderResult::Refused(Said::Cme(16)),
            409,
            "modem_refused",
            "refused: the modem answered +CME ERROR: 16",
        ),
        (
            OrderResult::NotNow(Why::Busy),
            409,
            "not_now",
            "not now: the modem is busy",
        ),
        (
            OrderResult::NotAllowed("it reads texts"),
            422,
            "command_not_allowed",
            "not allowed: it reads texts",
        ),
    ] {
        let (house, _said) = answering(result);
        house.modem(ModemState::Ready);
        let key = house.key("default", CONSOLE).await;
        let answer = house
            .post(&key, "/v1/modems/m0/at", &json!({"line": "AT+CMGL=4"}))
            .await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code));
        assert_eq!(house.record(&key).await, [format!("modem.at|m0|AT+CMGL=4|{outcome}")]);
    }
    let house = house();
    house.modem(ModemState::Ready);
    let key = house.key("default", CONSOLE).await;
    let answer = house.call(&key, Method::POST, "/v1/modems/m0/restart", "").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "not_ready"));
    let answer = house.call(&key, Method::POST, "/v1/modems/m7/restart", "").await;
    assert_eq!(answer.code(), "not_found");
}

#[tokio::test]
async fn each_door_asks_for_its_scope() {
    let (house, mut said) = answering(OrderResult::Done);
    house.sim("00001234", None).await;
    let reader = house.key("default", &["modems:read"]).await;
    for (method, path, body) in [
        (Method::POST, "/v1/modems/m0/restart", json!({})),
        (Method::POST, "/v1/modems/m0/loopback-tests", json!({})),
        (Method::POST, "/v1/modems/m0/at", json!({"line": "AT"})),
        (Method::GET, "/v1/modems/m0/trace", json!({})),
        (Method::POST, "/v1/modems/m0/trace/raw", json!({"minutes": 5})),
        (Method::POST, "/v1/sims/m0/pin", json!({"pin": "4711"})),
        (Method::POST, "/v1/sims/m0/ussd", json!({"code": "*100#"})),
        (Method::GET, "/v1/sims/m0/forbidden-networks", json!({})),
        (Method::DELETE, "/v1/sims/m0/forbidden-networks", json!({})),
        (Method::POST, "/v1/sims/m0/replace", json!({"by": "m1"})),
        (Method::PATCH, "/v1/sims/m0", json!({"note": "x"})),
        (Method::GET, "/v1/audit", json!({})),
    ] {
        let headers = [("content-type", "application/json")];
        let answer = house.call_with(&reader, method, path, body.to_string(), &headers).await;
        assert_eq!(answer.code(), "scope_missing", "{path}");
    }
    assert!(said.try_recv().is_err(), "no order was given");
    let writer = house.key("default", &["modems:write"]).await;
    let answer = house.post(&writer, "/v1/modems/m0/at", &json!({"line": "AT"})).await;
    assert_eq!(answer.json()["detail"], "the key needs the scope modems:console");
}

#[tokio::test]
async fn a_line_a_code_and_a_trace_come_back_with_their_answers() {
    let lines = OrderResult::Lines(vec!["+CSQ: 20,99".to_owned(), "OK".to_owned()]);
    let (house, mut said) = answering(lines);
    let sim = house.sim("00001234", None).await;
    let key = house.key("default", CONSOLE).await;
    let answer = house.post(&key, "/v1/modems/m0/at", &json!({"line": " AT+CSQ "})).await;
    assert_eq!(answer.json(), json!({"lines": ["+CSQ: 20,99", "OK"]}));
    let trace = house.get(&key, "/v1/modems/m0/trace").await;
    assert_eq!(trace.json()["lines"][1], "OK");
    let code = json!({"code": "*140*0871234567#", "balance": true});
    let answer = house.post(&key, &format!("/v1/sims/{sim}/ussd"), &code).await;
    assert_eq!(answer.json(), json!({"text": "+CSQ: 20,99\nOK"}));
    let view = house.get(&key, "/v1/sims/1234").await.json();
    assert_eq!(view["balance"]["text"], "+CSQ: 20,99\nOK");
    let raw = house
        .post(&key, "/v1/modems/m0/trace/raw", &json!({"minutes": 5}))
        .await;
    assert_eq!(raw.status, StatusCode::OK);
    for expected in ["m0 line AT+CSQ", "m0 ReadTrace", "m0 ussd *140*0871234567#"] {
        assert_eq!(said.recv().await.unwrap(), expected);
    }
    assert!(said.recv().await.unwrap().starts_with("m0 TraceRaw"));
    let record = house.record(&key).await;
    assert_eq!(record[2], "sim.ussd|m0|*140****#|done", "a number stands in no record");
    assert_eq!(record[3], "modem.trace_raw|m0|5 min|done");
    for (path, body) in [
        ("/v1/modems/m0/at", json!({"line": "AT\r\nATD112;"})),
        ("/v1/modems/m0/at", json!({})),
        ("/v1/modems/m0/trace/raw", json!({"minutes": 61})),
        ("/v1/modems/m0/trace/raw", json!({})),
        ("/v1/sims/1234/ussd", json!({"code": "100 please"})),
    ] {
        let answer = house.post(&key, path, &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {body}");
    }
}

#[tokio::test]
async fn the_networks_that_turned_a_sim_away_are_shown_and_forgotten() {
    let networks = [[0x72, 0xF2, 0x99], [0x13, 0x00, 0x14]]
        .into_iter()
        .filter_map(Plmn::from_octets);
    let (house, mut said) = answering(OrderResult::Networks(networks.collect()));
    house.sim("00001234", None).await;
    let key = house.key("default", CONSOLE).await;
    let path = "/v1/sims/1234/forbidden-networks";
    let answer = house.get(&key, path).await;
    assert_eq!(answer.json(), json!({"networks": ["27299", "310410"]}));
    let answer = house.call(&key, Method::DELETE, path, "").await;
    assert_eq!(answer.json(), json!({"outcome": "done"}));
    for expected in ["m0 ReadForbidden", "m0 ClearForbidden"] {
        assert_eq!(said.recv().await.unwrap(), expected);
    }
    assert_eq!(
        house.record(&key).await,
        ["sim.forbidden.read|m0||done", "sim.forbidden.clear|m0||done"]
    );
}

#[tokio::test]
async fn a_pin_whose_answer_was_lost_is_told_as_unknown() {
    let (house, _said) = answering(OrderResult::Unknown);
    house.sim("00001234", None).await;
    let key = house.key("default", CONSOLE).await;
    let answer = house.post(&key, "/v1/sims/m0/pin", &json!({"pin": "4711"})).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.code(), "outcome_unknown");
    let record = house.record(&key).await;
    assert_eq!(record[0], "sim.pin|m0||unknown: the modem's answer was lost");
}

#[tokio::test]
async fn a_pin_is_handed_on_and_never_shown() {
    let (house, mut said) = answering(OrderResult::Refused(Said::Cme(16)));
    house.sim("00001234", None).await;
    let key = house.key("default", CONSOLE).await;
    let answer = house.post(&key, "/v1/sims/m0/pin", &json!({"pin": "4711"})).await;
    assert_eq!(
        (answer.code().as_str(), answer.text.contains("4711")),
        ("modem_refused", false)
    );
    assert_eq!(said.recv().await.unwrap(), "m0 pin");
    let puk = json!({"puk": "12345678", "new_pin": "0815"});
    house.post(&key, "/v1/sims/m0/pin", &puk).await;
    assert_eq!(said.recv().await.unwrap(), "m0 puk");
    assert!(!house.record(&key).await.join(" ").contains("4711"));
    for body in [
        json!({}),
        json!({"pin": "12"}),
        json!({"pin": "4711", "puk": "12345678"}),
        json!({"puk": "1234567", "new_pin": "0815"}),
        json!({"puk": "12345678"}),
    ] {
        let answer = house.post(&key, "/v1/sims/m0/pin", &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(
            !answer.text.contains("4711") && !answer.text.contains("1234567"),
            "{}",
            answer.text
        );
    }
    assert!(said.try_recv().is_err());
}

#[tokio::test]
async fn sims_are_listed_noted_and_replaced() {
    let (house, mut said) = answering(OrderResult::Done);
    let old = house.sim("00001234", Some("+353850000001")).await;
    let new = house.sim("00005678", None).await;
    let key = house.key("default", CONSOLE).await;
    let list = house.get(&key, "/v1/sims").await;
    let rows = list.json();
    assert_eq!(rows["data"].as_array().unwrap().len(), 2);
    assert!(!list.text.contains("89353010"), "identities are masked");
    let view = house.get(&key, &format!("/v1/sims/{old}")).await.json();
    assert_eq!((&view["state"], &view["slot"]), (&json!("absent"), &json!("m0")));
    assert_eq!(view["iccid"], "******************1234");
    let note = json!({"plan": "500 a month", "note": null, "receive_only": false});
    let headers = [("content-type", "application/json")];
    let answer = house
        .call_with(&key, Method::PATCH, "/v1/sims/5678", note.to_string(), &headers)
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["plan"]),
        (200, &json!("500 a month"))
    );
    assert_eq!(said.recv().await.unwrap(), "receive only: false");
    for body in [
        json!({"number": "12"}),
        json!({"plan": "a\nb"}),
        json!({"colour": 1}),
        json!({"receive_only": 1}),
    ] {
        let answer = house
            .call_with(&key, Method::PATCH, "/v1/sims/5678", body.to_string(), &headers)
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let answer = house
        .post(&key, &format!("/v1/sims/{old}/replace"), &json!({"by": "5678"}))
        .await;
    let view = answer.json();
    assert_eq!(
        (&view["receive_only"], &view["replaced_by"]),
        (&json!(true), &json!(new.to_string()))
    );
    assert_eq!(said.recv().await.unwrap(), "receive only: true");
    for (name, by, code) in [
        ("5678", "1234", "not_now"),
        ("5678", "5678", "not_now"),
        ("9999", "5678", "not_found"),
    ] {
        let answer = house
            .post(&key, &format!("/v1/sims/{name}/replace"), &json!({"by": by}))
            .await;
        assert_eq!(answer.code(), code, "{name} by {by}");
    }
    // A SIM in no modem has nobody to give its PIN to.
    let answer = house
        .post(&key, &format!("/v1/sims/{old}/pin"), &json!({"pin": "4711"}))
        .await;
    assert_eq!(answer.json()["detail"], "this SIM is in no modem now");
}

#[tokio::test]
async fn a_loopback_test_is_begun_and_looked_at() {
    let (house, _said) = answering(OrderResult::Done);
    house.sim("00001234", None).await;
    let key = house.key("default", CONSOLE).await;
    let post = || house.call(&key, Method::POST, "/v1/modems/m0/loopback-tests", "");
    assert_eq!(post().await.code(), "not_now", "the SIM knows no number");
    house.sim("00001234", Some("+353850000001")).await;
    let answer = post().await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let test = answer.json();
    assert_eq!((&test["state"], &test["arrive_ms"]), (&json!("pending"), &Value::Null));
    let again = house.get(&key, answer.header("location")).await.json();
    assert_eq!(again["id"], test["id"]);
    let message = test["message_id"].as_str().unwrap();
    let message = house.get(&key, &format!("/v1/messages/{message}")).await.json();
    assert_eq!(
        (&message["to"], &message["sim_id"]),
        (&json!("+353850000001"), &test["sim_id"])
    );
    assert_eq!(message["on_unknown"], "hold");
    assert_eq!(house.record(&key).await, ["modem.loopback|m0||begun"]);
    let nothing = house
        .get(&key, "/v1/modems/m0/loopback-tests/lbt_01JZ3M8Q4W8J7V5N2K9C6B1A0D")
        .await;
    assert_eq!(nothing.code(), "not_found");
}

#[tokio::test]
async fn a_modem_tells_its_health() {
    let house = house();
    house.modem(ModemState::Quarantined);
    house.bank.send_modify(|bank| {
        let modem = bank.modems.first_mut().unwrap();
        modem.score = 35;
        modem.step = "USB reset";
        modem.resets_today = 3;
        modem.service_centre = Some("+35385000000".to_owned());
        modem.signal_history = vec![SignalPeriod {
            from: UtcTime::from_millis(1_781_514_000_000),
            weakest_dbm: -97,
            mean_dbm: -91,
        }];
    });
    let key = house.key("default", &["modems:read"]).await;
    let modem = house.get(&key, "/v1/modems/m0").await.json();
    for (field, value) in [
        ("slot", json!("m0")),
        ("state", json!("quarantined")),
        ("score", json!(35)),
        ("step", json!("USB reset")),
        ("resets_today", json!(3)),
        ("receive_only", json!(false)),
        ("service_centre", json!("+35385000000")),
        (
            "signal_history",
            json!([{"from": "2026-06-15T09:00:00.000Z", "weakest_dbm": -97, "mean_dbm": -91}]),
        ),
    ] {
        assert_eq!(modem[field], value, "{field}");
    }
}

#[tokio::test]
async fn technicians_ask_for_what_is_no_text() {
    let house = house();
    let key = house.key("default", &["messages:read"]).await;
    for (query, status) in [
        ("kind=all", 200),
        ("kind=wap_push,mms_notice", 200),
        ("kind=colour", 400),
        ("", 200),
    ] {
        let answer = house.get(&key, &format!("/v1/inbound-messages?{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}");
    }
    assert_eq!(house.get(&key, "/v1/messages?kind=all").await.code(), "unknown_field");
}
