//! Validation of requests.

use primitives::{FieldError, Role, UserId, text};
use proto::auth::v1 as api;
use proto::auth::v1::RegisterRequest;

use crate::domain::normalize_username;
use crate::error::{Error, Result};

/// The page size limit for other services.
const MAX_PAGE_SIZE: u32 = 1000;

/// Returns the username and the display name. Reports all invalid fields at once.
pub(super) fn registration(request: &RegisterRequest) -> Result<(String, String)> {
    let username = text::username(&normalize_username(&request.username));
    let password = text::password(&request.password);
    let display_name = match (&request.display_name, &username) {
        (Some(name), _) => text::display_name(name),
        (None, Ok(username)) => Ok(username.clone()),
        // The error of the username is enough.
        (None, Err(_)) => Ok(String::new()),
    };
    match (username, password, display_name) {
        (Ok(username), Ok(()), Ok(display_name)) => Ok((username, display_name)),
        (username, password, display_name) => {
            let errors = [username.err(), password.err(), display_name.err()];
            Err(Error::Fields(errors.into_iter().flatten().collect()))
        }
    }
}

pub(super) fn user_id(id: i64) -> Result<UserId> {
    UserId::try_from(id).map_err(|_| FieldError::invalid_id("userId").into())
}

pub(super) fn limit(limit: u32) -> Result<u32> {
    if (1..=MAX_PAGE_SIZE).contains(&limit) {
        Ok(limit)
    } else {
        Err(FieldError::out_of_range("limit", 1, MAX_PAGE_SIZE).into())
    }
}

pub(super) fn after(id: i64) -> Result<i64> {
    if id >= 0 {
        Ok(id)
    } else {
        Err(FieldError::negative("after").into())
    }
}

/// Returns `None` for an unspecified role.
pub(super) fn role(number: i32) -> Result<Option<Role>> {
    match api::Role::try_from(number) {
        Ok(api::Role::Unspecified) => Ok(None),
        Ok(api::Role::User) => Ok(Some(Role::User)),
        Ok(api::Role::Moderator) => Ok(Some(Role::Moderator)),
        Ok(api::Role::Admin) => Ok(Some(Role::Admin)),
        Err(_) => Err(invalid_role().into()),
    }
}

pub(super) fn invalid_role() -> FieldError {
    FieldError::not_one_of("role", &["user", "moderator", "admin"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registration_reports_all_invalid_fields() {
        let request = |username: &str, password: &str, display_name: Option<&str>| RegisterRequest {
            username: username.to_owned(),
            password: password.to_owned(),
            display_name: display_name.map(str::to_owned),
        };
        let Err(Error::Fields(fields)) = registration(&request("a b", "short", Some("\0"))) else {
            panic!()
        };
        let paths: Vec<_> = fields.iter().map(|field| field.path.as_ref()).collect();
        assert_eq!(paths, ["username", "password", "displayName"]);
        let (name, display_name) = registration(&request("Ａnna", "long enough", None)).unwrap();
        assert_eq!((name.as_str(), display_name.as_str()), ("Anna", "Anna"));
    }
}
