//! Cross-origin access from browsers.

/// The configured origins, such as `https://app.example`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins {
    allowed: Vec<String>,
}

impl Origins {
    pub(crate) fn new(origins: impl IntoIterator<Item = String>) -> Self {
        let allowed = origins
            .into_iter()
            .map(|o| o.trim_end_matches('/').to_ascii_lowercase());
        Self {
            allowed: allowed.filter(|o| !o.is_empty()).collect(),
        }
    }

    /// Whether pages of an origin may read our answers.
    pub(crate) fn allows(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        self.allowed.contains(&origin)
    }

    /// Whether a page may open a socket. Clients other than browsers send no origin; our own page has the
    /// origin of the requested host.
    pub(crate) fn admits(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin else { return true };
        self.allowed.is_empty() || self.allows(origin) || is_same(origin, host)
    }
}

/// What pages of other origins may send and read (CORS).
#[derive(Debug, Clone)]
pub(crate) struct CorsPolicy {
    pub(crate) origins: Origins,
    pub(crate) methods: &'static str,
    pub(crate) request_headers: &'static str,
    pub(crate) exposed_headers: &'static str,
}

/// How long browsers may cache the answer to a preflight request, in seconds.
const PREFLIGHT_MAX_AGE: &str = "3600";

impl CorsPolicy {
    /// Returns the headers of an answer to a page. Other origins get none, so their browsers withhold the
    /// answer.
    pub(crate) fn headers<'a>(
        &self,
        origin: Option<&'a str>,
        is_preflight: bool,
    ) -> impl Iterator<Item = (&'static str, &'a str)> + use<'a> {
        let allowed = origin.filter(|origin| self.origins.allows(origin));
        let exposed = Some(self.exposed_headers).filter(|names| !is_preflight && !names.is_empty());
        let preflight = |value| Some(value).filter(|_| is_preflight);
        let headers = [
            ("access-control-allow-origin", allowed),
            ("access-control-expose-headers", exposed),
            ("access-control-allow-methods", preflight(self.methods)),
            ("access-control-allow-headers", preflight(self.request_headers)),
            ("access-control-max-age", preflight(PREFLIGHT_MAX_AGE)),
        ];
        let headers = headers.into_iter().filter(move |_| allowed.is_some());
        headers
            .filter_map(|(name, value)| Some((name, value?)))
            .chain([("vary", "Origin")])
    }
}

fn is_same(origin: &str, host: Option<&str>) -> bool {
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    matches!((authority, host), (Some(a), Some(h)) if a.eq_ignore_ascii_case(h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cors_headers_are_for_allowed_origins() {
        let policy = CorsPolicy {
            origins: Origins::new(["https://app.example".to_owned()]),
            methods: "GET",
            request_headers: "content-type",
            exposed_headers: "x-request-id",
        };
        let of = |origin, is_preflight| -> Vec<_> { policy.headers(origin, is_preflight).collect() };
        let app = Some("https://app.example");
        let allowed = ("access-control-allow-origin", "https://app.example");
        let vary = ("vary", "Origin");
        assert_eq!(
            of(app, false),
            [allowed, ("access-control-expose-headers", "x-request-id"), vary]
        );
        let names = of(app, true)
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>();
        assert_eq!(
            names,
            [
                "access-control-allow-origin",
                "access-control-allow-methods",
                "access-control-allow-headers",
                "access-control-max-age",
                "vary"
            ]
        );
        for other in [None, Some("https://evil.example")] {
            assert_eq!(of(other, true), [vary]);
        }
    }

    #[test]
    fn foreign_origins_are_refused_if_some_are_configured() {
        let open = Origins::default();
        assert!(open.admits(Some("https://evil.example"), Some("air.example")));
        assert!(!open.allows("https://evil.example"));

        let strict = Origins::new(["https://App.example/".to_owned()]);
        assert!(strict.allows("https://app.example"));
        assert!(strict.admits(Some("https://app.example"), Some("air.example")));
        assert!(strict.admits(Some("http://air.example:8080"), Some("air.example:8080")));
        assert!(strict.admits(None, Some("air.example")));
        for foreign in [
            "https://evil.example",
            "https://app.example.evil.example",
            "null",
            "http://air.example",
        ] {
            assert!(
                !strict.admits(Some(foreign), Some("air.example:8080")),
                "{foreign}"
            );
        }
    }
}
