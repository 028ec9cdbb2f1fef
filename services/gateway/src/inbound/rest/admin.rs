//! What admins do to accounts. Who is one is decided by the auth service.

use actix_web::HttpResponse;
use actix_web::web::Data;
use primitives::{FieldError, UserId};
use proto::auth::v1::{BanRequest, ListAccountsRequest, Role, SetRoleRequest, UnbanRequest};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::SignedIn;
use crate::inbound::rest::extract::{Id, Json, PageQuery, Query, flag_text};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{AccountListShape, AccountShape, TotalsShape};
use crate::outbound::peers::{Answer, present};

/// Which accounts are asked for.
#[derive(Deserialize)]
pub(super) struct Filter {
    query: Option<String>,
    role: Option<String>,
    banned: Option<String>,
    page: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

fn role(text: &str) -> Result<Role, FieldError> {
    match text {
        "user" => Ok(Role::User),
        "moderator" => Ok(Role::Moderator),
        "admin" => Ok(Role::Admin),
        _ => Err(FieldError::not_one_of("role", &["user", "moderator", "admin"])),
    }
}

/// Accounts, newest first.
#[utoipa::path(get, path = "/api/admin/users", tag = "admin", operation_id = "listAccounts", security(("bearer" = [])),
    params(("query" = Option<String>, Query, description = "What the username begins with"),
        ("role" = Option<String>, Query, description = "user, moderator or admin"),
        ("banned" = Option<bool>, Query),
        ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = AccountListShape)))]
pub(super) async fn list(
    rest: Data<Rest>,
    me: SignedIn,
    Query(filter): Query<Filter>,
) -> Result<HttpResponse, Problem> {
    let Filter {
        page, limit, cursor, ..
    } = filter;
    let page = PageQuery { page, limit, cursor }.parse()?;
    let request = ListAccountsRequest {
        page: Some(proto::page::message(&page)),
        prefix: filter.query,
        role: filter
            .role
            .as_deref()
            .map(role)
            .transpose()?
            .unwrap_or_default()
            .into(),
        banned: filter
            .banned
            .as_deref()
            .map(|text| flag_text("banned", text))
            .transpose()?,
    };
    let answer = rest
        .peers
        .auth(me.context())
        .list_accounts(request)
        .await
        .answer()?;
    let users = answer.accounts.into_iter().map(AccountShape::try_from);
    Ok(HttpResponse::Ok().json(AccountListShape {
        users: users.collect::<Result<_, _>>()?,
        totals: TotalsShape::new(&page, answer.page),
    }))
}

/// A role to be.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewRole)]
pub(super) struct NewRole {
    /// `user`, `moderator` or `admin`.
    #[schema(pattern = "^(user|moderator|admin)$")]
    role: String,
}

/// Gives an account a role. Its access tokens are refused; the next refresh brings the new role. The last
/// admin stays one.
#[utoipa::path(put, path = "/api/admin/users/{id}/role", tag = "admin", operation_id = "setRole", security(("bearer" = [])),
    params(("id" = i64, Path)), request_body = NewRole, responses((status = 200, body = AccountShape)))]
pub(super) async fn set_role(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<UserId>,
    Json(body): Json<NewRole>,
) -> Result<HttpResponse, Problem> {
    let request = SetRoleRequest {
        user_id: id.0,
        role: role(&body.role)?.into(),
    };
    let answer = rest.peers.auth(me.context()).set_role(request).await.answer()?;
    Ok(HttpResponse::Ok().json(AccountShape::try_from(present(answer.account, "account")?)?))
}

/// Why somebody is banned.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewBan)]
pub(super) struct NewBan {
    /// Up to 500 characters.
    #[serde(default)]
    reason: String,
}

/// Bans an account: its tokens are refused, its sockets closed, its broadcast ended, its stream keys refused.
#[utoipa::path(post, path = "/api/admin/users/{id}/ban", tag = "admin", operation_id = "banUser", security(("bearer" = [])),
    params(("id" = i64, Path)), request_body = NewBan, responses((status = 200, body = AccountShape)))]
pub(super) async fn ban(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<UserId>,
    Json(body): Json<NewBan>,
) -> Result<HttpResponse, Problem> {
    let request = BanRequest {
        user_id: id.0,
        reason: body.reason,
    };
    let answer = rest.peers.auth(me.context()).ban(request).await.answer()?;
    Ok(HttpResponse::Ok().json(AccountShape::try_from(present(answer.account, "account")?)?))
}

/// Ends a ban.
#[utoipa::path(delete, path = "/api/admin/users/{id}/ban", tag = "admin", operation_id = "unbanUser",
    security(("bearer" = [])), params(("id" = i64, Path)), responses((status = 200, body = AccountShape)))]
pub(super) async fn unban(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<UserId>,
) -> Result<HttpResponse, Problem> {
    let request = UnbanRequest { user_id: id.0 };
    let answer = rest.peers.auth(me.context()).unban(request).await.answer()?;
    Ok(HttpResponse::Ok().json(AccountShape::try_from(present(answer.account, "account")?)?))
}
