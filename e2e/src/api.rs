//! A client of the REST API.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// A client of the API: a user's or a guest's.
#[derive(Clone, Debug)]
pub struct Api {
    http: Client,
    origin: String,
    token: Option<String>,
}

/// A response with its JSON body, which is null if empty.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body.
    pub body: Value,
}

impl Answer {
    /// Returns the body if the response has this status; otherwise the error contains the body.
    pub fn expect(self, status: u16) -> Result<Value> {
        ensure!(
            self.status.as_u16() == status,
            "{} instead of {status}: {}",
            self.status,
            self.body
        );
        Ok(self.body)
    }
}

impl Api {
    /// Creates a guest's client for an origin such as `http://localhost:8080`.
    pub fn guest(origin: &str) -> Result<Self> {
        let http = Client::builder().timeout(Duration::from_secs(20)).build()?;
        Ok(Self {
            http,
            origin: origin.to_owned(),
            token: None,
        })
    }

    /// Registers a user, who is then signed in.
    pub async fn register(&self, username: &str) -> Result<User> {
        let body = json!({"username": username, "password": PASSWORD});
        self.user(&self.post("/users/register", body).await?.expect(201)?)
    }

    /// Signs in a user that [`register`](Self::register) created.
    pub async fn login(&self, username: &str) -> Result<User> {
        let body = json!({"username": username, "password": PASSWORD});
        self.user(&self.post("/users/login", body).await?.expect(200)?)
    }

    fn user(&self, session: &Value) -> Result<User> {
        let token = text(session, "/token")?;
        Ok(User {
            id: session
                .pointer("/user/id")
                .and_then(Value::as_i64)
                .context("no user.id")?,
            api: Self {
                token: Some(token.clone()),
                ..self.clone()
            },
            token,
        })
    }

    /// Sends a GET request below `/api`.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.call(Method::GET, path, None).await
    }

    /// Sends a POST request with a JSON body below `/api`.
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Sends a request below `/api`.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
        let mut request = self.http.request(method, format!("{}/api{path}", self.origin));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.with_context(|| format!("calling {path}"))?;
        let status = response.status();
        let bytes = response.bytes().await?;
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)?
        };
        Ok(Answer { status, body })
    }
}

/// The password of every test user.
pub const PASSWORD: &str = "correct horse battery staple";

/// A signed-in user.
#[derive(Clone, Debug)]
pub struct User {
    /// Its id.
    pub id: i64,
    /// The API, called as this user.
    pub api: Api,
    /// The access token, for sockets.
    pub token: String,
}

/// Returns the string at a JSON pointer.
pub fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found
        .with_context(|| format!("no string at {pointer} of {value}"))?
        .to_owned())
}

/// Returns the integer at a JSON pointer.
pub fn number(value: &Value, pointer: &str) -> Result<i64> {
    value
        .pointer(pointer)
        .and_then(Value::as_i64)
        .with_context(|| format!("no number at {pointer} of {value}"))
}
