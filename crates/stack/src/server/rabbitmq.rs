//! RabbitMQ 3.10: a private node with its own name server (epmd) and the management plugin, which creates
//! virtual hosts in milliseconds.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::child::{Child, Program};
use crate::{place, wait};

/// The script below `/usr/lib`, because the one in `PATH` only runs as the `rabbitmq` account.
const SCRIPT: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

pub(crate) const USER: &str = "airwave";

pub(crate) struct RabbitMq<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) log: &'a Path,
    pub(crate) amqp_port: u16,
    pub(crate) management_port: u16,
    pub(crate) distribution_port: u16,
    pub(crate) epmd_port: u16,
    pub(crate) password: &'a str,
}

impl RabbitMq<'_> {
    /// Returns the URL without a virtual host.
    pub(crate) fn amqp_url(&self) -> String {
        format!("amqp://{USER}:{}@127.0.0.1:{}", self.password, self.amqp_port)
    }

    pub(crate) fn management_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.management_port)
    }

    /// Starts the name server and then the node. Stop them in reverse order.
    pub(crate) async fn start(&self) -> Result<[Child; 2]> {
        place::private_folder(self.folder)?;
        let epmd = self.epmd().await?;
        place::private_file(&self.folder.join("rabbitmq.conf"), &self.config())?;
        place::private_file(&self.folder.join("enabled_plugins"), "[rabbitmq_management].\n")?;
        let mut node = self.node().start()?;
        let api = Management::new(self.management_url(), self.password)?;
        wait::ready(&mut node, Duration::from_secs(120), async || api.ping().await).await?;
        Ok([node, epmd])
    }

    /// Starts epmd in the foreground, because Erlang would start a daemon that outlives the node.
    async fn epmd(&self) -> Result<Child> {
        let program = Program::new("epmd", place::program("epmd")?, self.log)
            .args(["-port", &self.epmd_port.to_string(), "-address", "127.0.0.1"])
            .folder(self.folder);
        let mut child = program.start()?;
        let address = format!("127.0.0.1:{}", self.epmd_port);
        wait::ready(&mut child, Duration::from_secs(20), async || {
            wait::accepts(&address).await
        })
        .await?;
        Ok(child)
    }

    fn node(&self) -> Program {
        let path = |name: &str| self.folder.join(name).into_os_string();
        Program::new("rabbitmq", SCRIPT, self.log)
            .folder(self.folder)
            .env("HOME", self.folder)
            .env("RABBITMQ_NODENAME", "airwave@localhost")
            .env("RABBITMQ_MNESIA_BASE", path("mnesia"))
            .env("RABBITMQ_LOG_BASE", path("log"))
            .env("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("enabled_plugins"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            // Keep Erlang's idle schedulers from busy-waiting.
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "+sbwt none +sbwtdcpu none +sbwtdio none",
            )
            // Makes the script exec the server, so that signals reach it.
            .env("RUNNING_UNDER_SYSTEMD", "true")
    }

    fn config(&self) -> String {
        let Self {
            amqp_port,
            management_port,
            password,
            ..
        } = self;
        format!(
            "listeners.tcp.default = 127.0.0.1:{amqp_port}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {management_port}\n\
             default_user = {USER}\n\
             default_pass = {password}\n\
             collect_statistics_interval = 30000\n\
             disk_free_limit.absolute = 200MB\n\
             log.file = node.log\n\
             log.file.level = warning\n"
        )
    }
}

/// A client of RabbitMQ's management API.
#[derive(Debug)]
pub(crate) struct Management {
    client: Client,
    url: String,
    password: String,
}

impl Management {
    pub(crate) fn new(url: impl Into<String>, password: &str) -> Result<Self> {
        Ok(Self {
            client: crate::http_client()?,
            url: url.into(),
            password: password.to_owned(),
        })
    }

    async fn ping(&self) -> Result<()> {
        self.request(Method::GET, "whoami")
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }

    /// Creates a virtual host with full access for [`USER`]. Idempotent.
    pub(crate) async fn create_vhost(&self, name: &str) -> Result<()> {
        self.put(&format!("vhosts/{name}"), json!({})).await?;
        let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
        self.put(&format!("permissions/{name}/{USER}"), all).await
    }

    /// Closes the connections of a virtual host whose client-provided name starts with `prefix`, as an
    /// administrator would. Returns how many were listed; RabbitMQ updates the list with a delay.
    pub(crate) async fn close_connections(&self, vhost: &str, prefix: &str) -> Result<usize> {
        let list = self.request(Method::GET, &format!("vhosts/{vhost}/connections"));
        let listed: Vec<Value> = list.send().await?.error_for_status()?.json().await?;
        let matching = listed
            .iter()
            .filter(|connection| client_name(connection).starts_with(prefix))
            .filter_map(|connection| connection.get("name")?.as_str());
        let closed = futures::future::try_join_all(matching.map(|name| self.close_connection(name))).await?;
        Ok(closed.len())
    }

    async fn close_connection(&self, name: &str) -> Result<()> {
        let close = self.request(Method::DELETE, &format!("connections/{name}"));
        let response = close.send().await?;
        // It may have been closed already.
        if response.status() != StatusCode::NOT_FOUND {
            response.error_for_status()?;
        }
        Ok(())
    }

    async fn put(&self, path: &str, body: Value) -> Result<()> {
        let response = self.request(Method::PUT, path).json(&body).send().await?;
        response
            .error_for_status()
            .with_context(|| format!("RabbitMQ did not create {path}"))?;
        Ok(())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/api/{path}", self.url));
        request.basic_auth(USER, Some(&self.password))
    }
}

/// Returns the client-provided name of a connection; the broker's own name consists of the addresses.
fn client_name(connection: &Value) -> &str {
    let name = connection.pointer("/client_properties/connection_name");
    name.and_then(Value::as_str).unwrap_or_default()
}
