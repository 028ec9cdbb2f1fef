//! What answers look like: camelCase, RFC 3339 times, integer ids. Each shape is made from the message of the
//! service that owns the thing, with no model between.

mod category;
mod chat;
mod moderation;
mod notification;
mod page;
mod stream;
mod user;
mod vod;

pub(super) use category::{CategoryListShape, CategoryShape};
pub(super) use chat::{ChatPageShape, SentShape};
pub(super) use moderation::{
    BanListShape, BanShape, BannedShape, LogEntryShape, LogShape, ModeratorAddedShape, ModeratorListShape,
    ModeratorShape, SettingsShape,
};
pub(super) use notification::{NotificationListShape, NotificationShape, ReadShape, UnreadShape};
pub(super) use page::TotalsShape;
pub(super) use stream::{
    BroadcastListShape, CreatedStreamShape, KeyShape, OneStreamShape, StreamCreatedShape,
    StreamCriteriaShape, StreamDataShape, StreamListShape, StreamSearchShape, StreamShape,
};
pub(super) use user::{
    AccountListShape, AccountShape, DoneShape, FollowShape, FollowedShape, FollowersShape, FollowingShape,
    MeShape, PersonShape, ProfileShape, SessionShape,
};
pub(super) use vod::{
    OneVodShape, VodCreatedShape, VodCriteriaShape, VodListShape, VodSearchShape, VodShape,
};

use std::collections::HashMap;

use proto::auth::v1::UserSummary;

/// People by id, as `outbound::people` finds them.
pub(super) type Found = HashMap<i64, UserSummary>;
