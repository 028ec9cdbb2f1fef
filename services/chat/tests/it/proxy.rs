//! A way to MongoDB that can be blocked, and on which what goes by is seen and treated: late, or not at all.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, Result};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::command::Command;

/// What becomes of connections.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    /// Cut, and new ones are closed at once.
    Cut,
    /// Kept, and nothing passes any more.
    Silent,
}

/// What becomes of a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Passes,
    /// Passes after a while, as to a majority that is far away.
    Late(Duration),
    /// Its connection ends before it: the server does not get it.
    Lost,
    /// Its connection ends right after it: nobody gets the answer.
    Unanswered,
}

pub(crate) struct Proxy {
    addr: SocketAddr,
    way: watch::Sender<Way>,
    seen: Arc<Seen>,
}

type Treatment = Box<dyn Fn(&Command) -> Fate + Send>;

struct Seen {
    commands: Mutex<Vec<Command>>,
    treatment: Mutex<Treatment>,
}

impl Seen {
    fn judge(&self, frame: &[u8]) -> Fate {
        let Some(command) = Command::parse(frame) else {
            return Fate::Passes;
        };
        let fate = (self.treatment.lock().unwrap())(&command);
        self.commands.lock().unwrap().push(command);
        fate
    }
}

impl Proxy {
    pub(crate) async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (way, ways) = watch::channel(Way::Open);
        let seen = Arc::new(Seen {
            commands: Mutex::default(),
            treatment: Mutex::new(Box::new(|_| Fate::Passes)),
        });
        let seeing = seen.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server.clone(), ways.clone(), seeing.clone()));
            }
        });
        Self { addr, way, seen }
    }

    /// Direct, or the driver would ask the server for its address and go around the proxy.
    pub(crate) fn url(&self) -> String {
        format!("mongodb://{}/?directConnection=true", self.addr)
    }

    pub(crate) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// Treats commands so from now on.
    pub(crate) fn treat(&self, treatment: impl Fn(&Command) -> Fate + Send + 'static) {
        *self.seen.treatment.lock().unwrap() = Box::new(treatment);
    }

    /// The commands that came since the last time.
    pub(crate) fn seen(&self) -> Vec<Command> {
        std::mem::take(&mut *self.seen.commands.lock().unwrap())
    }
}

async fn carry(near: TcpStream, server: String, ways: watch::Receiver<Way>, seen: Arc<Seen>) {
    let far = TcpStream::connect(server).await.unwrap();
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    let mut cut = ways.clone();
    tokio::select! {
        _ = pass(from_near, to_far, ways.clone(), Some(seen)) => {}
        _ = pass(from_far, to_near, ways, None) => {}
        _ = async { cut.wait_for(|way| *way == Way::Cut).await.is_ok() } => {}
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut ways: watch::Receiver<Way>,
    seen: Option<Arc<Seen>>,
) -> Result<()> {
    loop {
        let frame = frame(&mut from).await?;
        let fate = seen.as_ref().map_or(Fate::Passes, |seen| seen.judge(&frame));
        match fate {
            Fate::Late(wait) => tokio::time::sleep(wait).await,
            Fate::Lost => return Ok(()),
            Fate::Passes | Fate::Unanswered => {}
        }
        if ways.wait_for(|way| *way == Way::Open).await.is_err() {
            return Ok(());
        }
        to.write_all(&frame).await?;
        if fate == Fate::Unanswered {
            return Ok(());
        }
    }
}

/// One message of the wire protocol: its length, itself included, comes first.
async fn frame(from: &mut OwnedReadHalf) -> Result<Vec<u8>> {
    let length = from.read_u32_le().await?;
    let mut frame = length.to_le_bytes().to_vec();
    frame.resize(usize::try_from(length).unwrap(), 0);
    from.read_exact(frame.get_mut(4..).unwrap()).await?;
    Ok(frame)
}
