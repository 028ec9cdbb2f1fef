//! Accounts as admins manage them. The auth service decides who is an admin.

use actix_web::HttpResponse;
use actix_web::web::Data;
use proto::auth::v1::{BanRequest, ListAccountsRequest, SetRoleRequest, UnbanRequest};

use crate::inbound::rest::caller::SignedIn;
use crate::inbound::rest::dto::{
    Account, AccountFilter, AccountList, ById, NewBan, NewRole, PageQuery, Totals,
};
use crate::inbound::rest::endpoints::{Endpoints, endpoints};
use crate::inbound::rest::extract::{Json, Path, Query};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;
use crate::outbound::peers::{Answer, present};

pub(super) fn endpoints(api: &mut Endpoints) {
    endpoints!(api, list, set_role, ban, unban);
}

/// Lists accounts, newest first.
#[utoipa::path(get, path = "/admin/users", operation_id = "listAccounts",
    responses((status = 200, body = AccountList)))]
async fn list(
    rest: Data<Rest>,
    me: SignedIn,
    Query(filter): Query<AccountFilter>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.into();
    let request = ListAccountsRequest {
        page: Some(proto::page::message(&page)),
        prefix: filter.query.map(|prefix| prefix.0),
        role: filter.role.map_or_else(Default::default, |role| role.0.into()),
        banned: filter.banned.map(|banned| banned.0),
    };
    let answer = rest
        .peers
        .auth(me.context())
        .list_accounts(request)
        .await
        .answer()?;
    let users = answer.accounts.into_iter().map(Account::try_from);
    Ok(HttpResponse::Ok().json(AccountList {
        users: users.collect::<Result<_, _>>()?,
        totals: Totals::new(&page, answer.page),
    }))
}

/// Assigns a role to an account.
///
/// Its access tokens are refused; the next refresh brings the new role. The last admin cannot be demoted.
#[utoipa::path(put, path = "/admin/users/{id}/role", operation_id = "setRole",
    responses((status = 200, body = Account)))]
async fn set_role(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
    Json(body): Json<NewRole>,
) -> Result<HttpResponse, Problem> {
    let request = SetRoleRequest {
        user_id: id.0,
        role: body.role.0.into(),
    };
    let answer = rest.peers.auth(me.context()).set_role(request).await.answer()?;
    account(answer.account)
}

/// Bans an account: its tokens and stream keys are refused, its sockets are closed, its broadcast ends.
#[utoipa::path(post, path = "/admin/users/{id}/ban", operation_id = "banUser",
    responses((status = 200, body = Account)))]
async fn ban(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
    Json(body): Json<NewBan>,
) -> Result<HttpResponse, Problem> {
    let request = BanRequest {
        user_id: id.0,
        reason: body.reason.0,
    };
    let answer = rest.peers.auth(me.context()).ban(request).await.answer()?;
    account(answer.account)
}

/// Lifts the ban of an account.
#[utoipa::path(delete, path = "/admin/users/{id}/ban", operation_id = "unbanUser",
    responses((status = 200, body = Account)))]
async fn unban(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
) -> Result<HttpResponse, Problem> {
    let request = UnbanRequest { user_id: id.0 };
    let answer = rest.peers.auth(me.context()).unban(request).await.answer()?;
    account(answer.account)
}

fn account(account: Option<proto::auth::v1::Account>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(Account::try_from(present(account, "account")?)?))
}
