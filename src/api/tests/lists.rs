//! Cursors and filters.

use super::*;

async fn fill(house: &House, key: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        let body = json!({"to": NUMBER, "body": TEXT, "reference": format!("r {}", n % 2)});
        let message = house.post(key, "/v1/messages", &body).await.json();
        ids.push(message["id"].as_str().unwrap().to_owned());
    }
    ids
}

fn ids(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat_while_rows_come_in() {
    let house = house();
    let key = house.sender().await;
    let made = fill(&house, &key, 7).await;
    for (order, mut wanted) in [
        ("desc", made.iter().rev().cloned().collect::<Vec<_>>()),
        ("asc", made.clone()),
    ] {
        let mut found = Vec::new();
        let mut path = format!("/v1/messages?limit=3&order={order}");
        let mut pages = 0;
        loop {
            let answer = house.get(&key, &path).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            found.extend(ids(&answer));
            pages += 1;
            if pages == 1 {
                // A row that comes meanwhile is on a later page of the oldest-first list only.
                let new = fill(&house, &key, 1).await;
                if order == "asc" {
                    let before = ids(&house.get(&key, "/v1/messages?order=asc").await);
                    wanted = before;
                    assert_eq!(wanted.last(), new.last());
                }
            }
            let next = answer.json()["next_cursor"].as_str().map(ToOwned::to_owned);
            let Some(next) = next else {
                assert_eq!(answer.header("link"), "");
                break;
            };
            path = format!("/v1/messages?limit=3&order={order}&cursor={next}");
            assert_eq!(answer.header("link"), format!("<{path}>; rel=\"next\""));
        }
        assert_eq!(found, wanted, "{order}");
        assert_eq!(pages, 3);
    }
}

#[tokio::test]
async fn a_cursor_belongs_to_its_filters() {
    let house = house();
    let key = house.key("default", &["messages:send", "messages:read"]).await;
    let lab = house.key("lab", &["messages:read"]).await;
    fill(&house, &key, 3).await;
    let first = house.get(&key, "/v1/messages?limit=1").await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    // The size of the page is no filter.
    let good = house.get(&key, &format!("/v1/messages?limit=2&cursor={cursor}")).await;
    assert_eq!(ids(&good).len(), 2);
    for path in [
        format!("/v1/messages?cursor={cursor}&status=queued"),
        format!("/v1/messages?cursor={cursor}&order=asc"),
        format!("/v1/inbound-messages?cursor={cursor}"),
        format!("/v1/messages?cursor={}", &cursor[1..]),
        "/v1/messages?cursor=".to_owned(),
        "/v1/messages?cursor=%2B353871234567".to_owned(),
    ] {
        let answer = house.get(&key, &path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, "invalid_cursor"),
            "{path}"
        );
        assert!(!answer.text.contains("353871"));
    }
    let theirs = house.get(&lab, &format!("/v1/messages?cursor={cursor}")).await;
    assert_eq!(theirs.code(), "invalid_cursor");
}

#[tokio::test]
async fn filters_choose_and_wrong_ones_are_named() {
    let house = house();
    let key = house.sender().await;
    let made = fill(&house, &key, 4).await;
    let cancel = format!("/v1/messages/{}/cancel", made[0]);
    house.call(&key, Method::POST, &cancel, Body::empty()).await;
    for (query, count) in [
        ("status=canceled", 1),
        ("status=queued,canceled", 4),
        ("status=delivered", 0),
        ("reference=r+1", 2),
        ("reference=r%200", 2),
        ("reference=nobody", 0),
        ("direction=outbound", 4),
        ("created_after=2020-01-01T00:00:00Z", 4),
        ("created_after=2020-01-01T00:00:00%2B01:00", 4),
        ("created_before=2020-01-01T00:00:00+01:00", 0),
        ("sim_id=sim_01JZ3M8Q4W8J7V5N2K9C6B1A0D", 0),
        ("", 4),
    ] {
        let answer = house.get(&key, &format!("/v1/messages?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text);
        assert_eq!(ids(&answer).len(), count, "{query}");
    }
    for (query, pointer, code) in [
        ("limit=0", "/limit", "invalid_value"),
        ("limit=201", "/limit", "invalid_value"),
        ("limit=x", "/limit", "invalid_value"),
        ("order=up", "/order", "invalid_value"),
        ("status=gone", "/status", "invalid_value"),
        ("created_after=now", "/created_after", "invalid_value"),
        ("sim_id=7", "/sim_id", "invalid_value"),
        ("direction=inbound", "/direction", "invalid_value"),
        ("to=%2B353871234567", "/to", "invalid_value"),
        ("colour=red", "/colour", "unknown_field"),
        ("%2B353871234567=1", "", "unknown_field"),
    ] {
        let answer = house.get(&key, &format!("/v1/messages?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        let error = &answer.json()["errors"][0];
        assert_eq!(
            (error["pointer"].as_str(), error["code"].as_str()),
            (Some(pointer), Some(code)),
            "{query}"
        );
        assert!(!answer.text.contains("353871"), "{query}");
    }
    for query in ["%zz=1", "a=%", "a=%f", "a=%ff"] {
        let answer = house.get(&key, &format!("/v1/messages?{query}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, "bad_request"),
            "{query}"
        );
    }
}
