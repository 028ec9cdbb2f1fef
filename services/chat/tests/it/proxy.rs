//! A proxy to MongoDB that records commands, and can delay or drop them or block all traffic.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, Result};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::command::Command;

/// The state of all connections.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Open,
    /// Closed, and new ones are closed at once.
    Cut,
    /// Open, but nothing passes.
    Silent,
}

/// What happens to a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Passes,
    /// Passes after a delay, as if the majority were far away.
    Late(Duration),
    /// The connection breaks before it: the server does not receive it.
    Lost,
    /// The connection breaks right after it: the client does not receive the reply.
    Unanswered,
}

pub(crate) struct Proxy {
    addr: SocketAddr,
    link: watch::Sender<Link>,
    recorder: Arc<Recorder>,
}

type Decide = Box<dyn Fn(&Command) -> Fate + Send>;

struct Recorder {
    commands: Mutex<Vec<Command>>,
    decide: Mutex<Decide>,
}

impl Recorder {
    fn record(&self, frame: &[u8]) -> Fate {
        let Some(command) = Command::parse(frame) else {
            return Fate::Passes;
        };
        let fate = (self.decide.lock().unwrap())(&command);
        self.commands.lock().unwrap().push(command);
        fate
    }
}

impl Proxy {
    pub(crate) async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (link, links) = watch::channel(Link::Open);
        let recorder = Arc::new(Recorder {
            commands: Mutex::default(),
            decide: Mutex::new(Box::new(|_| Fate::Passes)),
        });
        let shared = recorder.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server.clone(), links.clone(), shared.clone()));
            }
        });
        Self { addr, link, recorder }
    }

    /// A direct connection: otherwise the driver would ask the server for its address and bypass the proxy.
    pub(crate) fn url(&self) -> String {
        format!("mongodb://{}/?directConnection=true", self.addr)
    }

    pub(crate) fn set(&self, link: Link) {
        self.link.send_replace(link);
    }

    /// Decides the fate of commands from now on.
    pub(crate) fn decide(&self, decide: impl Fn(&Command) -> Fate + Send + 'static) {
        *self.recorder.decide.lock().unwrap() = Box::new(decide);
    }

    /// Returns the commands since the last call.
    pub(crate) fn take_commands(&self) -> Vec<Command> {
        std::mem::take(&mut *self.recorder.commands.lock().unwrap())
    }
}

async fn carry(near: TcpStream, server: String, links: watch::Receiver<Link>, recorder: Arc<Recorder>) {
    let far = TcpStream::connect(server).await.unwrap();
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    let mut cut = links.clone();
    tokio::select! {
        _ = pass(from_near, to_far, links.clone(), Some(recorder)) => {}
        _ = pass(from_far, to_near, links, None) => {}
        _ = async { cut.wait_for(|link| *link == Link::Cut).await.is_ok() } => {}
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut links: watch::Receiver<Link>,
    recorder: Option<Arc<Recorder>>,
) -> Result<()> {
    loop {
        let frame = frame(&mut from).await?;
        let fate = recorder
            .as_ref()
            .map_or(Fate::Passes, |recorder| recorder.record(&frame));
        match fate {
            Fate::Late(wait) => tokio::time::sleep(wait).await,
            Fate::Lost => return Ok(()),
            Fate::Passes | Fate::Unanswered => {}
        }
        if links.wait_for(|link| *link == Link::Open).await.is_err() {
            return Ok(());
        }
        to.write_all(&frame).await?;
        if fate == Fate::Unanswered {
            return Ok(());
        }
    }
}

/// Reads one message of the wire protocol, which starts with its length, including the length itself.
async fn frame(from: &mut OwnedReadHalf) -> Result<Vec<u8>> {
    let length = from.read_u32_le().await?;
    let mut frame = length.to_le_bytes().to_vec();
    frame.resize(usize::try_from(length).unwrap(), 0);
    from.read_exact(frame.get_mut(4..).unwrap()).await?;
    Ok(frame)
}
