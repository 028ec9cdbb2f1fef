//! A hook's body, read strictly.
//!
//! nginx-rtmp writes its own fields first and appends the publisher's arguments raw, so a publisher whose key
//! reads `NAME?name=victim&clientid=9` gets these into the body too, behind nginx's own. Reading the first
//! value of each field would be right; a body that holds one of the fields that decide twice is an attack all
//! the same, and is refused. So is one with two keys, of which nobody could say which was meant.

/// Fields that may stand in a body once.
const ONCE: [&str; 5] = ["name", "call", "addr", "clientid", "key"];
/// nginx writes a dozen fields.
const MOST_FIELDS: usize = 64;

/// Why a body is refused: a label of the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rejected(pub(super) &'static str);

/// The fields of a body in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Rejected> {
        let body = std::str::from_utf8(body).map_err(|_| Rejected("malformed"))?;
        let mut fields = Vec::new();
        for pair in body.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            fields.push((decode(name)?, decode(value)?));
            if fields.len() > MOST_FIELDS {
                return Err(Rejected("too_many_fields"));
            }
        }
        let twice = |name: &&str| fields.iter().filter(|(field, _)| field == name).count() > 1;
        if ONCE.iter().any(twice) {
            Err(Rejected("duplicate_field"))
        } else {
            Ok(Self(fields))
        }
    }

    /// The first value of a field: nginx's own, where it has one.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// nginx's number of the connection.
    pub(super) fn client_id(&self) -> Result<i64, Rejected> {
        let text = self.first("clientid").ok_or(Rejected("malformed"))?;
        let digits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).ok_or(Rejected("malformed"))
    }
}

/// Undoes percent-encoding; half an escape, and bytes that are no text, are refused. A plus is a plus: nginx
/// writes a blank as `%20`.
fn decode(text: &str) -> Result<String, Rejected> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
            let (high, low) = (digit(rest.next()), digit(rest.next()));
            let value = high
                .zip(low)
                .and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
            bytes.push(value.ok_or(Rejected("malformed"))?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| Rejected("malformed"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMMON: &str = "app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27&swfurl=&tcurl=rtmp://127.0.0.1:21935/live\
                          &pageurl=&addr=127.0.0.1&clientid=2";

    #[test]
    fn nginx_bodies_are_read() {
        let body = format!("{COMMON}&call=publish&name=K&type=live&key=live_x&foo=bar");
        let form = Form::parse(body.as_bytes()).unwrap();
        assert_eq!(form.first("flashver"), Some("FMLE/3.0 (compatible; Lavf59.27"));
        assert_eq!(form.first("swfurl"), Some(""));
        assert_eq!(form.first("name"), Some("K"));
        assert_eq!(form.first("key"), Some("live_x"));
        assert_eq!(form.client_id(), Ok(2));
    }

    #[test]
    fn fields_that_decide_stand_once() {
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
                Err(Rejected("duplicate_field")),
                "{extra}"
            );
        }
    }

    #[test]
    fn of_other_fields_the_first_counts() {
        let body =
            format!("{COMMON}&call=record_done&recorder=&name=K&path=/var/rec/a.flv&key=a&path=/etc/passwd");
        assert_eq!(
            Form::parse(body.as_bytes()).unwrap().first("path"),
            Some("/var/rec/a.flv")
        );
    }

    #[test]
    fn malformed_bodies_are_refused() {
        for body in [&b"name=%"[..], b"name=%2", b"name=%zz", b"name=%ff", b"\xff=1"] {
            assert_eq!(Form::parse(body), Err(Rejected("malformed")));
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
                Err(Rejected("malformed")),
                "{id}"
            );
        }
        let many = "a=1&".repeat(65);
        assert_eq!(Form::parse(many.as_bytes()), Err(Rejected("too_many_fields")));
    }

    proptest! {
        #[test]
        fn no_body_breaks_the_parser(body: Vec<u8>) {
            let _ = Form::parse(&body);
        }

        #[test]
        fn a_publisher_cannot_change_what_nginx_says(arguments in "[a-z0-9=&%?/+]{0,80}") {
            let body = format!("{COMMON}&call=publish&name=mine&type=live&{arguments}");
            if let Ok(form) = Form::parse(body.as_bytes()) {
                prop_assert_eq!(form.first("name"), Some("mine"));
                prop_assert_eq!(form.first("call"), Some("publish"));
                prop_assert_eq!(form.client_id(), Ok(2));
            }
        }
    }
}
