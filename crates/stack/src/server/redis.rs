//! Redis 7 with an append-only file and no eviction, because it stores the job queue.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::child::{Child, Program};
use crate::{place, wait};

pub(crate) struct Redis<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) log: &'a Path,
    pub(crate) port: u16,
    pub(crate) password: &'a str,
}

impl Redis<'_> {
    pub(crate) fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.password, self.port)
    }

    pub(crate) async fn start(&self) -> Result<Child> {
        place::private_folder(self.folder)?;
        let config = self.folder.join("redis.conf");
        // A file keeps the password out of process lists.
        place::private_file(&config, &self.config())?;
        let program = Program::new("redis", place::program("redis-server")?, self.log).arg(config);
        let mut child = program.folder(self.folder).start()?;
        wait::ready(&mut child, Duration::from_secs(60), async || self.ping().await).await?;
        Ok(child)
    }

    fn config(&self) -> String {
        let Self {
            port,
            password,
            folder,
            ..
        } = self;
        format!(
            "bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir \"{}\"\nappendonly yes\nsave \"\"\n\
             maxmemory-policy noeviction\n",
            folder.display()
        )
    }

    /// Fails while Redis loads its file and replies `-LOADING`.
    async fn ping(&self) -> Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream
            .write_all(format!("AUTH {}\r\nPING\r\n", self.password).as_bytes())
            .await?;
        let mut reply = vec![0; b"+OK\r\n+PONG\r\n".len()];
        stream.read_exact(&mut reply).await?;
        ensure!(
            reply == b"+OK\r\n+PONG\r\n",
            "unexpected reply {}",
            String::from_utf8_lossy(&reply)
        );
        Ok(())
    }
}
