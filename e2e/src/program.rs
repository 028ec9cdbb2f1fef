//! A child process that reads commands and writes responses, one JSON value per line. Dropping its handle
//! kills it.

use std::process::Stdio;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout_at};

#[derive(Debug)]
pub(crate) struct Program {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Program {
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run a client: `make test` installs what it needs")?;
        let input = process.stdin.take().context("no stdin")?;
        let output = BufReader::new(process.stdout.take().context("no stdout")?).lines();
        Ok(Self {
            _process: process,
            input,
            output,
        })
    }

    pub(crate) async fn send(&mut self, line: &Value) -> Result<()> {
        let line = format!("{line}\n");
        let sent = self.input.write_all(line.as_bytes()).await;
        sent.context("the client ended")
    }

    pub(crate) async fn next(&mut self, until: Instant) -> Result<Value> {
        let line = timeout_at(until, self.output.next_line())
            .await
            .context("no output in time")??;
        Ok(serde_json::from_str(&line.context("the client ended")?)?)
    }
}
