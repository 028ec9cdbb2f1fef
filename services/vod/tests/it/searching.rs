//! Searches: without accents and case, by parts of words, following names and categories.

use proto::events::v1::event::Payload;
use proto::events::v1::{CategoryCreated, CategoryUpdated, UserUpdated};
use proto::vod::v1::ListVodsRequest;
use tonic::Code;

use crate::calls::world_with_rows;
use crate::world::{OWNER, World};

impl World {
    async fn found(&self, request: ListVodsRequest) -> Vec<String> {
        let answer = self.client(None).list_vods(request).await.unwrap().into_inner();
        let mut titles: Vec<String> = answer.vods.into_iter().map(|vod| vod.title).collect();
        assert_eq!(answer.page.unwrap().total_items, Some(titles.len() as u64));
        titles.sort();
        titles
    }

    async fn search(&self, query: &str) -> Vec<String> {
        self.found(ListVodsRequest {
            query: Some(query.to_owned()),
            ..ListVodsRequest::default()
        })
        .await
    }

    async fn wait_until_found(&self, query: &str, expected: &[&str]) {
        self.eventually(query, async || self.search(query).await == expected)
            .await;
    }

    async fn name(&self, version: i64, display_name: &str) {
        let named = UserUpdated {
            user_id: OWNER.0,
            username: "anna".into(),
            display_name: display_name.into(),
        };
        self.deliver(Payload::UserUpdated(named), version).await;
    }
}

#[tokio::test]
async fn search_ignores_accents_and_matches_parts_of_words() {
    let world = world_with_rows(3).await;
    world
        .sql("UPDATE vods SET title = 'Phát sóng', search_text = NULL WHERE title = 'Vod 1'")
        .await;
    world
        .sql("UPDATE vods SET title = 'Đá bóng', search_text = NULL WHERE title = 'Vod 2'")
        .await;
    world.wait_until_found("phat song", &["Phát sóng"]).await;
    world.wait_until_found("da", &["Đá bóng"]).await;
    world.wait_until_found("ong", &["Phát sóng", "Đá bóng"]).await;
    world.wait_until_found("vod 3", &["Vod 3"]).await;
    assert!(world.search("unfinished").await.is_empty(), "not ready");
    let nothing = ListVodsRequest {
        query: Some("%_".into()),
        ..ListVodsRequest::default()
    };
    let refused = world.client(None).list_vods(nothing).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn search_follows_names_and_categories() {
    let world = world_with_rows(2).await;
    let all = ["Vod 1", "Vod 2"];
    world.name(1, "Ånna").await;
    world.wait_until_found("anna vod", &all).await;
    world.name(2, "Große Künstlerin").await;
    world.wait_until_found("grosse kunst", &all).await;
    let made = CategoryCreated {
        category_id: 2,
        name: "Gaming".into(),
        slug: "gaming".into(),
        tags: vec!["play".into()],
    };
    world.deliver(Payload::CategoryCreated(made), 1).await;
    world.wait_until_found("gaming", &all).await;
    world.wait_until_found("play", &all).await;
    let changed = CategoryUpdated {
        category_id: 2,
        name: "Speedruns".into(),
        slug: "speedruns".into(),
        tags: vec!["fast".into()],
    };
    world.deliver(Payload::CategoryUpdated(changed), 2).await;
    world.wait_until_found("speedrun", &all).await;
    world.wait_until_found("gaming", &[]).await;
    let tagged = |tag: &str| ListVodsRequest {
        tag: Some(tag.into()),
        ..ListVodsRequest::default()
    };
    assert_eq!(world.found(tagged("FAST")).await, all);
    assert!(world.found(tagged("fas")).await.is_empty());
    let of = |username: &str| ListVodsRequest {
        username: Some(username.into()),
        ..ListVodsRequest::default()
    };
    assert_eq!(world.found(of("ANNA")).await, all);
    assert!(world.found(of("ann")).await.is_empty());
}
