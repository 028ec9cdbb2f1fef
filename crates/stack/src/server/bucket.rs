//! The local S3 server: s3s-fs in its own process, which stores objects as files.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::child::{Child, Program};
use crate::{place, wait};

/// The name of the bucket.
pub(crate) const NAME: &str = "airwave";

pub(crate) const KEY_ID: &str = "airwave";

/// Passes the secret to the child process, because arguments are visible in process lists.
pub(crate) const SECRET_VARIABLE: &str = "AIRWAVE_S3_SECRET";

pub(crate) struct Bucket<'a> {
    pub(crate) program: &'a Path,
    pub(crate) folder: &'a Path,
    pub(crate) log: &'a Path,
    pub(crate) listen: IpAddr,
    pub(crate) port: u16,
    pub(crate) secret: &'a str,
}

impl Bucket<'_> {
    pub(crate) async fn start(&self) -> Result<Child> {
        place::private_folder(&self.folder.join(NAME))?;
        let program = Program::new("s3", self.program, self.log)
            .args([
                "s3",
                "--listen",
                &format!("{}:{}", self.listen, self.port),
                "--key-id",
                KEY_ID,
                "--root",
            ])
            .arg(self.folder)
            .env(SECRET_VARIABLE, self.secret);
        let mut child = program.start()?;
        let address = format!("127.0.0.1:{}", self.port);
        wait::ready(&mut child, Duration::from_secs(20), async || {
            wait::accepts(&address).await
        })
        .await?;
        Ok(child)
    }
}
