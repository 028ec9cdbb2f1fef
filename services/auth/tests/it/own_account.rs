//! What users do to their own account: profile, avatar, password, deletion.

use proto::auth::v1::{
    ChangePasswordRequest, DeleteAccountRequest, GetProfileRequest, GetUsersRequest, SessionResponse,
    UpdateProfileRequest, User,
};
use proto::events::v1::event::Payload;
use proto::upload::messages;
use stack::eventually;

use crate::world::{PASSWORD, Replica, TIMEOUT, World, address, code, result, user};

fn png(color: u8) -> Vec<u8> {
    let picture = image::RgbImage::from_pixel(1000, 1000, image::Rgb([color, 0, 0]));
    let mut file = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

impl Replica {
    async fn update(
        &self,
        token: &str,
        file: &[u8],
        request: UpdateProfileRequest,
    ) -> Result<User, primitives::Error> {
        let answer = self
            .call(Some(token))
            .update_profile(messages(file, request))
            .await;
        result(answer).map(|answer| answer.user.unwrap())
    }

    async fn change_password(
        &self,
        token: &str,
        current: &str,
        new: &str,
    ) -> Result<SessionResponse, primitives::Error> {
        let request = ChangePasswordRequest {
            current_password: current.to_owned(),
            new_password: new.to_owned(),
        };
        result(
            self.call_from(Some(token), address(9))
                .change_password(request)
                .await,
        )
    }

    async fn until_in_bucket(&self, wanted: usize) {
        eventually(TIMEOUT, &format!("{wanted} objects"), async || {
            self.bucket.list(&self.bucket.key("")).await.unwrap().len() == wanted
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn profile_update_emits_event() {
    let world = World::new().await;
    let replica = world.replica().await;
    let anna = replica.register("anna").await;
    let mut events = world.listen(&["user.updated"]).await;
    let request = UpdateProfileRequest {
        display_name: Some("Ånna".into()),
        bio: Some("Draws.".into()),
        remove_avatar: false,
    };
    let changed = replica
        .update(&anna.access_token, &png(1), request)
        .await
        .unwrap();
    assert_eq!(
        (changed.display_name.as_str(), changed.bio.as_str()),
        ("Ånna", "Draws.")
    );
    let first = changed.avatar_url.unwrap();
    let Payload::UserUpdated(event) = events.next().await else {
        panic!()
    };
    assert_eq!(event.display_name, "Ånna");
    replica.until_in_bucket(1).await;

    let nothing = UpdateProfileRequest::default();
    let same = replica.update(&anna.access_token, &[], nothing).await.unwrap();
    assert_eq!(
        (same.avatar_url.as_ref(), same.bio.as_str()),
        (Some(&first), "Draws.")
    );
    let other = replica
        .update(&anna.access_token, &png(2), no_changes())
        .await
        .unwrap();
    assert_ne!(other.avatar_url, Some(first));
    replica.until_in_bucket(1).await;
    let seen = result(
        replica
            .call(None)
            .get_users(GetUsersRequest {
                ids: vec![user(&anna).id],
            })
            .await,
    );
    assert_eq!(seen.unwrap().users[0].avatar_url, other.avatar_url);
    let gone = UpdateProfileRequest {
        remove_avatar: true,
        ..UpdateProfileRequest::default()
    };
    assert_eq!(
        replica
            .update(&anna.access_token, &[], gone)
            .await
            .unwrap()
            .avatar_url,
        None
    );
    replica.until_in_bucket(0).await;
}

fn no_changes() -> UpdateProfileRequest {
    UpdateProfileRequest::default()
}

#[tokio::test]
async fn invalid_profile_update_changes_nothing() {
    let world = World::new().await;
    let replica = world.replica().await;
    let anna = replica.register("anna").await;
    let token = &anna.access_token;
    let bio = |bio: String| UpdateProfileRequest {
        bio: Some(bio),
        ..UpdateProfileRequest::default()
    };
    assert_eq!(
        code(replica.update(token, b"GIF? no", bio("x".into())).await),
        "upload.unsupported_media"
    );
    assert_eq!(
        code(replica.update(token, &png(1), bio("x".repeat(501))).await),
        "request.invalid"
    );
    assert_eq!(
        code(replica.update(token, &[], bio("a\0b".into())).await),
        "request.invalid"
    );
    let me = replica.me(token).await.unwrap();
    assert_eq!((me.bio.as_str(), me.avatar_url), ("", None));
    replica.until_in_bucket(0).await;
}

#[tokio::test]
async fn password_change_ends_other_sessions() {
    let world = World::new().await;
    let replica = world.replica().await;
    let here = replica.register("anna").await;
    let elsewhere = replica.login("anna", PASSWORD).await.unwrap();
    let changed = replica
        .change_password(&here.access_token, PASSWORD, "another good one")
        .await
        .unwrap();
    for old in [&here, &elsewhere] {
        assert_eq!(
            code(replica.refresh(&old.refresh_token).await),
            "auth.refresh_token_invalid"
        );
    }
    eventually(TIMEOUT, "the old tokens to be refused", async || {
        let refused = [&here, &elsewhere].map(|old| replica.me(&old.access_token));
        let [one, other] = futures::future::join_all(refused).await.try_into().unwrap();
        code(one) == "auth.token_invalid" && code(other) == "auth.token_invalid"
    })
    .await
    .unwrap();
    assert_eq!(replica.me(&changed.access_token).await.unwrap().username, "anna");
    replica.refresh(&changed.refresh_token).await.unwrap();
    assert_eq!(
        code(replica.login("anna", PASSWORD).await),
        "auth.invalid_credentials"
    );
    replica.login("anna", "another good one").await.unwrap();
}

#[tokio::test]
async fn current_password_attempts_are_limited() {
    let world = World::new().await;
    let replica = world.replica().await;
    let anna = replica.register("anna").await;
    let token = &anna.access_token;
    assert_eq!(
        code(replica.change_password(token, PASSWORD, "short").await),
        "request.invalid"
    );
    for _ in 0..10 {
        assert_eq!(
            code(replica.change_password(token, "a guess", "long enough").await),
            "auth.wrong_password"
        );
    }
    let throttled = replica
        .change_password(token, PASSWORD, "long enough")
        .await
        .unwrap_err();
    assert_eq!(throttled.code, "auth.too_many_attempts");
    assert!(throttled.retry_after.is_some());
    replica.me(token).await.unwrap();
}

#[tokio::test]
async fn deleting_an_account_removes_its_data() {
    let world = World::new().await;
    let replica = world.replica().await;
    let anna = replica.register("anna").await;
    let bob = replica.register("bob").await;
    replica.follow(&anna.access_token, user(&bob).id).await.unwrap();
    replica.follow(&bob.access_token, user(&anna).id).await.unwrap();
    replica
        .update(&anna.access_token, &png(1), no_changes())
        .await
        .unwrap();
    let mut events = world.listen(&["user.deleted"]).await;
    let deleted = replica
        .call(Some(&anna.access_token))
        .delete_account(DeleteAccountRequest {})
        .await;
    deleted.unwrap();
    let Payload::UserDeleted(event) = events.next().await else {
        panic!()
    };
    assert_eq!(event.user_id, user(&anna).id);
    replica.until_in_bucket(0).await;
    eventually(TIMEOUT, "the token to be refused", async || {
        code(replica.me(&anna.access_token).await) == "auth.token_invalid"
    })
    .await
    .unwrap();
    assert_eq!(
        code(replica.refresh(&anna.refresh_token).await),
        "auth.refresh_token_invalid"
    );
    let request = GetProfileRequest {
        username: "bob".into(),
    };
    let profile = result(replica.call(None).get_profile(request).await).unwrap();
    assert_eq!((profile.followers_count, profile.following_count), (0, 0));
    assert_ne!(user(&replica.register("anna").await).id, user(&anna).id);
}
