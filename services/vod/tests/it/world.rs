//! A vod service with its own database, bucket prefix, virtual host and recordings directory.

use std::sync::Arc;
use std::time::Duration;

use bus::Delivery;
use identity::{ServiceName, TestIssuer};
use primitives::{Clock, Role, UserId};
use proto::events::v1::event::Payload;
use proto::events::v1::{Event, RecordingFinished};
use proto::stream::v1::RecordingOwner;
use proto::vod::v1::vod_service_client::VodServiceClient;
use proto::vod::v1::{GetVodRequest, ListVodsRequest, Vod, VodStatus};
use proto::{CallContext, Peer, PeerChannel};
use runtime::{GrpcConfig, PeerUrl, ProcessConfig, Shutdown};
use tempfile::TempDir;
use testkit::{Peers, TIMEOUT, peer};
use vod::config::{AppConfig, Config, ServeConfig, WorkConfig};
use vod::{App, Serving, Worker};

pub(crate) const NODE: &str = "node-1";
pub(crate) const OWNER: UserId = UserId(7);

pub(crate) struct World {
    pub(crate) app: Arc<App>,
    pub(crate) serving: Arc<Serving>,
    pub(crate) worker: Arc<Worker>,
    pub(crate) peers: Peers,
    pub(crate) disk: TempDir,
    pub(crate) shutdown: Shutdown,
    issuer: TestIssuer,
    gateway: Peer,
    service: Option<vod::Service>,
}

impl World {
    /// Starts a service.
    pub(crate) async fn running() -> Self {
        let mut world = Self::stopped(|_| {}).await;
        world.run();
        world
    }

    /// Builds a service with changed settings, without starting it.
    pub(crate) async fn stopped(change: impl FnOnce(&mut Config)) -> Self {
        let (kit, disk) = (testkit::World::new().await, tempfile::tempdir().unwrap());
        let mut config = config(&disk, &kit).await;
        change(&mut config);
        let service = vod::build(config, Clock::system()).await.unwrap();
        let (app, serving, worker) = (
            service.app.clone(),
            service.serving.clone().unwrap(),
            service.worker.clone().unwrap(),
        );
        let gateway = peer(serving.grpc_addr, ServiceName::Gateway, Clock::system());
        Self {
            app,
            serving,
            worker,
            peers: kit.peers,
            disk,
            shutdown: Shutdown::new(Duration::from_secs(5)),
            issuer: kit.issuer,
            gateway,
            service: Some(service),
        }
    }

    pub(crate) fn run(&mut self) {
        let service = self.service.take().unwrap();
        tokio::spawn(vod::run(service, self.shutdown.clone()));
    }

    /// Starts the service without its worker.
    pub(crate) fn run_without_worker(&mut self) -> IdleWorker {
        let mut service = self.service.take().unwrap();
        let worker = service.worker.take().unwrap();
        tokio::spawn(vod::run(service, self.shutdown.clone()));
        IdleWorker(worker)
    }

    /// Aborts unfinished uploads to the bucket and returns their number.
    pub(crate) async fn abort_unfinished_uploads(&self) -> usize {
        let later = chrono::Utc::now() + chrono::TimeDelta::hours(1);
        let prefix = self.app.bucket.key("");
        self.app.bucket.abort_unfinished(&prefix, later).await.unwrap()
    }

    /// Puts a recording on the node's disk.
    pub(crate) fn record(&self, file: &str, bytes: &[u8]) {
        std::fs::write(self.disk.path().join(file), bytes).unwrap();
    }

    pub(crate) fn files_on_disk(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.disk.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names
            .map(|name| name.into_string().unwrap())
            .filter(|name| name != ".work")
            .collect();
        names.sort();
        names
    }

    pub(crate) async fn objects_in_bucket(&self) -> Vec<String> {
        self.app.bucket.list(&self.app.bucket.key("")).await.unwrap()
    }

    /// Delivers an event to the consumer.
    pub(crate) async fn deliver(&self, payload: Payload, version: i64) {
        self.deliver_again(uuid::Uuid::now_v7(), payload, version).await;
    }

    pub(crate) async fn deliver_again(&self, id: uuid::Uuid, payload: Payload, version: i64) {
        let event = Event {
            id: id.to_string(),
            aggregate_id: 1,
            version,
            occurred_at: None,
            payload: Some(payload),
        };
        let delivery = Delivery {
            id,
            event,
            attempt: 1,
        };
        vod::inbound::events::handle(&self.serving, delivery)
            .await
            .unwrap();
    }

    /// A client that calls for a user or a guest.
    pub(crate) fn client(&self, user: Option<(UserId, Role)>) -> VodServiceClient<PeerChannel> {
        self.client_from(user, "192.0.2.1")
    }

    pub(crate) fn client_from(
        &self,
        user: Option<(UserId, Role)>,
        address: &str,
    ) -> VodServiceClient<PeerChannel> {
        let mut context = CallContext::background(Duration::from_secs(10));
        context.user_token = user.map(|(id, role)| self.issuer.token(id, "username", role));
        context.client_address = Some(address.parse().unwrap());
        VodServiceClient::new(self.gateway.with(&context))
    }

