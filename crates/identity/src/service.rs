//! Service tokens: short-lived JWTs under the deployment's shared secret.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use primitives::Clock;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::claims::{LEEWAY_SECONDS, MAX_TOKEN_BYTES};
use crate::signature_cache::SignatureCache;

/// The `aud` of service tokens.
pub const SERVICE_AUDIENCE: &str = "airwave-internal";
const TTL_SECONDS: i64 = 60;
/// Reissue a token when half its lifetime has passed, so that it does not expire during a call.
const RENEW_AFTER_SECONDS: i64 = TTL_SECONDS / 2;

/// The services that call one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceName {
    Auth,
    Stream,
    Vod,
    Chat,
    Notification,
    Gateway,
}

impl ServiceName {
    pub const ALL: [Self; 6] = [
        Self::Auth,
        Self::Stream,
        Self::Vod,
        Self::Chat,
        Self::Notification,
        Self::Gateway,
    ];

    /// Returns the name in tokens, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Stream => "stream",
            Self::Vod => "vod",
            Self::Chat => "chat",
            Self::Notification => "notification",
            Self::Gateway => "gateway",
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ServiceName {
    type Err = InvalidServiceToken;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|service| service.as_str() == name)
            .ok_or(InvalidServiceToken)
    }
}

/// The secret that the services of one deployment share.
#[derive(Debug, Clone, clap::Args)]
pub struct ServiceSecretConfig {
    /// Secret under which services authenticate to one another (at least 32 bytes)
    #[arg(long, env = "AIRWAVE_SERVICE_SECRET", hide_env_values = true)]
    pub service_secret: SecretString,
    /// Previous service secret, still accepted during a rotation
    #[arg(long, env = "AIRWAVE_SERVICE_SECRET_PREVIOUS", hide_env_values = true)]
    pub service_secret_previous: Option<SecretString>,
}

/// The token is malformed, expired, or not signed with the deployment's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid service token")]
pub struct InvalidServiceToken;

/// Issues this service's tokens and verifies those of others. Clones share one cached token.
#[derive(Clone)]
pub struct ServiceTokens {
    inner: Arc<Inner>,
}

struct Inner {
    me: ServiceName,
    clock: Clock,
    sign: EncodingKey,
    accept: Vec<DecodingKey>,
    validation: Validation,
    signed: SignatureCache<ServiceClaims>,
    current: Mutex<Option<Issued>>,
}

struct Issued {
    token: String,
    at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
struct ServiceClaims {
    aud: String,
    sub: String,
    iat: i64,
    exp: i64,
}

impl ServiceTokens {
    #[must_use]
    pub fn from_config(config: &ServiceSecretConfig, me: ServiceName, clock: Clock) -> Self {
        Self::new(
            &config.service_secret,
            config.service_secret_previous.as_ref(),
            me,
            clock,
        )
    }

    /// Signs tokens of service `me` with `secret`. Tokens of others may also be signed with `previous`.
    #[must_use]
    pub fn new(
        secret: &SecretString,
        previous: Option<&SecretString>,
        me: ServiceName,
        clock: Clock,
    ) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["aud", "sub", "exp"]);
        validation.set_audience(&[SERVICE_AUDIENCE]);
        // `verify` checks times against the injected clock.
        validation.validate_exp = false;
        let accept = std::iter::once(secret)
            .chain(previous)
            .map(|secret| DecodingKey::from_secret(secret.expose_secret().as_bytes()))
            .collect();
        Self {
            inner: Arc::new(Inner {
                me,
                clock,
                sign: EncodingKey::from_secret(secret.expose_secret().as_bytes()),
                accept,
                validation,
                signed: SignatureCache::default(),
                current: Mutex::new(None),
            }),
        }
    }

    /// Returns the service that this process belongs to.
    #[must_use]
    pub fn me(&self) -> ServiceName {
        self.inner.me
    }

    /// Returns a token of this service that is valid for at least half a minute. Reuses the last one while it
    /// can.
    #[must_use]
    pub fn issue(&self) -> String {
        let now = self.inner.clock.now();
        let mut current = self.inner.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(issued) = current.as_ref()
            && (0..RENEW_AFTER_SECONDS).contains(&(now - issued.at).num_seconds())
        {
            return issued.token.clone();
        }
        let token = self.inner.sign(now);
        *current = Some(Issued {
            token: token.clone(),
            at: now,
        });
        token
    }

    /// Returns the service that issued a token.
    pub fn verify(&self, token: &str) -> Result<ServiceName, InvalidServiceToken> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(InvalidServiceToken);
        }
        // The secrets never change at run time, so cached signatures stay valid.
        let claims = self
            .inner
            .signed
            .get(token, |_| true, || self.inner.claims(token))?;
        let now = self.inner.clock.now().timestamp();
        let expired = claims.exp.saturating_add(LEEWAY_SECONDS) < now;
        let issued_in_future = claims.iat > now.saturating_add(LEEWAY_SECONDS);
        let lives_too_long = claims.exp.saturating_sub(claims.iat) > TTL_SECONDS;
        if expired || issued_in_future || lives_too_long {
            return Err(InvalidServiceToken);
        }
        claims.sub.parse()
    }
}

