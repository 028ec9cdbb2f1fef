//! The gRPC service. A caller sees only their own notifications.

use std::sync::Arc;

use identity::ServiceName;
use primitives::{Error, FieldError, NotificationId, UserId};
use proto::notification::v1 as pb;
use proto::notification::v1::notification_service_server::NotificationService;
use proto::notification::v1::{
    ListNotificationsRequest, ListNotificationsResponse, MarkAllReadRequest, MarkAllReadResponse,
    MarkReadRequest, MarkReadResponse, UnreadCountRequest, UnreadCountResponse,
};
use proto::{Caller, IntoStatus, page};
use tonic::{Request, Response, Status};

use crate::app::App;
use crate::outbound::push::{self, MarkedRead};
use crate::store::notifications::{
    Notification, notification_mark_read, notifications_list, notifications_mark_all_read,
    notifications_unread_count,
};

/// The services that may call each method.
pub const CALLERS: &[(&str, &[ServiceName])] = &[
    ("ListNotifications", &[ServiceName::Gateway]),
    ("UnreadCount", &[ServiceName::Gateway]),
    ("MarkRead", &[ServiceName::Gateway]),
    ("MarkAllRead", &[ServiceName::Gateway]),
];

pub struct Rpc(pub Arc<App>);

#[tonic::async_trait]
impl NotificationService for Rpc {
    async fn list_notifications(
        &self,
        request: Request<ListNotificationsRequest>,
    ) -> Result<Response<ListNotificationsResponse>, Status> {
        let user = caller(&request)?;
        let request = request.into_inner();
        let page = page::parse(request.page).map_err(IntoStatus::into_status)?;
        let (rows, page) = notifications_list(&self.0.database, user, request.is_read, page)
            .await
            .map_err(IntoStatus::into_status)?;
        let notifications = rows.into_iter().map(Into::into).collect();
        Ok(Response::new(ListNotificationsResponse {
            notifications,
            page: Some(page::info(page)),
        }))
    }

    async fn unread_count(
        &self,
        request: Request<UnreadCountRequest>,
    ) -> Result<Response<UnreadCountResponse>, Status> {
        let user = caller(&request)?;
        let count = notifications_unread_count(&self.0.database, user)
            .await
            .map_err(IntoStatus::into_status)?;
        Ok(Response::new(UnreadCountResponse { count }))
    }

    async fn mark_read(
        &self,
        request: Request<MarkReadRequest>,
    ) -> Result<Response<MarkReadResponse>, Status> {
        let user = caller(&request)?;
        let id = NotificationId::try_from(request.into_inner().id)
            .map_err(|_| Error::from(FieldError::invalid_id("id")).into_status())?;
        let (row, changed) = notification_mark_read(&self.0.database, user, id)
            .await
            .map_err(IntoStatus::into_status)?;
        if changed {
            push_read(&self.0, user, MarkedRead::Ids(vec![row.id])).await;
        }
        Ok(Response::new(MarkReadResponse {
            notification: Some(row.into()),
        }))
    }

    async fn mark_all_read(
        &self,
        request: Request<MarkAllReadRequest>,
    ) -> Result<Response<MarkAllReadResponse>, Status> {
        let user = caller(&request)?;
        let affected_count = notifications_mark_all_read(&self.0.database, user)
            .await
            .map_err(IntoStatus::into_status)?;
        if affected_count > 0 {
            push_read(&self.0, user, MarkedRead::All).await;
        }
        Ok(Response::new(MarkAllReadResponse { affected_count }))
    }
}

/// Updates the user's other tabs. A failure does no harm: a page reads the count when it opens and when its
/// socket reconnects.
async fn push_read(app: &App, user: UserId, marked: MarkedRead) {
    match notifications_unread_count(&app.database, user).await {
        Ok(unread) => push::notifications_read(&app.realtime, user, marked, unread),
        Err(error) => tracing::debug!(%error, "read state not pushed"),
    }
}

fn caller<T>(request: &Request<T>) -> Result<UserId, Status> {
    Ok(Caller::of(request)?.user().map_err(IntoStatus::into_status)?.id)
}

impl From<Notification> for pb::Notification {
    fn from(row: Notification) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            subject: row.subject().map(Into::into),
            r#type: row.type_,
            message: row.message,
            is_read: row.is_read,
            related_entity_id: row.related_entity_id,
            related_entity_type: row.related_entity_type,
            created_at: Some(proto::time::timestamp(row.created_at)),
            actor_id: row.actor_id,
        }
    }
}
