//! MongoDB: the installed `mongod`, or else `secantusd-rs`, a compatible server that cargo builds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::child::{Child, Program};
use crate::mongo_wire::{self, BsonValue};
use crate::{place, wait};

pub(crate) struct MongoDb<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) log: &'a Path,
    pub(crate) port: u16,
}

impl MongoDb<'_> {
    /// Returns the URL without a replica set, whose name differs between the two servers.
    pub(crate) fn url(&self) -> String {
        format!("mongodb://{}/?directConnection=true", self.address())
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) async fn start(&self) -> Result<Child> {
        place::private_folder(self.folder)?;
        match place::find_program("mongod") {
            Some(mongod) => self.start_mongod(&mongod).await,
            None => self.start_secantus().await,
        }
    }

    async fn start_mongod(&self, mongod: &Path) -> Result<Child> {
        let program = Program::new("mongodb", mongod, self.log)
            .args([
                "--bind_ip",
                "127.0.0.1",
                "--replSet",
                "airwave",
                "--port",
                &self.port.to_string(),
                // Release the locks of crashed clients after 5 s instead of a minute.
                "--setParameter",
                "transactionLifetimeLimitSeconds=5",
            ])
            .arg("--dbpath")
            .arg(self.folder);
        let mut child = program.start()?;
        let address = self.address();
        wait::ready(&mut child, Duration::from_secs(60), async || {
            // Ignore the reply: it is an error if the replica set exists already.
            mongo_wire::command(&address, &initiate(&address)).await?;
            mongo_wire::ensure_writable(&address).await
        })
        .await?;
        Ok(child)
    }

    async fn start_secantus(&self) -> Result<Child> {
        let program = Program::new("mongodb", secantus()?, self.log)
            .args(["--host", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--cache-size", "256M", "--log-level", "WARNING"])
            // Acknowledged writes must survive kill -9.
            .arg("--sync-on-commit")
            .arg("--storage-path")
            .arg(self.folder);
        let mut child = program.folder(self.folder).start()?;
        let address = self.address();
        wait::ready(&mut child, Duration::from_secs(60), async || {
            mongo_wire::ensure_writable(&address).await
        })
        .await?;
        Ok(child)
    }
}

fn secantus() -> Result<PathBuf> {
    let built = place::checkout().join(".cache/tools/bin/secantusd-rs");
    let found = place::find_program("secantusd-rs").or_else(|| built.is_file().then_some(built));
    found.context("neither mongod nor secantusd-rs is installed: run `make install`")
}

fn initiate(address: &str) -> Vec<u8> {
    let member = mongo_wire::document(&[("_id", BsonValue::Int(0)), ("host", BsonValue::Text(address))]);
    let members = mongo_wire::document(&[("0", BsonValue::Document(&member))]);
    let set = [
        ("_id", BsonValue::Text("airwave")),
        ("members", BsonValue::Array(&members)),
    ];
    let set = mongo_wire::document(&set);
    mongo_wire::document(&[
        ("replSetInitiate", BsonValue::Document(&set)),
        ("$db", BsonValue::Text("admin")),
    ])
}
