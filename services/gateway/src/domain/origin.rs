//! Which web origins may talk to us from a browser.

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

    /// Whether a page of this origin may read our answers.
    pub(crate) fn allows(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        self.allowed.contains(&origin)
    }

    /// Whether a socket may be opened from a page. Clients that are no browser send no origin; the page that
    /// we serve has the host that was asked for.
    pub(crate) fn admits(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin else { return true };
        self.allowed.is_empty() || self.allows(origin) || is_same(origin, host)
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
    fn foreign_origins_are_refused_once_some_are_configured() {
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
