//! Streams, their keys and their times on air.

pub(super) mod lists;

use actix_web::HttpResponse;
use actix_web::web::Data;
use primitives::{Error, FieldError, StreamId};
use proto::stream::v1::{
    CreateStreamRequest, CreateStreamUpload, DeleteStreamRequest, GetStreamRequest, ListBroadcastsRequest,
    RotateKeyRequest, StopStreamRequest, Stream, UpdateStreamRequest, UpdateStreamUpload,
};
use serde::Deserialize;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::{Caller, Repeatable, SignedIn};
use crate::inbound::rest::extract::{Id, PageQuery, Query};
use crate::inbound::rest::field::{CategoryChoice, flag};
use crate::inbound::rest::form::{Form, ThumbnailFile};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{
    BroadcastListShape, CreatedStreamShape, DoneShape, KeyShape, OneStreamShape, StreamCreatedShape,
    StreamDataShape, StreamShape, TotalsShape,
};
use crate::inbound::rest::upload::{PICTURE_PATIENCE, THUMBNAIL, send_picture};
use crate::outbound::peers::{Answer, present};

/// What may be said of a stream.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StreamFields)]
pub(super) struct StreamFields {
    /// 3 to 255 characters.
    title: Option<String>,
    /// Up to 5,000 characters.
    description: Option<String>,
    /// An id, as a number or as digits; null or an empty text for none.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    category_id: CategoryChoice,
    /// Whether the picture goes; only for a change.
    #[serde(default, deserialize_with = "flag")]
    remove_thumbnail: bool,
}

/// The same as a form, with a picture.
#[derive(ToSchema)]
#[schema(as = StreamForm)]
#[expect(
    dead_code,
    reason = "for the description alone; the form is read as StreamFields"
)]
pub(super) struct StreamForm {
    #[serde(flatten)]
    fields: StreamFields,
    #[serde(flatten)]
    picture: ThumbnailFile,
}

/// Makes a stream. Its encoder's server and key are in the answer; it is `ended` until media flows.
#[utoipa::path(post, path = "/api/streams", tag = "streams", operation_id = "createStream", security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that sending it again makes no second stream")),
    request_body(content((StreamFields = "application/json"), (StreamForm = "multipart/form-data"))),
    responses((status = 201, body = StreamCreatedShape)))]
pub(super) async fn create(
    rest: Data<Rest>,
    me: SignedIn,
    name: Repeatable,
    form: Form<StreamFields>,
) -> Result<HttpResponse, Problem> {
    let context = name.named(me.patient(PICTURE_PATIENCE));
    let mut peer = rest.peers.stream(&context);
    let request = |fields: StreamFields| {
        let title = fields
            .title
            .ok_or_else(|| Error::from(FieldError::required("title")))?;
        Ok(CreateStreamRequest {
            title,
            description: fields.description.unwrap_or_default(),
            category_id: fields.category_id.for_new(),
        })
    };
    let call = async |messages: ReceiverStream<CreateStreamUpload>| peer.create_stream(messages).await;
    let answer = send_picture(form, THUMBNAIL, request, call).await?;
    let stream = present(answer.stream, "stream")?;
    let people = rest.people.of([stream.user_id], me.context()).await;
    let data = CreatedStreamShape {
        stream: StreamShape::new(stream, &people),
        rtmp_url: answer.rtmp_url,
    };
    Ok(HttpResponse::Created().json(StreamCreatedShape {
        success: true,
        message: "The stream is there.",
        data,
    }))
}

/// One stream; its owner also gets the key.
#[utoipa::path(get, path = "/api/streams/{id}", tag = "streams", operation_id = "getStream", security((), ("bearer" = [])),
    params(("id" = i64, Path)), responses((status = 200, body = OneStreamShape)))]
pub(super) async fn get(
    rest: Data<Rest>,
    caller: Caller,
    Id(id): Id<StreamId>,
) -> Result<HttpResponse, Problem> {
    let request = GetStreamRequest { id: id.0 };
    let found = async {
        let mut peer = rest.peers.stream(caller.context());
        let answer = peer.get_stream(request).await.answer()?;
        let stream = shaped(&rest, caller.context(), answer.stream).await?;
        Ok(OneStreamShape {
            stream,
            rtmp_url: answer.rtmp_url,
        })
    };
    rest.recent.answer(&caller, &request, found).await
}

