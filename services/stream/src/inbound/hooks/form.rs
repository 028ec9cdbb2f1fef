//! Strict parsing of hook bodies.
//!
//! nginx-rtmp writes its own fields first and appends the arguments of the encoder unescaped. An encoder with
//! the key `NAME?name=victim&clientid=9` thus adds fields after those of nginx. Reading the first value of
//! each field would suffice, but a body that repeats a security-relevant field is an attack and is rejected.
//! So is a body with two keys, which is ambiguous.

/// Fields that must not be repeated.
const UNIQUE_FIELDS: [&str; 5] = ["name", "call", "addr", "clientid", "key"];
/// nginx writes about twelve fields.
const MAX_FIELDS: usize = 64;

/// Why a body is rejected, as a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidForm(pub(super) &'static str);

/// The fields of a body, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(body: &[u8]) -> Result<Self, InvalidForm> {
        let body = std::str::from_utf8(body).map_err(|_| InvalidForm("malformed"))?;
        let mut fields = Vec::new();
        for pair in body.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            fields.push((decode(name)?, decode(value)?));
            if fields.len() > MAX_FIELDS {
                return Err(InvalidForm("too_many_fields"));
            }
        }
        let repeated = |name: &&str| fields.iter().filter(|(field, _)| field == name).count() > 1;
        if UNIQUE_FIELDS.iter().any(repeated) {
            Err(InvalidForm("duplicate_field"))
        } else {
            Ok(Self(fields))
        }
    }

    /// Returns the first value of a field, which is nginx's own if nginx sends that field.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns nginx's number of the connection.
    pub(super) fn client_id(&self) -> Result<i64, InvalidForm> {
        let text = self.first("clientid").ok_or(InvalidForm("malformed"))?;
        let digits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|_| digits)
            .ok_or(InvalidForm("malformed"))
    }
}

/// Decodes percent-encoding. Rejects truncated escapes and invalid UTF-8. A plus stays a plus, since nginx
/// encodes a blank as `%20`.
fn decode(text: &str) -> Result<String, InvalidForm> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
            let (high, low) = (digit(rest.next()), digit(rest.next()));
            let value = high
                .zip(low)
                .and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
            bytes.push(value.ok_or(InvalidForm("malformed"))?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| InvalidForm("malformed"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMMON: &str = "app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27&swfurl=&\
                          tcurl=rtmp://127.0.0.1:21935/live&pageurl=&addr=127.0.0.1&clientid=2";

    #[test]
    fn nginx_body_is_parsed() {
        let body = format!("{COMMON}&call=publish&name=K&type=live&key=live_x&foo=bar");
        let form = Form::parse(body.as_bytes()).unwrap();
        assert_eq!(form.first("flashver"), Some("FMLE/3.0 (compatible; Lavf59.27"));
        assert_eq!(form.first("swfurl"), Some(""));
        assert_eq!(form.first("name"), Some("K"));
        assert_eq!(form.first("key"), Some("live_x"));
        assert_eq!(form.client_id(), Ok(2));
    }

    #[test]
    fn repeated_security_relevant_fields_are_rejected() {
        for extra in [
            "name=victim",
            "call=record_done",
            "addr=1.2.3.4",
            "clientid=99",
            "key=b",
            "n%61me=victim",
            "name",
        ] {
            let body = format!("{COMMON}&call=publish&name=K&type=live&key=a&{extra}");
            assert_eq!(
                Form::parse(body.as_bytes()),
                Err(InvalidForm("duplicate_field")),
                "{extra}"
            );
        }
    }

    #[test]
    fn first_value_of_other_fields_wins() {
        let body =
            format!("{COMMON}&call=record_done&recorder=&name=K&path=/var/rec/a.flv&key=a&path=/etc/passwd");
        assert_eq!(
            Form::parse(body.as_bytes()).unwrap().first("path"),
            Some("/var/rec/a.flv")
        );
    }

    #[test]
    fn malformed_bodies_are_rejected() {
        for body in [&b"name=%"[..], b"name=%2", b"name=%zz", b"name=%ff", b"\xff=1"] {
            assert_eq!(Form::parse(body), Err(InvalidForm("malformed")));
        }
        for id in [
            "",
            "clientid=",
            "clientid=-1",
            "clientid=+1",
            "clientid=1e3",
            "clientid=9999999999999999999",
        ] {
            assert_eq!(
                Form::parse(id.as_bytes()).unwrap().client_id(),
                Err(InvalidForm("malformed")),
                "{id}"
            );
        }
        let many = "a=1&".repeat(65);
        assert_eq!(Form::parse(many.as_bytes()), Err(InvalidForm("too_many_fields")));
    }

    proptest! {
        #[test]
        fn parser_never_panics(body: Vec<u8>) {
            let _ = Form::parse(&body);
        }

        #[test]
        fn encoder_cannot_override_fields_of_nginx(arguments in "[a-z0-9=&%?/+]{0,80}") {
            let body = format!("{COMMON}&call=publish&name=mine&type=live&{arguments}");
            if let Ok(form) = Form::parse(body.as_bytes()) {
                prop_assert_eq!(form.first("name"), Some("mine"));
                prop_assert_eq!(form.first("call"), Some("publish"));
                prop_assert_eq!(form.client_id(), Ok(2));
            }
        }
    }
}
