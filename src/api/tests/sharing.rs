//! Pools and routes over HTTP: what holds at once, what is kept, who may, and what is refused in the words of the file.

use tokio::sync::mpsc;
use wardwire_core::base::PhoneNumber;
use wardwire_core::dispatch::Pool;
use wardwire_core::queue::lane::{PoolId, Way};
use wardwire_core::queue::verbs::{DueMessage, Reply, Request as Ask};

use super::*;
use crate::api::{Asked, Orders};

const SITE: &str = "data_dir = 'unused'\nregion = 'IE'\n[policy]\npilot = false\n[[modem]]\nlabel = 'm0'\nport = '/dev/m0'\n\
                    [[modem]]\nlabel = 'm1'\nport = '/dev/m1'\n[[pool]]\nname = 'wards'\nmodems = ['m0']\n\
                    [[route]]\npool = 'wards'\nservices = ['opd']\n";

const SCOPES: &[&str] = &["modems:read", "modems:write", "audit:read", "messages:send"];

const ICCID: &str = "8935301234567890123";

/// A house of two modems and a pool, with a bank that tells the pools it is given.
fn site() -> (House, mpsc::UnboundedReceiver<Vec<Pool>>) {
    let mut house = house_with(SITE);
    let (orders, mut asked) = Orders::channel();
    house.context.orders = orders;
    let (say, said) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(asked) = asked.recv().await {
            if let Asked::Shared { pools, done } = asked {
                let _ = say.send(pools);
                let _ = done.send(());
            }
        }
    });
    (house, said)
}

impl House {
    async fn change(&self, key: &str, method: Method, path: &str, body: Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.call_with(key, method, path, body.to_string(), &headers).await
    }

