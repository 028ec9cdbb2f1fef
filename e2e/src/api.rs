//! The REST API as a program of a user's calls it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// A client of the API, signed in or not.
#[derive(Clone, Debug)]
pub struct Api {
    http: Client,
    origin: String,
    token: Option<String>,
}

/// An answer: its status, and its body as JSON (null when empty).
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body.
    pub body: Value,
}

impl Answer {
    /// The body of an answer that must have this status.
    ///
    /// # Errors
    /// Another status; the text holds the body.
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
    /// A guest at an origin such as `http://localhost:8080`.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn guest(origin: &str) -> Result<Self> {
        let http = Client::builder().timeout(Duration::from_secs(20)).build()?;
        Ok(Self {
            http,
            origin: origin.to_owned(),
            token: None,
        })
    }

    /// Registers an account and signs in as it.
    ///
    /// # Errors
    /// When the answer is not the contract's.
    pub async fn register(&self, username: &str) -> Result<User> {
        let body = json!({"username": username, "password": PASSWORD});
        self.user(&self.post("/users/register", body).await?.expect(201)?)
    }

    /// Signs in as an account that [`register`](Self::register) made.
    ///
    /// # Errors
    /// When the answer is not the contract's.
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

    /// GET under `/api`.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.call(Method::GET, path, None).await
    }

    /// POST of JSON under `/api`.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Any method under `/api`.
    ///
    /// # Errors
    /// When no answer comes.
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

/// The password of every account that the tests make.
pub const PASSWORD: &str = "correct horse battery staple";

/// An account that is signed in.
#[derive(Clone, Debug)]
pub struct User {
    /// Its id.
    pub id: i64,
    /// The API, called as this user.
    pub api: Api,
    /// The access token, for sockets.
    pub token: String,
}

/// The text at a JSON pointer.
///
/// # Errors
/// When there is none.
pub fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found
        .with_context(|| format!("no text at {pointer} of {value}"))?
        .to_owned())
}

/// The number at a JSON pointer.
///
/// # Errors
/// When there is none.
pub fn number(value: &Value, pointer: &str) -> Result<i64> {
    value
        .pointer(pointer)
        .and_then(Value::as_i64)
        .with_context(|| format!("no number at {pointer} of {value}"))
}