/// Changes a stream; fields that are absent stay. Viewers are told while it is live.
#[utoipa::path(put, path = "/api/streams/{id}", tag = "streams", operation_id = "updateStream", security(("bearer" = [])),
    params(("id" = i64, Path)),
    request_body(content((StreamFields = "application/json"), (StreamForm = "multipart/form-data"))),
    responses((status = 200, body = OneStreamShape)))]
pub(super) async fn update(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<StreamId>,
    form: Form<StreamFields>,
) -> Result<HttpResponse, Problem> {
    let mut peer = rest.peers.stream(&me.patient(PICTURE_PATIENCE));
    let request = |fields: StreamFields| {
        Ok(UpdateStreamRequest {
            id: id.0,
            title: fields.title,
            description: fields.description,
            category_id: fields.category_id.for_change(),
            remove_thumbnail: fields.remove_thumbnail,
        })
    };
    let call = async |messages: ReceiverStream<UpdateStreamUpload>| peer.update_stream(messages).await;
    let answer = send_picture(form, THUMBNAIL, request, call).await?;
    let stream = shaped(&rest, me.context(), answer.stream).await?;
    Ok(HttpResponse::Ok().json(OneStreamShape {
        stream,
        rtmp_url: None,
    }))
}

/// Deletes a stream: a broadcast ends, its VODs stay.
#[utoipa::path(delete, path = "/api/streams/{id}", tag = "streams", operation_id = "deleteStream", security(("bearer" = [])),
    params(("id" = i64, Path)), responses((status = 200, body = DoneShape)))]
pub(super) async fn delete(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<StreamId>,
) -> Result<HttpResponse, Problem> {
    rest.peers
        .stream(me.context())
        .delete_stream(DeleteStreamRequest { id: id.0 })
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(DoneShape::new("The stream is deleted.")))
}

/// Makes a new secret. The old one dies at once, and a broadcast on it ends.
#[utoipa::path(post, path = "/api/streams/{id}/key", tag = "streams", operation_id = "rotateKey", security(("bearer" = [])),
    params(("id" = i64, Path)), responses((status = 200, body = KeyShape)))]
pub(super) async fn rotate_key(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<StreamId>,
) -> Result<HttpResponse, Problem> {
    let answer = rest
        .peers
        .stream(me.context())
        .rotate_key(RotateKeyRequest { id: id.0 })
        .await
        .answer()?;
    let message = "The old key works no more.";
    let shape = KeyShape {
        success: true,
        message,
        stream_key: answer.stream_key,
        rtmp_url: answer.rtmp_url,
    };
    Ok(HttpResponse::Ok().json(shape))
}

/// Ends the broadcast.
#[utoipa::path(post, path = "/api/streams/{id}/stop", tag = "streams", operation_id = "stopStream", security(("bearer" = [])),
    params(("id" = i64, Path)), responses((status = 200, body = StreamDataShape)))]
pub(super) async fn stop(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<StreamId>,
) -> Result<HttpResponse, Problem> {
    let answer = rest
        .peers
        .stream(me.context())
        .stop_stream(StopStreamRequest { id: id.0 })
        .await
        .answer()?;
    let data = shaped(&rest, me.context(), answer.stream).await?;
    Ok(HttpResponse::Ok().json(StreamDataShape {
        success: true,
        message: "The broadcast is over.",
        data,
    }))
}

/// A stream's times on air; for its owner also why encoders were turned away.
#[utoipa::path(get, path = "/api/streams/{id}/broadcasts", tag = "streams", operation_id = "listBroadcasts",
    security((), ("bearer" = [])),
    params(("id" = i64, Path), ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = BroadcastListShape)))]
pub(super) async fn broadcasts(
    rest: Data<Rest>,
    caller: Caller,
    Id(id): Id<StreamId>,
    Query(query): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = query.parse()?;
    let request = ListBroadcastsRequest {
        stream_id: id.0,
        page: Some(proto::page::message(&page)),
    };
    let answer = rest
        .peers
        .stream(caller.context())
        .list_broadcasts(request)
        .await
        .answer()?;
    let refusals =
        (!answer.refusals.is_empty()).then(|| answer.refusals.into_iter().map(Into::into).collect());
    let broadcasts = answer.broadcasts.into_iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(BroadcastListShape {
        broadcasts,
        refusals,
        totals: TotalsShape::new(&page, answer.page),
    }))
}

async fn shaped(
    rest: &Rest,
    context: &proto::CallContext,
    stream: Option<Stream>,
) -> Result<StreamShape, Problem> {
    let stream = present(stream, "stream")?;
    let people = rest.people.of([stream.user_id], context).await;
    Ok(StreamShape::new(stream, &people))
}