    /// A client of the owner that sends an idempotency key.
    pub(crate) fn owner_with_idempotency_key(&self, name: &str) -> VodServiceClient<PeerChannel> {
        let mut context = CallContext::background(Duration::from_secs(10));
        context.user_token = Some(self.issuer.token(OWNER, "username", Role::Admin));
        context.idempotency_key = primitives::IdempotencyKey::parse(name);
        VodServiceClient::new(self.gateway.with(&context))
    }

    pub(crate) fn owner(&self) -> VodServiceClient<PeerChannel> {
        self.client(Some((OWNER, Role::User)))
    }

    /// Returns the owner's list.
    pub(crate) async fn vods(&self) -> Vec<Vod> {
        let request = ListVodsRequest {
            user_id: Some(OWNER.0),
            ..ListVodsRequest::default()
        };
        self.owner().list_vods(request).await.unwrap().into_inner().vods
    }

    pub(crate) async fn get(&self, id: i64) -> Vod {
        let request = GetVodRequest {
            id,
            count_view: false,
        };
        self.owner()
            .get_vod(request)
            .await
            .unwrap()
            .into_inner()
            .vod
            .unwrap()
    }

    /// Waits until the owner's only VOD has a status.
    pub(crate) async fn wait_for_vod(&self, status: VodStatus) -> Vod {
        let what = format!("a VOD that is {status:?}");
        let waited = stack::eventually(TIMEOUT, &what, async || {
            match self.owner_vods().await?.as_slice() {
                [vod] if vod.status() == status => Ok(vod.clone()),
                vods => Err(format!("{vods:?}")),
            }
        });
        waited.await.unwrap()
    }

    async fn owner_vods(&self) -> Result<Vec<Vod>, String> {
        let request = ListVodsRequest {
            user_id: Some(OWNER.0),
            ..ListVodsRequest::default()
        };
        let answer = self
            .owner()
            .list_vods(request)
            .await
            .map_err(|status| status.to_string())?;
        Ok(answer.into_inner().vods)
    }

    pub(crate) async fn eventually(&self, what: &str, mut probe: impl AsyncFnMut() -> bool) {
        stack::eventually(TIMEOUT, what, async || probe().await)
            .await
            .unwrap();
    }

    /// Returns the state and the attempts of the only job.
    pub(crate) async fn job_state(&self) -> (String, i32) {
        let rows = self.sql("SELECT state, attempts FROM recordings").await;
        let [row] = rows.as_slice() else {
            panic!("{} recordings", rows.len())
        };
        (row.get(0), row.get(1))
    }

    pub(crate) async fn sql(&self, statement: &str) -> Vec<tokio_postgres::Row> {
        let client = testkit::sql(&self.app.config.database).await;
        client.query(statement, &[]).await.unwrap()
    }
}

/// A worker that is not started yet.
pub(crate) struct IdleWorker(Arc<Worker>);

impl IdleWorker {
    pub(crate) fn work(self, world: &World) {
        tokio::spawn(vod::inbound::worker::run(self.0, world.shutdown.clone()));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.abort();
    }
}

async fn config(disk: &TempDir, kit: &testkit::World) -> Config {
    let peers = PeerUrl::from(kit.peers.addr);
    let common = AppConfig {
        process: ProcessConfig::for_testing(),
        database: kit.database("vod", vod::MIGRATIONS).await,
        bucket: kit.bucket(),
        stream_url: peers.clone(),
        url_hours: 24,
    };
    let serve = ServeConfig {
        grpc: GrpcConfig::for_testing(),
        redis: kit.redis.clone(),
        bus: kit.bus.clone(),
        auth_url: peers,
        clock_milliseconds: 100,
        upload_max_bytes: 24 * 1024 * 1024,
        uploads: 4,
    };
    let work = WorkConfig {
        recordings_dir: Some(disk.path().to_owned()),
        work_dir: None,
        workers: 2,
        sweep_seconds: 0.2,
        settle_seconds: 0.2,
        empty_seconds: 1.0,
        lease_seconds: 2,
        max_attempts: 5,
        retry_seconds: 0.2,
    };
    Config {
        common,
        serve: Some(serve),
        work: Some((NODE.to_owned(), work)),
    }
}

/// The event of a finished recording.
pub(crate) fn finished(file: &str) -> RecordingFinished {
    RecordingFinished {
        node: NODE.into(),
        file_name: file.into(),
        stream_id: 3,
        broadcast_id: 11,
        user_id: OWNER.0,
        title: "Evening".into(),
        description: "A talk".into(),
        category_id: Some(2),
        key_fingerprint: "f1".into(),
    }
}

/// The owner of a recording, as the stream service returns it.
pub(crate) fn owner_of(file: &RecordingFinished, on_air: bool) -> RecordingOwner {
    RecordingOwner {
        stream_id: file.stream_id,
        user_id: file.user_id,
        broadcast_id: file.broadcast_id,
        title: file.title.clone(),
        description: file.description.clone(),
        category_id: file.category_id,
        key_fingerprint: file.key_fingerprint.clone(),
        on_air,
    }
}
