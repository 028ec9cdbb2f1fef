//! `${NAME}` placeholders in the nginx templates, which containers fill with `envsubst`.

use anyhow::{Context, Result, bail};

/// Replaces every `${NAME}` in a template.
///
/// # Errors
/// If a name has no value, or if a value contains characters that nginx would parse as syntax.
pub fn render(template: &str, values: &[(&str, String)]) -> Result<String> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) = after.split_once('}').context("unterminated placeholder")?;
        let found = values.iter().find(|(known, _)| *known == name);
        let (_, value) = found.with_context(|| format!("no value for the placeholder {name}"))?;
        if !value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-/:+@[]".contains(c))
        {
            bail!(
                "the value of the placeholder {name} contains a character that nginx would parse as syntax"
            );
        }
        text.push_str(before);
        text.push_str(value);
        rest = behind;
    }
    text.push_str(rest);
    Ok(text)
}
