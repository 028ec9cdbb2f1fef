//! Sessions: begun, carried on, ended.

use std::net::IpAddr;

use primitives::text;
use proto::Caller;
use proto::auth::v1::{
    ChangePasswordRequest, LoginRequest, RefreshRequest, RegisterRequest, SessionResponse,
};
use proto::time::timestamp;
use secrecy::SecretString;

use super::Rpc;
use super::requests::check_registration;
use crate::app::RefreshToken;
use crate::domain::{claims, normal_name};
use crate::error::{Error, Result};
use crate::store::{Granted, NewUser, OwnPassword};

/// Longest password that is looked at; a longer one is never right.
const MAX_PASSWORD: usize = 1024;
/// A longer text is no refresh token of ours.
const MAX_REFRESH_TOKEN: usize = 128;

impl Rpc {
    pub(super) async fn register(
        &self,
        address: Option<IpAddr>,
        request: RegisterRequest,
    ) -> Result<SessionResponse> {
        self.app.throttle.registration(address).await?;
        let checked = check_registration(&request)?;
        let password = self
            .app
            .passwords
            .hash(SecretString::from(request.password))
            .await?;
        let (username, display_name) = checked;
        let refresh = RefreshToken::generate();
        let new = NewUser {
            username,
            password,
            display_name,
        };
        let granted = self
            .app
            .store
            .user_register(new, refresh.stored, self.app.clock.now())
            .await?;
        tracing::info!(user_id = granted.user.id, "registered");
        self.session(granted, refresh.text)
    }

    pub(super) async fn login(
        &self,
        address: Option<IpAddr>,
        request: LoginRequest,
    ) -> Result<SessionResponse> {
        if request.password.len() > MAX_PASSWORD {
            return Err(
                primitives::FieldError::new("password", "wrong_size", "must be 8 to 1024 bytes")
                    .with("min", 8)
                    .with("max", 1024)
                    .into(),
            );
        }
        let name = normal_name(&request.username);
        self.app.throttle.login(&name, address).await?;
        // What can be nobody's name is looked up and hashed like any other: it must take as long.
        let user = self.app.store.user_by_name(&name).await?;
        let hash = user.as_ref().map(|user| user.password.clone());
        let right = self
            .app
            .passwords
            .verify(SecretString::from(request.password), hash)
            .await?;
        let Some(user) = user.filter(|_| right) else {
            metrics::counter!("auth_logins_total", "outcome" => "refused").increment(1);
            return Err(Error::InvalidCredentials);
        };
        let refresh = RefreshToken::generate();
        let granted = self
            .app
            .store
            .session_start(&user, refresh.stored, self.app.clock.now())
            .await?;
        self.app.throttle.login_succeeded(&name, address).await;
        metrics::counter!("auth_logins_total", "outcome" => "accepted").increment(1);
        self.session(granted, refresh.text)
    }

    pub(super) async fn refresh(&self, request: RefreshRequest) -> Result<SessionResponse> {
        if request.refresh_token.len() > MAX_REFRESH_TOKEN {
            return Err(Error::RefreshTokenInvalid);
        }
        let hash = RefreshToken::hash(&request.refresh_token);
        let next = RefreshToken::generate();
        match self
            .app
            .store
            .session_refresh(hash, next.stored, self.app.clock.now())
            .await?
        {
            Ok(granted) => self.session(granted, next.text),
            Err(revocation) => {
                metrics::counter!("auth_refresh_tokens_reused_total").increment(1);
                self.app.verifier.revoke(revocation);
                Err(Error::RefreshTokenInvalid)
            }
        }
    }

    fn session(&self, granted: Granted, refresh_token: String) -> Result<SessionResponse> {
        let Granted {
            user,
            session,
            access,
        } = granted;
        let access_token =
            self.app
                .keys
                .sign(&claims(user.id(), &user.username, user.role(), session, access))?;
        Ok(SessionResponse {
            user: Some(user.into()),
            access_token,
            refresh_token,
            expires_at: Some(timestamp(access.expires_at)),
        })
    }

    pub(super) async fn logout(&self, caller: &Caller) -> Result<()> {
        let revocation = self
            .app
            .store
            .session_end(caller.user()?, self.app.clock.now())
            .await?;
        // This replica knows at once; the others hear of it.
        self.app.verifier.revoke(revocation);
        Ok(())
    }

    /// Guessing is throttled as at the front door: a stolen token must not open the account for good.
    pub(super) async fn password(
        &self,
        caller: &Caller,
        request: ChangePasswordRequest,
    ) -> Result<SessionResponse> {
        let token = caller.user()?;
        let rule = |path: &'static str| move |error: primitives::FieldError| error.at(path);
        text::password(&request.new_password).map_err(rule("newPassword"))?;
        if request.current_password.len() > MAX_PASSWORD {
            return Err(Error::WrongPassword);
        }
        let app = &self.app;
        let user = app.store.user_get(token.id).await?;
        app.throttle.login(&user.username, caller.client_address).await?;
        let current = SecretString::from(request.current_password);
        if !app.passwords.verify(current, Some(user.password.clone())).await? {
            return Err(Error::WrongPassword);
        }
        app.throttle
            .login_succeeded(&user.username, caller.client_address)
            .await;
        let refresh = RefreshToken::generate();
        let change = OwnPassword {
            before: user.password,
            after: app
                .passwords
                .hash(SecretString::from(request.new_password))
                .await?,
            refresh: refresh.stored,
        };
        let granted = app.store.password_change(token, change, app.clock.now()).await?;
        self.session(granted, refresh.text)
    }
}
