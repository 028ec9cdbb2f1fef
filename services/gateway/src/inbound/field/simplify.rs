//! Completes the descriptions that utoipa derives for types with newtypes.

use serde_json::{Map, Value};

/// Merges the wrappers in which utoipa puts an inlined newtype: `allOf` with its description, which would
/// demand an object as well, and `oneOf` with null.
pub(crate) fn simplify(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(simplify),
        Value::Object(fields) => {
            fields.values_mut().for_each(simplify);
            for wrapper in ["allOf", "oneOf"] {
                let parts = fields.get(wrapper).and_then(Value::as_array);
                if let Some(newtype) = parts.and_then(|parts| unwrapped(parts)) {
                    fields.remove(wrapper);
                    for (name, value) in newtype {
                        fields.entry(name).or_insert(value);
                    }
                }
            }
        }
        _ => {}
    }
}

/// Returns the newtype in a wrapper, together with what the wrapper adds.
fn unwrapped(parts: &[Value]) -> Option<Map<String, Value>> {
    let [Value::Object(newtype), Value::Object(added)] = parts else {
        return None;
    };
    let mut newtype = newtype.clone();
    if added.keys().eq(["description", "type"]) {
        newtype.insert("description".to_owned(), added.get("description")?.clone());
    } else if added.keys().eq(["type"]) && added.values().eq(["null"]) {
        if let Some(kind) = newtype.get_mut("type") {
            *kind = Value::Array(vec![kind.take(), "null".into()]);
        } else if let Some(Value::Array(choices)) = newtype.get_mut("oneOf") {
            choices.push(Value::Object(added.clone()));
        } else {
            return None;
        }
    } else {
        return None;
    }
    Some(newtype)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wrappers_of_newtypes_are_merged() {
        let mut schema = json!({
            "description": "outer",
            "oneOf": [{"type": "string", "minLength": 3}, {"type": "null"}],
        });
        simplify(&mut schema);
        assert_eq!(
            schema,
            json!({"description": "outer", "type": ["string", "null"], "minLength": 3})
        );
        let mut schema = json!({"allOf": [{"type": "boolean"}, {"description": "inner", "type": "object"}]});
        simplify(&mut schema);
        assert_eq!(schema, json!({"type": "boolean", "description": "inner"}));
        let choice = json!({"oneOf": [{"type": "string"}, {"type": "array"}]});
        let mut schema = json!({"oneOf": [choice, {"type": "null"}]});
        simplify(&mut schema);
        assert_eq!(
            schema,
            json!({"oneOf": [{"type": "string"}, {"type": "array"}, {"type": "null"}]})
        );
        let reference = json!({"oneOf": [{"type": "null"}, {"$ref": "#/x"}]});
        let mut schema = reference.clone();
        simplify(&mut schema);
        assert_eq!(schema, reference);
    }
}
