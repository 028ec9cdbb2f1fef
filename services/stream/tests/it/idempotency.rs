//! Idempotency keys of CreateStream.

use primitives::UserId;
use proto::error_from_status;
use proto::stream::v1::CreateStreamRequest;
use proto::upload::messages;

use crate::world::World;

const ANNA: UserId = UserId(7);
const BERT: UserId = UserId(8);

impl World {
    /// Creates a stream with an idempotency key. Returns its id and stream key, or the code of the error.
    async fn create_with(
        &self,
        user: UserId,
        idempotency_key: &str,
        title: &str,
    ) -> Result<(i64, Option<String>), String> {
        let request = CreateStreamRequest {
            title: title.into(),
            ..CreateStreamRequest::default()
        };
        let mut client = self.call_with_key(user, idempotency_key);
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
async fn repeated_request_creates_one_stream() {
    let world = World::new().await;
    let (first, second) = tokio::join!(
        world.create_with(ANNA, "n1", "A title"),
        world.create_with(ANNA, "n1", "A title")
    );
    let (id, key) = first.unwrap();
    assert!(key.is_some());
    assert_eq!(second, Ok((id, key.clone())), "the same stream with the same key");
    assert_eq!(world.create_with(ANNA, "n1", "A title").await, Ok((id, key)));

    let reused = Err("request.idempotency_key_reused".to_owned());
    assert_eq!(world.create_with(ANNA, "n1", "Another").await, reused);
    let of_other_user = world.create_with(BERT, "n1", "A title").await.unwrap();
    let other = world.create_with(ANNA, "n2", "A title").await.unwrap();
    assert!(of_other_user.0 != id && other.0 != id && of_other_user.0 != other.0);
}