impl Inner {
    fn claims(&self, token: &str) -> Result<ServiceClaims, InvalidServiceToken> {
        let decode = |key| jsonwebtoken::decode::<ServiceClaims>(token, key, &self.validation).ok();
        let signed = self.accept.iter().find_map(decode);
        Ok(signed.ok_or(InvalidServiceToken)?.claims)
    }

    /// HMAC signing cannot fail in practice; if it did, peers would reject the empty token.
    fn sign(&self, now: DateTime<Utc>) -> String {
        let claims = ServiceClaims {
            aud: SERVICE_AUDIENCE.to_owned(),
            sub: self.me.as_str().to_owned(),
            iat: now.timestamp(),
            exp: now.timestamp() + TTL_SECONDS,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.sign).unwrap_or_else(|error| {
            tracing::error!(%error, "cannot sign service token");
            String::new()
        })
    }
}

impl fmt::Debug for ServiceTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceTokens")
            .field("me", &self.inner.me)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    const ONE: &str = "one-secret-of-at-least-32-bytes--";
    const TWO: &str = "two-secret-of-at-least-32-bytes--";

    fn tokens(secret: &str, previous: Option<&str>, clock: &Clock) -> ServiceTokens {
        let previous = previous.map(SecretString::from);
        ServiceTokens::new(
            &SecretString::from(secret),
            previous.as_ref(),
            ServiceName::Chat,
            clock.clone(),
        )
    }

    #[test]
    fn token_names_its_service_until_it_expires() {
        let clock = Clock::manual(NOW);
        let tokens = tokens(ONE, None, &clock);
        let token = tokens.issue();
        assert_eq!(tokens.verify(&token), Ok(ServiceName::Chat));
        clock.advance(Duration::seconds(TTL_SECONDS + LEEWAY_SECONDS));
        assert_eq!(tokens.verify(&token), Ok(ServiceName::Chat));
        clock.advance(Duration::seconds(1));
        assert_eq!(tokens.verify(&token), Err(InvalidServiceToken));
    }

    #[test]
    fn token_is_reused_for_half_its_lifetime() {
        let clock = Clock::manual(NOW);
        let tokens = tokens(ONE, None, &clock);
        let first = tokens.issue();
        clock.advance(Duration::seconds(RENEW_AFTER_SECONDS - 1));
        assert_eq!(tokens.issue(), first);
        clock.advance(Duration::seconds(1));
        assert_ne!(tokens.issue(), first);
    }

    #[test]
    fn secret_rotation_rejects_no_service() {
        let clock = Clock::manual(NOW);
        let (old, both, new) = (
            tokens(ONE, None, &clock),
            tokens(TWO, Some(ONE), &clock),
            tokens(TWO, None, &clock),
        );
        assert!(both.verify(&old.issue()).is_ok());
        assert!(both.verify(&new.issue()).is_ok());
        assert!(new.verify(&both.issue()).is_ok());
        assert!(new.verify(&old.issue()).is_err());
    }

    #[test]
    fn other_tokens_are_rejected() {
        let clock = Clock::manual(NOW);
        let tokens = tokens(ONE, None, &clock);
        let now = NOW.timestamp();
        let sign = |aud: &str, sub: &str, iat: i64, exp: i64| {
            let claims = ServiceClaims {
                aud: aud.into(),
                sub: sub.into(),
                iat,
                exp,
            };
            let key = EncodingKey::from_secret(ONE.as_bytes());
            jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap()
        };
        assert!(
            tokens
                .verify(&sign(SERVICE_AUDIENCE, "vod", now, now + 60))
                .is_ok()
        );
        for bad in [
            sign("airwave", "vod", now, now + 60),
            sign(SERVICE_AUDIENCE, "root", now, now + 60),
            sign(SERVICE_AUDIENCE, "vod", now, now + 3600),
            sign(SERVICE_AUDIENCE, "vod", now + 60, now + 120),
            String::new(),
            "a.b.c".to_owned(),
            "x".repeat(1 << 20),
        ] {
            assert_eq!(tokens.verify(&bad), Err(InvalidServiceToken));
        }
    }
}
