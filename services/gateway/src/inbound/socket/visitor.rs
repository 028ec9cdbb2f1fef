//! The visitor cookie of guests: read from a session's first request, and set by its response if the request
//! has none. Without cookies, and on pages of other sites, each socket is a guest of its own.

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Request, Response};
use uuid::Uuid;

use crate::domain::address::Network;
use crate::domain::visitor::Visitors;

const NAME: &str = "airwave_visitor";
/// One year.
const MAX_AGE_SECONDS: u32 = 365 * 24 * 60 * 60;
/// Cookies of this name that are checked: hosts of the same domain may have set some, too.
const MAX_COOKIES: usize = 4;

/// The visitor id, in the extensions of a session's first request.
#[derive(Debug, Clone)]
struct Visitor(String);

/// Adds the visitor id to a session's first request; returns the cookie to set if it had no valid one.
pub(super) fn identify<B>(
    visitors: &Visitors,
    request: &mut Request<B>,
    secure: bool,
) -> Option<HeaderValue> {
    let (id, cookie) = match known(visitors, request.headers()) {
        Some(id) => (id, None),
        None => {
            let (id, signed) = visitors.invent();
            (id, cookie(&signed, secure))
        }
    };
    request.extensions_mut().insert(Visitor(id));
    cookie
}

/// Returns the visitor id of a session; `first` is the session's first request.
pub(super) fn of(first: &Parts) -> String {
    let visitor = first.extensions.get::<Visitor>();
    visitor.map_or_else(
        || Uuid::new_v4().simple().to_string(),
        |visitor| visitor.0.clone(),
    )
}

/// Sets the cookie, unless the session was rejected.
pub(super) fn set_cookie<B>(cookie: Option<HeaderValue>, answer: &mut Response<B>) {
    let status = answer.status();
    if let Some(cookie) = cookie
        && (status.is_success() || status.is_informational())
    {
        let headers = answer.headers_mut();
        headers.append(header::SET_COOKIE, cookie);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Returns whether the browser uses TLS, according to a trusted proxy.
pub(super) fn over_tls(headers: &HeaderMap, peer: IpAddr, trusted: &[Network]) -> bool {
    let is_trusted = trusted.iter().any(|network| network.contains(peer));
    let scheme = headers.get("x-forwarded-proto").map(HeaderValue::as_bytes);
    is_trusted && scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https"))
}

fn known(visitors: &Visitors, headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| {
            pair.trim_ascii()
                .strip_prefix(NAME.as_bytes())?
                .strip_prefix(b"=")
        })
        .take(MAX_COOKIES)
        .filter_map(|signed| std::str::from_utf8(signed).ok())
        .find_map(|signed| visitors.recognise(signed))
        .map(str::to_owned)
}

fn cookie(signed: &str, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{NAME}={signed}; Path=/; Max-Age={MAX_AGE_SECONDS}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitors() -> Visitors {
        Visitors::new(b"one-secret-of-at-least-32-bytes--", None)
    }

    fn request(cookies: &[String]) -> Request<()> {
        let mut request = Request::new(());
        for cookie in cookies {
            let cookie = HeaderValue::from_bytes(cookie.as_bytes()).unwrap();
            request.headers_mut().append(header::COOKIE, cookie);
        }
        request
    }

    #[test]
    fn valid_cookie_is_kept() {
        let visitors = visitors();
        let (id, signed) = visitors.invent();
        let good = format!("{NAME}={signed}");
        for cookies in [
            vec![good.clone()],
            vec![format!("theme=dark; {good}; a=b")],
            vec!["ü=ü".to_owned(), good.clone()],
            vec![format!("{NAME}=forged; {NAME}={}; {good}", "x".repeat(76))],
        ] {
            let mut request = request(&cookies);
            assert_eq!(identify(&visitors, &mut request, false), None, "{cookies:?}");
            assert_eq!(of(&request.into_parts().0), id);
        }
    }

    #[test]
    fn missing_or_forged_cookie_is_replaced() {
        let visitors = visitors();
        let signed = visitors.invent().1;
        for cookies in [
            vec![],
            vec![format!("{NAME}=")],
            vec![format!("{NAME}={}", &signed[1..])],
            vec![format!("not_{NAME}={signed}")],
            vec![format!("{NAME}={}", "x".repeat(20_000))],
        ] {
            let mut request = request(&cookies);
            let cookie = identify(&visitors, &mut request, true).unwrap();
            let text = cookie.to_str().unwrap();
            assert!(
                text.ends_with("; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure"),
                "{text}"
            );
            let given = text.split([';', '=']).nth(1).unwrap();
            assert_eq!(
                visitors.recognise(given),
                Some(of(&request.into_parts().0).as_str())
            );
        }
    }

    #[test]
    fn only_trusted_proxies_report_tls() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let over_tls = |peer: &str, scheme: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-proto", HeaderValue::from_static(scheme));
            super::over_tls(&headers, peer.parse().unwrap(), &trusted)
        };
        assert!(over_tls("10.0.0.1", "https") && over_tls("10.0.0.1", "HTTPS"));
        assert!(!over_tls("10.0.0.1", "http") && !over_tls("203.0.113.9", "https"));
    }
}
