//! `${NAME}` placeholders, as `envsubst` fills them in a container: the same nginx templates serve both.

use anyhow::{Context, Result, bail};

/// Fills every `${NAME}` of the template, and fails on a name without a value and on a value that could
/// change the meaning of the configuration around it.
pub fn render(template: &str, values: &[(&str, String)]) -> Result<String> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) = after.split_once('}').context("a placeholder without an end")?;
        let found = values.iter().find(|(known, _)| *known == name);
        let (_, value) = found.with_context(|| format!("no value for the placeholder {name}"))?;
        if !value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-/:+@[]".contains(c))
        {
            bail!("the value of the placeholder {name} holds a character that nginx would read as syntax");
        }
        text.push_str(before);
        text.push_str(value);
        rest = behind;
    }
    text.push_str(rest);
    Ok(text)
}
