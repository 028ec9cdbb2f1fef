//! Accounts: looked up, changed by their owners, ruled by admins. URLs of pictures are renewed on the way
//! out.

use media::image::MAX_BYTES;
use objects::Shown;
use primitives::{FieldError, UserId, text};
use proto::auth::v1::{
    AccountResponse, BanRequest, GetProfileResponse, GetUsersResponse, ListAccountsRequest,
    ListAccountsResponse, SetRoleRequest, UnbanRequest, UpdateProfileUpload, User,
};
use proto::page;
use proto::upload::read_in_memory;
use tonic::Streaming;

use super::requests::{role, user_id};
use super::{MAX_USERS, Rpc};
use crate::domain::normal_name;
use crate::error::Result;
use crate::store::{AVATARS, AccountFilter, ProfileChange, Summary, UserRow, ban_reason, name_prefix};

/// Width and height of an avatar at most, in pixels.
const MAX_PX: u32 = 512;

impl Rpc {
    pub(super) async fn freshen(&self, shown: Vec<Shown<'_>>) {
        self.app.pictures.renew(AVATARS, shown).await;
    }

    async fn fresh(&self, mut user: UserRow) -> UserRow {
        self.freshen(vec![user.shown()]).await;
        user
    }

    pub(super) async fn me(&self, me: UserId) -> Result<User> {
        let user = self.app.store.user_get(me).await?;
        Ok(self.fresh(user).await.into())
    }

    pub(super) async fn profile(&self, name: &str, viewer: Option<UserId>) -> Result<GetProfileResponse> {
        let mut profile = self.app.store.user_profile(&normal_name(name), viewer).await?;
        profile.user = self.fresh(profile.user).await;
        Ok(profile.into())
    }

    pub(super) async fn users(&self, ids: &[i64]) -> Result<GetUsersResponse> {
        if ids.len() > MAX_USERS {
            return Err(FieldError::too_many("ids", MAX_USERS).into());
        }
        let mut users = self.app.store.user_summaries(ids).await?;
        self.freshen(users.iter_mut().map(Summary::shown).collect()).await;
        let users = users.into_iter().map(Into::into).collect();
        Ok(GetUsersResponse { users })
    }

    pub(super) async fn update(
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
            .add(bytes, MAX_PX, "avatars", "avatarFile")
            .await?;
        let avatar = (request.remove_avatar || avatar.is_some()).then_some(avatar);
        let change = ProfileChange { avatar, ..change };
        let user = self
            .app
            .store
            .profile_update(me, change, self.app.clock.now())
            .await?;
        Ok(self.fresh(user).await.into())
    }

    pub(super) async fn accounts(
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
        self.freshen(page.users.iter_mut().map(UserRow::shown).collect())
            .await;
        Ok(ListAccountsResponse {
            accounts: page.users.into_iter().map(Into::into).collect(),
            page: Some(page::info(page.info)),
        })
    }

    pub(super) async fn role(&self, me: UserId, request: SetRoleRequest) -> Result<AccountResponse> {
        let role = role(request.role)?;
        let role = role.ok_or_else(|| FieldError::not_one_of("role", &["user", "moderator", "admin"]))?;
        let user = user_id(request.user_id)?;
        let user = self
            .app
            .store
            .role_set(me, user, role, self.app.clock.now())
            .await?;
        Ok(self.account(user).await)
    }

    pub(super) async fn banned(&self, me: UserId, request: BanRequest) -> Result<AccountResponse> {
        let (user, reason) = (user_id(request.user_id)?, ban_reason(&request.reason)?);
        let user = self
            .app
            .store
            .ban_set(me, user, reason, self.app.clock.now())
            .await?;
        Ok(self.account(user).await)
    }

    pub(super) async fn unbanned(&self, me: UserId, request: UnbanRequest) -> Result<AccountResponse> {
        let user = self.app.store.ban_lift(me, user_id(request.user_id)?).await?;
        Ok(self.account(user).await)
    }

    async fn account(&self, user: UserRow) -> AccountResponse {
        let account = self.fresh(user).await.into();
        AccountResponse {
            account: Some(account),
        }
    }
}
