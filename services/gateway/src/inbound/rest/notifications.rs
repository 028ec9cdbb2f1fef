//! The caller's notifications.

use actix_web::HttpResponse;
use actix_web::web::Data;
use primitives::PageRequest;
use proto::notification::v1::{
    ListNotificationsRequest, MarkAllReadRequest, MarkReadRequest, UnreadCountRequest,
};

use crate::inbound::rest::caller::SignedIn;
use crate::inbound::rest::dto::{
    ById, ListedNotification, NotificationFilter, NotificationList, PageQuery, Read, Totals, Unread,
};
use crate::inbound::rest::endpoints::{Endpoints, endpoints};
use crate::inbound::rest::extract::{Path, Query};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;
use crate::outbound::peers::Answer;

pub(super) fn endpoints(api: &mut Endpoints) {
    endpoints!(api, list, unread_count, read_all, read);
}

/// Lists the caller's notifications, newest first.
#[utoipa::path(get, path = "/notifications", operation_id = "listNotifications",
    responses((status = 200, body = NotificationList)))]
async fn list(
    rest: Data<Rest>,
    me: SignedIn,
    Query(filter): Query<NotificationFilter>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = PageRequest::from(page);
    let request = ListNotificationsRequest {
        page: Some(proto::page::message(&page)),
        is_read: filter.is_read.map(|is_read| is_read.0),
    };
    let mut peer = rest.peers.notification(me.context());
    let answer = peer.list_notifications(request).await.answer()?;
    Ok(HttpResponse::Ok().json(NotificationList {
        notifications: with_actors(&rest, &me, answer.notifications).await,
        totals: Totals::new(&page, answer.page),
    }))
}

/// Returns the number of unread notifications.
#[utoipa::path(get, path = "/notifications/unread-count", operation_id = "unreadCount",
    responses((status = 200, body = Unread)))]
async fn unread_count(rest: Data<Rest>, me: SignedIn) -> Result<HttpResponse, Problem> {
    let mut peer = rest.peers.notification(me.context());
    let answer = peer.unread_count(UnreadCountRequest {}).await.answer()?;
    Ok(HttpResponse::Ok().json(Unread {
        unread_count: answer.count,
    }))
}

/// Marks a notification as read.
#[utoipa::path(post, path = "/notifications/{id}/read", operation_id = "readNotification",
    responses((status = 200, body = Read)))]
async fn read(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
) -> Result<HttpResponse, Problem> {
    let mut peer = rest.peers.notification(me.context());
    let answer = peer.mark_read(MarkReadRequest { id: id.0 }).await.answer()?;
    Ok(HttpResponse::Ok().json(Read {
        success: true,
        affected_count: 1,
        notification: with_actors(&rest, &me, answer.notification).await.pop(),
    }))
}

/// Marks all notifications as read.
#[utoipa::path(post, path = "/notifications/read-all", operation_id = "readAllNotifications",
    responses((status = 200, body = Read)))]
async fn read_all(rest: Data<Rest>, me: SignedIn) -> Result<HttpResponse, Problem> {
    let mut peer = rest.peers.notification(me.context());
    let answer = peer.mark_all_read(MarkAllReadRequest {}).await.answer()?;
    Ok(HttpResponse::Ok().json(Read {
        success: true,
        affected_count: answer.affected_count,
        notification: None,
    }))
}

async fn with_actors(
    rest: &Rest,
    me: &SignedIn,
    notifications: impl IntoIterator<Item = proto::notification::v1::Notification>,
) -> Vec<ListedNotification> {
    let notifications: Vec<_> = notifications.into_iter().collect();
    let actors = notifications.iter().map(|notification| notification.actor_id);
    let people = rest.people.of(actors, me.context()).await;
    let listed = notifications.into_iter();
    listed
        .map(|notification| ListedNotification::new(notification, &people))
        .collect()
}
