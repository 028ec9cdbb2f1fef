//! Methods that start, continue and end sessions.

use std::net::IpAddr;

use primitives::text;
use proto::Caller;
use proto::auth::v1::{
    ChangePasswordRequest, LoginRequest, RefreshRequest, RegisterRequest, SessionResponse,
};
use proto::time::timestamp;
use secrecy::SecretString;
use uuid::Uuid;

use super::Rpc;
use super::requests::registration;
use crate::crypto::{RefreshToken, RefreshTokenHash};
use crate::domain::{claims, normalize_username};
use crate::error::{Error, Result};
use crate::store::{NewUser, PasswordChange, SessionGrant};

/// In bytes. No refresh token is longer.
const MAX_REFRESH_TOKEN_LENGTH: usize = 128;

impl Rpc {
    pub(super) async fn register(
        &self,
        address: Option<IpAddr>,
        request: RegisterRequest,
    ) -> Result<SessionResponse> {
        self.app.throttle.registration(address).await?;
        let (username, display_name) = registration(&request)?;
        let password = self
            .app
            .passwords
            .hash(SecretString::from(request.password))
            .await?;
        let refresh = RefreshToken::generate();
        let new = NewUser {
            username,
            password,
            display_name,
        };
        let grant = self
            .app
            .store
            .user_register(new, refresh.hash, self.app.clock.now())
            .await?;
        tracing::info!(user_id = grant.user.id, "registered");
        self.session(grant, refresh.text)
    }

    pub(super) async fn login(
        &self,
        address: Option<IpAddr>,
        request: LoginRequest,
    ) -> Result<SessionResponse> {
        // No account has a longer password, so it is not worth hashing.
        if request.password.len() > text::MAX_PASSWORD_LENGTH {
            return Err(text::wrong_password_size().into());
        }
        let name = normalize_username(&request.username);
        self.app.throttle.login(&name, address).await?;
        // Invalid usernames are looked up and hashed like any other, so that the response takes as long.
        let user = self.app.store.user_by_name(&name).await?;
        let hash = user.as_ref().map(|user| user.password.clone());
        let matches = self
            .app
            .passwords
            .verify(SecretString::from(request.password), hash)
            .await?;
        let Some(user) = user.filter(|_| matches) else {
            metrics::counter!("auth_logins_total", "outcome" => "refused").increment(1);
            return Err(Error::InvalidCredentials);
        };
        let refresh = RefreshToken::generate();
        let grant = self
            .app
            .store
            .session_start(&user, refresh.hash, self.app.clock.now())
            .await?;
        self.app.throttle.login_succeeded(&name, address).await;
        metrics::counter!("auth_logins_total", "outcome" => "accepted").increment(1);
        self.session(grant, refresh.text)
    }

    pub(super) async fn refresh(&self, request: RefreshRequest) -> Result<SessionResponse> {
        if request.refresh_token.len() > MAX_REFRESH_TOKEN_LENGTH {
            return Err(Error::RefreshTokenInvalid);
        }
        let hash = RefreshTokenHash::of(&request.refresh_token);
        let next = RefreshToken::generate();
        match self
            .app
            .store
            .session_refresh(hash, next.hash, self.app.clock.now())
            .await?
        {
            Ok(grant) => self.session(grant, next.text),
            Err(revocation) => {
                metrics::counter!("auth_refresh_tokens_reused_total").increment(1);
                self.app.verifier.revoke(revocation);
                Err(Error::RefreshTokenInvalid)
            }
        }
    }

    fn session(&self, grant: SessionGrant, refresh_token: String) -> Result<SessionResponse> {
        let SessionGrant {
            user,
            session,
            access,
        } = grant;
        let token_id = Uuid::new_v4();
        let claims = claims(token_id, user.id(), &user.username, user.role, session, access);
        let access_token = self.app.keys.sign(&claims)?;
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
        // This replica applies it at once; the others receive the event.
        self.app.verifier.revoke(revocation);
        Ok(())
    }

    /// Limits guesses of the current password like sign-ins: a stolen access token must not become permanent
    /// control of the account.
    pub(super) async fn change_password(
        &self,
        caller: &Caller,
        request: ChangePasswordRequest,
    ) -> Result<SessionResponse> {
        let token = caller.user()?;
        let rule = |path: &'static str| move |error: primitives::FieldError| error.at(path);
        text::password(&request.new_password).map_err(rule("newPassword"))?;
        if request.current_password.len() > text::MAX_PASSWORD_LENGTH {
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
        let change = PasswordChange {
            current: user.password,
            new: app
                .passwords
                .hash(SecretString::from(request.new_password))
                .await?,
            refresh: refresh.hash,
        };
        let grant = app.store.password_change(token, change, app.clock.now()).await?;
        self.session(grant, refresh.text)
    }
}
