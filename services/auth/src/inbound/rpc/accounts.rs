//! Methods that read and change accounts. Avatar URLs that are about to expire are renewed in the responses.

use media::image::MAX_BYTES;
use objects::RenewableUrl;
use primitives::{FieldError, UserId, text};
use proto::auth::v1::{
    AccountResponse, BanRequest, GetProfileResponse, GetUsersResponse, ListAccountsRequest,
    ListAccountsResponse, SetRoleRequest, UnbanRequest, UpdateProfileUpload, User,
};
use proto::page;
use proto::upload::read_in_memory;
use tonic::Streaming;

use super::requests::{invalid_role, role, user_id};
use super::{MAX_USERS, Rpc};
use crate::domain::normalize_username;
use crate::error::Result;
use crate::store::{AVATARS, AccountFilter, ProfileChange, Summary, UserRow, ban_reason, name_prefix};

/// The maximum width and height of an avatar in pixels; larger pictures are scaled down.
const MAX_AVATAR_SIZE: u32 = 512;

impl Rpc {
    pub(super) async fn renew_urls(&self, shown: Vec<RenewableUrl<'_>>) {
        self.app.pictures.renew(AVATARS, shown).await;
    }

    async fn with_fresh_url(&self, mut user: UserRow) -> UserRow {
        self.renew_urls(vec![user.shown()]).await;
        user
    }

    pub(super) async fn me(&self, me: UserId) -> Result<User> {
        let user = self.app.store.user_get(me).await?;
        Ok(self.with_fresh_url(user).await.into())
    }

    pub(super) async fn profile(&self, name: &str, viewer: Option<UserId>) -> Result<GetProfileResponse> {
        let mut profile = self
            .app
            .store
            .user_profile(&normalize_username(name), viewer)
            .await?;
        profile.user = self.with_fresh_url(profile.user).await;
        Ok(profile.into())
    }

    pub(super) async fn users(&self, ids: &[i64]) -> Result<GetUsersResponse> {
        if ids.len() > MAX_USERS {
            return Err(FieldError::too_many("ids", MAX_USERS).into());
        }
        let mut users = self.app.store.user_summaries(ids).await?;
        self.renew_urls(users.iter_mut().map(Summary::shown).collect())
            .await;
        let users = users.into_iter().map(Into::into).collect();
        Ok(GetUsersResponse { users })
    }

    pub(super) async fn update_profile(
        &self,
        me: UserId,
        mut messages: Streaming<UpdateProfileUpload>,
    ) -> Result<User> {
        let (bytes, request) = read_in_memory(&mut messages, MAX_BYTES).await?;
        let change = ProfileChange {
            display_name: request
                .display_name
                .as_deref()
                .map(text::display_name)
                .transpose()?,
            bio: request.bio.as_deref().map(text::bio).transpose()?,
            avatar: None,
        };
        let avatar = self
            .app
            .pictures
            .add(bytes, MAX_AVATAR_SIZE, "avatars", "avatarFile")
            .await?;
        // A new picture replaces the old one even if the request also removes it.
        let avatar = (request.remove_avatar || avatar.is_some()).then_some(avatar);
        let change = ProfileChange { avatar, ..change };
        let user = self
            .app
            .store
            .profile_update(me, change, self.app.clock.now())
            .await?;
        Ok(self.with_fresh_url(user).await.into())
    }

    pub(super) async fn list_accounts(
        &self,
        me: UserId,
        request: ListAccountsRequest,
    ) -> Result<ListAccountsResponse> {
        let page = page::parse(request.page)?;
        let filter = AccountFilter {
            prefix: request.prefix.as_deref().map(name_prefix).transpose()?,
            role: role(request.role)?,
            banned: request.banned,
        };
        let mut page = self.app.store.account_page(me, filter, page).await?;
        self.renew_urls(page.users.iter_mut().map(UserRow::shown).collect())
            .await;
        Ok(ListAccountsResponse {
            accounts: page.users.into_iter().map(Into::into).collect(),
            page: Some(page::info(page.info)),
        })
    }

    pub(super) async fn set_role(&self, me: UserId, request: SetRoleRequest) -> Result<AccountResponse> {
        let role = role(request.role)?.ok_or_else(invalid_role)?;
        let user = user_id(request.user_id)?;
        let user = self
            .app
            .store
            .role_set(me, user, role, self.app.clock.now())
            .await?;
        Ok(self.account(user).await)
    }

    pub(super) async fn ban(&self, me: UserId, request: BanRequest) -> Result<AccountResponse> {
        let (user, reason) = (user_id(request.user_id)?, ban_reason(&request.reason)?);
        let user = self
            .app
            .store
            .ban_set(me, user, reason, self.app.clock.now())
            .await?;
        Ok(self.account(user).await)
    }

    pub(super) async fn unban(&self, me: UserId, request: UnbanRequest) -> Result<AccountResponse> {
        let user = self.app.store.ban_lift(me, user_id(request.user_id)?).await?;
        Ok(self.account(user).await)
    }

    async fn account(&self, user: UserRow) -> AccountResponse {
        let account = self.with_fresh_url(user).await.into();
        AccountResponse {
            account: Some(account),
        }
    }
}
