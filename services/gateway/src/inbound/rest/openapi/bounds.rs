//! The bounds of what is sent to us. One name means the same everywhere, so they stand here once and not at
//! each field: those who make requests from the description, people or programs, make good ones. The services
//! check them; a test holds both together (e2e/tests/it/fuzzing.rs).

use std::collections::BTreeSet;

use primitives::page::{DEFAULT_LIMIT, MAX_LIMIT, MAX_PAGE};
use serde_json::{Value, json};

/// What a new thing must have and a change need not: the operation and its field.
const REQUIRED: [(&str, &str); 2] = [("createStream", "title"), ("createCategory", "name")];
/// No control characters, C0 and C1.
const LINE: &str = "^[^\\x00-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]*$";
/// Words of such a line.
const TAGS: &str = "^[^\\x00-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069,]{0,30}(,[^\\x00-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069,]{0,30}){0,19}$";
/// The same as the first, but line breaks and tabs are allowed.
const LINES: &str = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]*$";

/// Writes the bounds into parameters and bodies.
pub(super) fn write(document: &mut Value) {
    let mut bodies = BTreeSet::new();
    let items = fields(document.get_mut("paths"));
    for operation in items.flat_map(|item| fields(Some(item))) {
        bound_parameters(operation);
        require(operation);
        note_names(&operation["requestBody"], &mut bodies);
    }
    // A form is made of the fields and a file.
    let parts = bodies.iter().filter_map(|name| name.strip_suffix("Form"));
    let parts: Vec<String> = parts.map(|name| format!("{name}Fields")).collect();
    for name in bodies.into_iter().chain(parts) {
        let Some(schema) = document.pointer_mut(&format!("/components/schemas/{name}")) else {
            continue;
        };
        bound_properties(schema);
        if name.ends_with("Form") {
            name_fields(schema);
        }
    }
}

fn fields(object: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    object
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|object| object.values_mut())
}

fn bound_parameters(operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        if let Some(schema) = parameter["name"].as_str().and_then(of_parameter) {
            parameter["schema"] = schema;
        }
    }
}

/// Says what only a new thing must have.
fn require(operation: &mut Value) {
    let id = operation["operationId"].as_str().unwrap_or_default();
    let Some((_, field)) = REQUIRED.into_iter().find(|(operation, _)| *operation == id) else {
        return;
    };
    for content in fields(operation.pointer_mut("/requestBody/content")) {
        let must = json!({"type": "object", "required": [field], "properties": {field: {"type": "string"}}});
        content["schema"] = json!({"allOf": [content["schema"].take(), must]});
    }
}

/// The schemas that bodies are made of.
fn note_names(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(path)) = fields.get("$ref") {
                names.extend(path.rsplit('/').next().map(str::to_owned));
            }
            fields.values().for_each(|field| note_names(field, names));
        }
        Value::Array(items) => items.iter().for_each(|item| note_names(item, names)),
        _ => {}
    }
}

/// Writes the bounds into the properties of an object.
pub(crate) fn bound_properties(schema: &mut Value) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    for (name, property) in properties {
        let (Some(Value::Object(bounds)), Value::Object(property)) = (of_property(name), property) else {
            continue;
        };
        property.extend(bounds);
    }
}

/// Fields of forms have plain names.
fn name_fields(form: &mut Value) {
    let names = json!({"pattern": "^[A-Za-z0-9_-]{1,64}$"});
    match form.get_mut("allOf") {
        Some(Value::Array(parts)) => parts.push(json!({"type": "object", "propertyNames": names})),
        _ => form["propertyNames"] = names,
    }
}

/// The schema of a parameter with this name.
fn of_parameter(name: &str) -> Option<Value> {
    Some(match name {
        "id" | "streamId" | "userId" | "categoryId" => {
            json!({"type": "integer", "format": "int64", "minimum": 1})
        }
        "limit" => {
            json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT})
        }
        "page" => {
            json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_PAGE, "default": 1})
        }
        // 16 bytes in base64url; the last character holds four bits that are not used.
        "cursor" => json!({"type": "string", "pattern": "^[A-Za-z0-9_-]{21}[AQgw]$"}),
        "before" | "after" => json!({"type": "integer", "format": "int64", "minimum": 0}),
        "status" => json!({"type": "string", "enum": ["live", "ended"]}),
        "sort" => json!({"type": "string", "enum": ["newest", "viewers"]}),
        "role" => json!({"type": "string", "enum": ["user", "moderator", "admin"]}),
        "tag" => {
            json!({"type": "string", "minLength": 1, "maxLength": 30, "pattern": LINE})
        }
        "searchQuery" => {
            json!({"type": "string", "minLength": 1, "maxLength": 100, "pattern": "[\\p{L}\\p{N}]"})
        }
        "query" => json!({"type": "string", "pattern": "^[A-Za-z0-9_]{1,25}$"}),
        "Idempotency-Key" => {
            json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-\\[\\]-~]+$"})
        }
        _ => return None,
    })
}

/// What holds for a field of a body with this name, beside its type. Lengths are said in characters of
/// Unicode; the services count what a person takes for one character, of which there are never more.
fn of_property(name: &str) -> Option<Value> {
    Some(match name {
        "name" | "title" => json!({"minLength": 3, "maxLength": 255, "pattern": LINE}),
        "displayName" => json!({"minLength": 1, "maxLength": 50, "pattern": LINE}),
        "bio" => json!({"maxLength": 500, "pattern": LINES}),
        "description" => json!({"maxLength": 5000, "pattern": LINES}),
        "message" => json!({"minLength": 1, "maxLength": 500, "pattern": LINES}),
        "reason" => json!({"maxLength": 500, "pattern": LINES}),
        "clientMessageId" => json!({"minLength": 1, "maxLength": 64, "pattern": "^[ -~]*$"}),
        "password" | "newPassword" => json!({"minLength": 8, "maxLength": 1024}),
        // Words with commas between them, or an array.
        "tags" => {
            json!({"type": ["string", "array", "null"], "pattern": TAGS, "maxItems": 20,
                "items": {"type": "string", "minLength": 1, "maxLength": 30, "pattern": LINE}})
        }
        "userId" | "categoryId" => json!({"minimum": 1}),
        "slowModeSeconds" => json!({"minimum": 0, "maximum": 3600}),
        "seconds" => json!({"minimum": 1, "maximum": 31_536_000}),
        "blockedWords" => {
            json!({"maxItems": 200, "items": {"type": "string", "minLength": 1, "maxLength": 50, "pattern": "^[A-Za-z0-9]*$"}})
        }
        "objectKey" => {
            json!({"maxLength": 512, "pattern": "^imports(/[A-Za-z0-9_()+ -][A-Za-z0-9_()+ .-]*)+$"})
        }
        _ => return None,
    })
}