    /// The list of pools, each with what is asked for.
    async fn pools(&self, key: &str, fields: &[&str]) -> Vec<String> {
        let list = self.get(key, "/v1/pools").await.json();
        let word = |row: &Value, field: &str| row[field].to_string().replace('"', "");
        let rows = list["data"].as_array().unwrap().iter();
        rows.map(|row| {
            fields
                .iter()
                .map(|field| word(row, field))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
    }

    /// What the store gives out of a way, and takes back.
    async fn waits(&self, way: Way) -> Vec<DueMessage> {
        let ask = Ask::TakeDue {
            ways: vec![way],
            depth: 9,
            room: 9,
            counted: false,
        };
        let replies = self.context.store.gateway(vec![(1, ask)]).await.unwrap();
        let Some((_, Reply::Due { messages, .. })) = replies.into_iter().next() else {
            panic!("due");
        };
        let back = messages.iter().map(|message| (1, Ask::Release(message.id))).collect();
        self.context.store.gateway(back).await.unwrap();
        messages
    }
}

fn names(pools: &[Pool]) -> Vec<&str> {
    pools.iter().map(|pool| pool.name.as_str()).collect()
}

#[tokio::test]
async fn a_pool_is_made_changed_and_taken_back_and_the_bank_follows() {
    let (house, mut said) = site();
    let key = house.key("opd", SCOPES).await;
    let of = ["name", "source", "modems", "reserve"];
    assert_eq!(
        house.pools(&key, &of).await,
        ["default file [] null", "wards file [m0] null"]
    );

    let body = json!({"modems": ["m0", "m1"], "reserve": "m1"});
    let answer = house.change(&key, Method::PATCH, "/v1/pools/wards", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let wards = said.try_recv().unwrap().pop().unwrap();
    assert_eq!((wards.modems.len(), wards.reserve.as_deref()), (2, Some("m1")));
    let body = json!({"sims": [ICCID], "reserve": null});
    house.change(&key, Method::PATCH, "/v1/pools/wards", body).await;
    let wards = said.try_recv().unwrap().pop().unwrap();
    assert_eq!(
        (wards.modems.len(), wards.sims.as_slice(), wards.reserve),
        (2, &[ICCID.to_owned()][..], None)
    );

    let answer = house
        .change(&key, Method::PUT, "/v1/pools/lab", json!({"modems": ["m1"]}))
        .await;
    assert_eq!(
        (answer.status, answer.json()["state"].clone()),
        (StatusCode::CREATED, json!("no_sim"))
    );
    assert_eq!(names(&said.try_recv().unwrap()), ["default", "wards", "lab"]);
    let body = json!({"reserve": "m0"});
    assert_eq!(
        house.change(&key, Method::PUT, "/v1/pools/default", body).await.status,
        StatusCode::OK
    );
    assert_eq!(
        house.pools(&key, &of).await,
        ["default api [] m0", "wards api [m0,m1] null", "lab api [m1] null"]
    );
    assert!(!house.get(&key, "/v1/pools/wards").await.text.contains(ICCID));

    let gone = house.call(&key, Method::DELETE, "/v1/pools/lab", "").await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let back = house.call(&key, Method::DELETE, "/v1/pools/wards", "").await;
    assert_eq!((back.status, &back.json()["source"]), (StatusCode::OK, &json!("file")));
    let last = std::iter::from_fn(|| said.try_recv().ok()).last().unwrap();
    assert_eq!((names(&last), last[1].modems.len()), (vec!["default", "wards"], 1));
    let again = house.call(&key, Method::DELETE, "/v1/pools/wards", "").await;
    assert_eq!(again.status, StatusCode::OK, "it is as the file says");
    assert!(said.try_recv().is_err(), "nothing changed");
    assert_eq!(
        house.record(&key).await,
        [
            "pool.set|wards|modems=m0,m1 sims= reserve=m1|done",
            "pool.set|wards|modems=m0,m1 sims=*** reserve=none|done",
            "pool.set|lab|modems=m1 sims= reserve=none|done",
            "pool.set|default|modems= sims= reserve=m0|done",
            "pool.delete|lab||done",
            "pool.delete|wards||done"
        ]
    );
}

#[tokio::test]
async fn routes_are_set_together_hold_for_what_comes_and_are_taken_back() {
    let (house, mut said) = site();
    let key = house.key("opd", SCOPES).await;
    let routes = house.get(&key, "/v1/routes").await.json();
    assert_eq!(
        (&routes["source"], &routes["data"][0]["pool"]),
        (&json!("file"), &json!("wards"))
    );
    house
        .change(&key, Method::PUT, "/v1/pools/lab", json!({"modems": ["m1"]}))
        .await;
    let list = json!([
        {"pool": "lab", "prefixes": ["+35387"], "services": ["opd"], "categories": ["otp"]},
        {"pool": "default", "prefixes": [], "services": [], "categories": []},
        {"pool": "wards"}
    ]);
    let answer = house
        .change(&key, Method::PUT, "/v1/routes", json!({ "routes": list }))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let routes = house.get(&key, "/v1/routes").await.json();
    assert_eq!(routes, answer.json());
    assert_eq!((&routes["source"], &routes["data"][0]), (&json!("api"), &list[0]));
    assert_eq!(routes["data"].as_array().unwrap().len(), 3);
    assert_eq!(names(&said.recv().await.unwrap()), ["default", "wards", "lab"]);

    let lab = Way::Pool(PoolId::of("lab"));
    for category in ["otp", "appointment"] {
        let body = json!({"to": NUMBER, "body": TEXT, "category": category});
        assert_eq!(
            house.post(&key, "/v1/messages", &body).await.status,
            StatusCode::CREATED
        );
    }
    assert_eq!(
        (house.waits(lab).await.len(), house.waits(Way::Any).await.len()),
        (1, 1)
    );

    let back = house.call(&key, Method::DELETE, "/v1/routes", "").await.json();
    assert_eq!(
        (&back["source"], &back["data"][0]["pool"]),
        (&json!("file"), &json!("wards"))
    );
    house
        .post(&key, "/v1/messages", &json!({"to": NUMBER, "body": TEXT}))
        .await;
    assert_eq!(
        house.waits(Way::Pool(PoolId::of("wards"))).await.len(),
        1,
        "by the route of the file"
    );
    assert_eq!(house.waits(lab).await.len(), 1, "what waited keeps its way");
    let answer = house
        .change(&key, Method::PUT, "/v1/routes", json!({"routes": []}))
        .await;
    assert_eq!(answer.json(), json!({"data": [], "next_cursor": null, "source": "api"}));
    let record = house.record(&key).await;
    assert!(
        record.contains(&"routes.set|routes|to lab,default,wards|done".to_owned()),
        "{record:?}"
    );
    assert!(record.contains(&"routes.delete|routes||done".to_owned()), "{record:?}");
}

#[tokio::test]
async fn a_pool_that_something_needs_does_not_go() {
    let (house, _said) = site();
    let key = house.key("opd", SCOPES).await;
    house
        .change(&key, Method::PUT, "/v1/pools/lab", json!({"modems": ["m1"]}))
        .await;
    house
        .change(&key, Method::PUT, "/v1/routes", json!({"routes": [{"pool": "lab"}]}))
        .await;
    for _ in 0..2 {
        house
            .post(&key, "/v1/messages", &json!({"to": NUMBER, "body": TEXT}))
            .await;
    }
    let delete = || house.call(&key, Method::DELETE, "/v1/pools/lab", "");
    let answer = delete().await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::CONFLICT, "not_now".to_owned())
    );
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .starts_with("route 1 leads to this pool"),
        "{}",
        answer.text
    );
    house.call(&key, Method::DELETE, "/v1/routes", "").await;
    let answer = delete().await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .contains("wait for this pool: 2."),
        "{}",
        answer.text
    );
    assert_eq!(house.pools(&key, &["name"]).await, ["default", "wards", "lab"]);
    let number = house.waits(Way::Pool(PoolId::of("lab"))).await;
    assert_eq!(
        number[0].recipient,
        PhoneNumber::from_e164(NUMBER).unwrap(),
        "nothing of it is lost"
    );
}

