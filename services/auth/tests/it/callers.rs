//! Authorisation of callers.

use std::time::Duration;

use auth::inbound::rpc::CALLERS;
use identity::{ServiceName, TestIssuer};
use primitives::Role;
use proto::CallContext;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{FollowerPageRequest, GetMeRequest, KeySetRequest, LoginRequest};
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use tonic::{Code, Request};

use crate::world::{PASSWORD, World, code, result, user};

#[tokio::test]
async fn callers_without_service_token_are_rejected() {
    let world = World::new().await;
    let replica = world.replica().await;
    let anna = replica.register("anna").await;
    let channel = Endpoint::new(format!("http://{}", replica.grpc_addr))
        .unwrap()
        .connect_lazy();
    let mut raw = AuthServiceClient::new(channel);
    assert_eq!(
        raw.key_set(KeySetRequest {}).await.unwrap_err().code(),
        Code::Unauthenticated
    );

    let bearer: MetadataValue<_> = format!("Bearer {}", anna.access_token).parse().unwrap();
    let mut as_user = Request::new(GetMeRequest {});
    as_user.metadata_mut().insert("authorization", bearer.clone());
    assert_eq!(
        raw.get_me(as_user).await.unwrap_err().code(),
        Code::PermissionDenied
    );

    // A user's token is not a service token.
    let mut posing = Request::new(KeySetRequest {});
    posing
        .metadata_mut()
        .insert("x-airwave-service", anna.access_token.parse().unwrap());
    assert_eq!(
        raw.key_set(posing).await.unwrap_err().code(),
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn methods_accept_only_their_callers() {
    let world = World::new().await;
    let replica = world.replica().await;
    let context = CallContext::background(Duration::from_secs(5));
    for service in ServiceName::ALL {
        let client = || AuthServiceClient::new(replica.peer(service).with(&context));
        let may = |method: &str| {
            CALLERS
                .iter()
                .any(|(name, callers)| *name == method && callers.contains(&service))
        };
        let login = LoginRequest {
            username: "nobody".to_owned(),
            password: PASSWORD.to_owned(),
        };
        let page = FollowerPageRequest {
            user_id: 1,
            after_follower_id: 0,
            limit: 1,
        };
        let codes = [
            ("Login", code(result(client().login(login).await))),
            ("FollowerPage", code(result(client().follower_page(page).await))),
            ("KeySet", code(result(client().key_set(KeySetRequest {}).await))),
        ];
        for (method, code) in codes {
            assert_eq!(
                code != "service.forbidden",
                may(method),
                "{service} {method}: {code}"
            );
        }
    }
}

#[tokio::test]
async fn invalid_user_tokens_are_rejected() {
    let world = World::new().await;
    let replica = world.replica().await;
    let anna = replica.register("anna").await;
    let forged = TestIssuer::new().token(primitives::UserId(user(&anna).id), "anna", Role::Admin);
    // An unknown key is not reported as an invalid token until the key set has been fetched again.
    assert_ne!(code(replica.me(&forged).await), "ok");
    let mut parts: Vec<_> = anna.access_token.split('.').collect();
    parts[2] = "AAAA";
    for bad in [parts.join("."), String::new(), "x".repeat(5000)] {
        assert_eq!(code(replica.me(&bad).await), "auth.token_invalid", "{bad:.20}");
    }
    let nobody = replica.call(None).get_me(GetMeRequest {}).await;
    assert_eq!(code(result(nobody)), "auth.token_missing");
}
