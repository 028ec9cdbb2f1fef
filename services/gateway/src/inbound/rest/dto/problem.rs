use std::collections::BTreeMap;

use primitives::{FieldError, Param};
use serde::Serialize;
use utoipa::ToSchema;

/// A problem (RFC 9457). `message` and `error` repeat `detail` for older clients.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// Always `about:blank`; `code` tells problems apart.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: &'a str,
    pub status: u16,
    /// An English sentence.
    pub detail: &'a str,
    /// A stable code, such as `stream.not_found`.
    #[schema(example = "stream.not_found")]
    pub code: &'a str,
    /// Correlates the log lines of this request; also in the header `X-Request-Id`.
    pub request_id: &'a str,
    /// The fields that are not valid.
    pub errors: Vec<FieldProblem<'a>>,
    pub message: &'a str,
    pub error: &'a str,
}

/// A field that is not valid.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldProblem<'a> {
    /// The field's name.
    pub path: &'a str,
    /// A stable code of the rule, for clients that translate.
    #[schema(example = "out_of_range")]
    pub code: &'a str,
    /// The numbers and words of the rule, such as `min` and `max`.
    #[schema(value_type = Object)]
    pub params: BTreeMap<&'a str, ParamValue<'a>>,
    /// The rule in English.
    pub msg: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ParamValue<'a> {
    Number(i64),
    Text(&'a str),
}

impl<'a> From<&'a FieldError> for FieldProblem<'a> {
    fn from(field: &'a FieldError) -> Self {
        let value = |param: &'a Param| match param {
            Param::Number(number) => ParamValue::Number(*number),
            Param::Text(text) => ParamValue::Text(text),
        };
        let params = field.params.iter();
        Self {
            path: &field.path,
            code: &field.code,
            params: params
                .map(|(name, param)| (name.as_ref(), value(param)))
                .collect(),
            msg: &field.message,
        }
    }
}
