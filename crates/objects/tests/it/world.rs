//! A database with this crate's tables and a bucket prefix, for one test.

use bucket::{Bucket, BucketConfig};
use chrono::TimeDelta;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::EmbeddedMigrations;
use objects::{ImageStore, ledger};
use primitives::Clock;
use storage::{Database, DatabaseConfig};

static MIGRATIONS: &[EmbeddedMigrations] = &[objects::MIGRATIONS];

pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) bucket: Bucket,
    pub(crate) clock: Clock,
    pub(crate) images: ImageStore,
}

impl World {
    pub(crate) async fn new() -> Self {
        let stack = stack::shared().await.unwrap();
        let migrate = async |url: String| storage::migrate(&DatabaseConfig::new(url), MIGRATIONS).await;
        let url = stack.database("objects", migrate).await.unwrap();
        let database = Database::connect(&DatabaseConfig::new(url)).unwrap();
        let bucket = Bucket::new(&BucketConfig {
            name: stack.bucket.name.clone(),
            region: stack.bucket.region.clone(),
            key_id: stack.bucket.key_id.clone(),
            secret: stack.bucket.secret.clone().into(),
            prefix: stack.bucket_prefix(),
            ..BucketConfig::for_testing(stack.bucket.endpoint.parse().unwrap())
        });
        let (bucket, clock) = (bucket.unwrap(), Clock::manual(Clock::system().now()));
        let images = ImageStore::new(database.clone(), bucket.clone(), clock.clone());
        Self {
            database,
            bucket,
            clock,
            images,
        }
    }

    pub(crate) async fn sql(&self, statement: &'static str) {
        let run = async move |conn: &mut AsyncPgConnection| {
            Ok::<_, storage::Error>(conn.batch_execute(statement).await?)
        };
        self.database.transaction(run).await.unwrap();
    }

    pub(crate) async fn objects_in_bucket(&self) -> Vec<String> {
        self.bucket.list(&self.bucket.key("")).await.unwrap()
    }

    /// Advances the clock and deletes what is due then.
    pub(crate) async fn delete_after(&self, time: TimeDelta) -> usize {
        self.clock.advance(time);
        ledger::delete_due(&self.database, &self.bucket, self.clock.now())
            .await
            .unwrap()
    }
}

pub(crate) fn png() -> Vec<u8> {
    let image = image::RgbImage::from_pixel(600, 300, image::Rgb([200, 0, 0]));
    let mut file = std::io::Cursor::new(Vec::new());
    image.write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}
