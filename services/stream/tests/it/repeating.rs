//! Streams that clients ask for twice.

use primitives::UserId;
use proto::error_from_status;
use proto::stream::v1::CreateStreamRequest;
use proto::upload::messages;

use crate::world::World;

const ANNA: UserId = UserId(7);
const BERT: UserId = UserId(8);

impl World {
    /// The id and the key of a stream that a user asks for under a name.
    async fn named(&self, user: UserId, name: &str, title: &str) -> Result<(i64, Option<String>), String> {
        let request = CreateStreamRequest {
            title: title.into(),
            ..CreateStreamRequest::default()
        };
        let mut client = self.call_naming(user, name);
        match client.create_stream(messages(&[], request)).await {
            Ok(answer) => {
                let stream = answer.into_inner().stream.unwrap();
                Ok((stream.id, stream.stream_key))
            }
            Err(status) => Err(error_from_status(&status).code.into_owned()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_asked_for_twice_is_made_once() {
    let world = World::new().await;
    let (first, second) = tokio::join!(
        world.named(ANNA, "n1", "A title"),
        world.named(ANNA, "n1", "A title")
    );
    let (id, key) = first.unwrap();
    assert!(key.is_some());
    assert_eq!(second, Ok((id, key.clone())), "the same stream with the same key");
    assert_eq!(world.named(ANNA, "n1", "A title").await, Ok((id, key)));

    let reused = Err("request.idempotency_key_reused".to_owned());
    assert_eq!(world.named(ANNA, "n1", "Another").await, reused);
    let theirs = world.named(BERT, "n1", "A title").await.unwrap();
    let other = world.named(ANNA, "n2", "A title").await.unwrap();
    assert!(theirs.0 != id && other.0 != id && theirs.0 != other.0);
}