/// What is refused: the door, its body, at which field, in which words.
const REFUSED: &[[&str; 4]] = &[
    [
        "PUT /v1/pools/a",
        r#"{"modems": ["m0", "attic"]}"#,
        "/modems/1",
        r#"no modem is called "attic"; write the label"#,
    ],
    [
        "PUT /v1/pools/a",
        r#"{"modems": ["m7"]}"#,
        "/modems/0",
        "did you mean m",
    ],
    [
        "PUT /v1/pools/a",
        r#"{"modems": ["0871234567"]}"#,
        "/modems/0",
        r#"no modem is called "***""#,
    ],
    [
        "PUT /v1/pools/a",
        r#"{"sims": ["12"]}"#,
        "/sims/0",
        "is no ICCID; write the 18 to 22 digits",
    ],
    ["PUT /v1/pools/a", r#"{}"#, "/modems", "has no SIM; name its modems"],
    [
        "PUT /v1/pools/a",
        r#"{"modems": ["m0"], "reserve": "m1"}"#,
        "/reserve",
        "is not in this pool",
    ],
    ["PUT /v1/pools/a", r#"{"modems": "m0"}"#, "/modems", "must be a list"],
    [
        "PUT /v1/pools/a",
        r#"{"modems": ["m0", 1]}"#,
        "/modems/1",
        "must be a text",
    ],
    [
        "PUT /v1/pools/a",
        r#"{"modems": ["m0"], "colour": 1}"#,
        "/colour",
        "is not known",
    ],
    [
        "PUT /v1/pools/default",
        r#"{"modems": ["m0"]}"#,
        "/modems",
        "holds every SIM by itself",
    ],
    ["PATCH /v1/pools/wards", r#"{"modems": []}"#, "/modems", "has no SIM"],
    ["PUT /v1/routes", r#"{}"#, "/routes", "is needed"],
    [
        "PUT /v1/routes",
        r#"{"routes": ["wards"]}"#,
        "/routes/0",
        "must be an object",
    ],
    ["PUT /v1/routes", r#"{"routes": [{}]}"#, "/routes/0/pool", "is needed"],
    [
        "PUT /v1/routes",
        r#"{"routes": [{"pool": "ward"}]}"#,
        "/routes/0/pool",
        "did you mean wards?",
    ],
    [
        "PUT /v1/routes",
        r#"{"routes": [{"pool": "wards"}, {"pool": "wards", "prefixes": ["+353", "087"]}]}"#,
        "/routes/1/prefixes/1",
        "is no beginning of a number",
    ],
    [
        "PUT /v1/routes",
        r#"{"routes": [{"pool": "wards", "categories": ["apointment"]}]}"#,
        "/routes/0/categories/0",
        "is no category; did you mean appointment?",
    ],
    [
        "PUT /v1/routes",
        r#"{"routes": [{"pool": "wards", "to": 1}]}"#,
        "/routes/0/to",
        "is not known",
    ],
];

#[tokio::test]
async fn what_the_file_refuses_is_refused_in_its_words_and_nothing_of_it_is_kept() {
    let (house, mut said) = site();
    let key = house.key("opd", SCOPES).await;
    for [door, body, pointer, words] in REFUSED {
        let (method, path) = door.split_once(' ').unwrap();
        let body = serde_json::from_str(body).unwrap();
        let answer = house.change(&key, method.parse().unwrap(), path, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
        let error = &answer.json()["errors"][0];
        assert_eq!(error["pointer"], *pointer, "{}", answer.text);
        assert!(error["detail"].as_str().unwrap().contains(words), "{}", answer.text);
    }
    let body = json!({"modems": ["m0"]});
    let answer = house.change(&key, Method::PUT, "/v1/pools/a%20b", body.clone()).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::BAD_REQUEST, "invalid_value".to_owned())
    );
    for method in [Method::PATCH, Method::DELETE, Method::GET] {
        let answer = house.change(&key, method, "/v1/pools/attic", body.clone()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(
        house.pools(&key, &["name", "source"]).await,
        ["default file", "wards file"]
    );
    assert!(said.try_recv().is_err() && house.record(&key).await.is_empty());
}

#[tokio::test]
async fn pools_have_a_bound_and_changing_them_needs_its_scope() {
    let (house, _said) = site();
    let key = house.key("opd", SCOPES).await;
    let body = json!({"modems": ["m0"]});
    for name in 0..30 {
        let answer = house
            .change(&key, Method::PUT, &format!("/v1/pools/p{name}"), body.clone())
            .await;
        assert_eq!(answer.status, StatusCode::CREATED);
    }
    let answer = house.change(&key, Method::PUT, "/v1/pools/more", body.clone()).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    let answer = house.change(&key, Method::PUT, "/v1/pools/p3", body.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "one that is there");
    let reader = house.key("opd", &["modems:read"]).await;
    for (method, path) in [
        (Method::PUT, "/v1/pools/p3"),
        (Method::PATCH, "/v1/pools/p3"),
        (Method::DELETE, "/v1/pools/p3"),
        (Method::PUT, "/v1/routes"),
        (Method::DELETE, "/v1/routes"),
    ] {
        let answer = house.change(&reader, method, path, body.clone()).await;
        assert_eq!(answer.code(), "scope_missing", "{path}");
    }
}

#[tokio::test]
async fn changes_of_many_at_once_reach_the_bank_in_the_order_of_the_disk() {
    let (house, mut said) = site();
    let key = house.key("opd", SCOPES).await;
    let put = |name: usize| {
        let (house, key) = (&house, &key);
        async move {
            let path = format!("/v1/pools/p{name}");
            house
                .change(key, Method::PUT, &path, json!({"modems": ["m0"]}))
                .await
                .status
        }
    };
    let done = futures_util::future::join_all((0..8).map(put)).await;
    assert!(done.iter().all(|status| *status == StatusCode::CREATED));
    let told: Vec<usize> = std::iter::from_fn(|| said.try_recv().ok())
        .map(|pools| pools.len())
        .collect();
    assert_eq!(told, [3, 4, 5, 6, 7, 8, 9, 10], "none forgets another");
}
