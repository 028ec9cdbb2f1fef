//! The caller's notifications.

use actix_web::HttpResponse;
use actix_web::web::Data;
use primitives::{FieldError, NotificationId};
use proto::notification::v1::{
    ListNotificationsRequest, MarkAllReadRequest, MarkReadRequest, UnreadCountRequest,
};
use serde::Deserialize;

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::SignedIn;
use crate::inbound::rest::extract::{Id, PageQuery, Query};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{
    NotificationListShape, NotificationShape, ReadShape, TotalsShape, UnreadShape,
};
use crate::outbound::peers::Answer;

/// Which notifications are asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    is_read: Option<String>,
    page: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// The caller's notifications, newest first.
#[utoipa::path(get, path = "/api/notifications", tag = "notifications", operation_id = "listNotifications",
    security(("bearer" = [])),
    params(("isRead" = Option<bool>, Query), ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = NotificationListShape)))]
pub(super) async fn list(
    rest: Data<Rest>,
    me: SignedIn,
    Query(filter): Query<Filter>,
) -> Result<HttpResponse, Problem> {
    let is_read = match filter.is_read.as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(FieldError::not_one_of("isRead", &["true", "false"]).into()),
    };
    let page = PageQuery {
        page: filter.page,
        limit: filter.limit,
        cursor: filter.cursor,
    }
    .parse()?;
    let request = ListNotificationsRequest {
        page: Some(proto::page::message(&page)),
        is_read,
    };
    let answer = rest
        .peers
        .notification(me.context())
        .list_notifications(request)
        .await
        .answer()?;
    let notifications = answer
        .notifications
        .into_iter()
        .map(NotificationShape::from)
        .collect();
    Ok(HttpResponse::Ok().json(NotificationListShape {
        notifications,
        totals: TotalsShape::new(&page, answer.page),
    }))
}

/// How many are unread.
#[utoipa::path(get, path = "/api/notifications/unread-count", tag = "notifications", operation_id = "unreadCount",
    security(("bearer" = [])), responses((status = 200, body = UnreadShape)))]
pub(super) async fn unread_count(rest: Data<Rest>, me: SignedIn) -> Result<HttpResponse, Problem> {
    let answer = rest
        .peers
        .notification(me.context())
        .unread_count(UnreadCountRequest {})
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(UnreadShape {
        unread_count: answer.count,
    }))
}

/// Marks one as read.
#[utoipa::path(post, path = "/api/notifications/{id}/read", tag = "notifications", operation_id = "readNotification",
    security(("bearer" = [])), params(("id" = i64, Path)), responses((status = 200, body = ReadShape)))]
pub(super) async fn read(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<NotificationId>,
) -> Result<HttpResponse, Problem> {
    let answer = rest
        .peers
        .notification(me.context())
        .mark_read(MarkReadRequest { id: id.0 })
        .await
        .answer()?;
    let notification = answer.notification.map(NotificationShape::from);
    Ok(HttpResponse::Ok().json(ReadShape {
        success: true,
        affected_count: 1,
        notification,
    }))
}

/// Marks all as read.
#[utoipa::path(post, path = "/api/notifications/read-all", tag = "notifications", operation_id = "readAllNotifications",
    security(("bearer" = [])), responses((status = 200, body = ReadShape)))]
pub(super) async fn read_all(rest: Data<Rest>, me: SignedIn) -> Result<HttpResponse, Problem> {
    let answer = rest
        .peers
        .notification(me.context())
        .mark_all_read(MarkAllReadRequest {})
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(ReadShape {
        success: true,
        affected_count: answer.affected_count,
        notification: None,
    }))
}
