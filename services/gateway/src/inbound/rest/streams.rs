//! Streams, their keys and their broadcasts.

mod lists;

use actix_web::HttpResponse;
use actix_web::web::Data;
use proto::CallContext;
use proto::stream::v1::{
    CreateStreamRequest, CreateStreamUpload, DeleteStreamRequest, GetStreamRequest, ListBroadcastsRequest,
    RotateKeyRequest, StopStreamRequest, UpdateStreamRequest, UpdateStreamUpload,
};
use proto::vod::v1::LatestOfStreamRequest;
use tokio_stream::wrappers::ReceiverStream;

use crate::inbound::rest::caller::{Caller, SignedIn};
use crate::inbound::rest::dto::{
    BroadcastList, ById, CreatedStream, Done, Key, NewStream, OneStream, OneVod, PageQuery, Stream,
    StreamCreated, StreamData, StreamFields, Totals,
};
use crate::inbound::rest::endpoints::{Endpoints, endpoints};
use crate::inbound::rest::extract::{Path, Query};
use crate::inbound::rest::form::Form;
use crate::inbound::rest::idempotency::Idempotent;
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;
use crate::inbound::rest::upload::{IMAGE_TIMEOUT, THUMBNAIL, send_image};
use crate::inbound::rest::vods;
use crate::outbound::peers::{Answer, present};

pub(super) fn endpoints(api: &mut Endpoints) {
    lists::endpoints(api);
    endpoints!(
        api, create, get, update, delete, rotate_key, stop, broadcasts, latest_vod
    );
}

/// Creates a stream.
///
/// The answer contains the server and the key for the encoder; the stream is `ended` until the first
/// broadcast.
#[utoipa::path(post, path = "/streams", operation_id = "createStream",
    responses((status = 201, body = StreamCreated)))]
async fn create(
    rest: Data<Rest>,
    me: SignedIn,
    idempotent: Idempotent,
    form: Form<NewStream>,
) -> Result<HttpResponse, Problem> {
    let context = idempotent.with_key(me.upload_context(IMAGE_TIMEOUT));
    let mut peer = rest.peers.stream(&context);
    let request = |fields: NewStream| CreateStreamRequest {
        title: fields.title.0,
        description: fields.description.unwrap_or_default().0,
        category_id: fields.category_id.of_new(),
    };
    let call = async |messages: ReceiverStream<CreateStreamUpload>| peer.create_stream(messages).await;
    let answer = send_image(form, THUMBNAIL, request, call).await?;
    let stream = with_owner(&rest, me.context(), answer.stream).await?;
    Ok(HttpResponse::Created().json(StreamCreated {
        success: true,
        message: "Stream created.",
        data: CreatedStream {
            stream,
            rtmp_url: answer.rtmp_url,
        },
    }))
}

/// Returns a stream; its owner also gets the stream key.
#[utoipa::path(get, path = "/streams/{id}", operation_id = "getStream",
    responses((status = 200, body = OneStream)))]
async fn get(
    rest: Data<Rest>,
    caller: Caller,
    Path(ById { id }): Path<ById>,
) -> Result<HttpResponse, Problem> {
    let request = GetStreamRequest { id: id.0 };
    let found = async {
        let mut peer = rest.peers.stream(caller.context());
        let answer = peer.get_stream(request).await.answer()?;
        Ok(OneStream {
            stream: with_owner(&rest, caller.context(), answer.stream).await?,
            rtmp_url: answer.rtmp_url,
        })
    };
    rest.recent.answer(caller.is_guest(), &request, found).await
}

/// Updates a stream; absent fields stay the same.
///
/// Viewers of a live stream see the changes.
#[utoipa::path(put, path = "/streams/{id}", operation_id = "updateStream",
    responses((status = 200, body = OneStream)))]
async fn update(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
    form: Form<StreamFields>,
) -> Result<HttpResponse, Problem> {
    let mut peer = rest.peers.stream(&me.upload_context(IMAGE_TIMEOUT));
    let request = |fields: StreamFields| UpdateStreamRequest {
        id: id.0,
        title: fields.title.map(|title| title.0),
        description: fields.description.map(|description| description.0),
        category_id: fields.category_id.of_update(),
        remove_thumbnail: fields.remove_thumbnail.0,
    };
    let call = async |messages: ReceiverStream<UpdateStreamUpload>| peer.update_stream(messages).await;
    let answer = send_image(form, THUMBNAIL, request, call).await?;
    Ok(HttpResponse::Ok().json(OneStream {
        stream: with_owner(&rest, me.context(), answer.stream).await?,
        rtmp_url: None,
    }))
}

/// Deletes a stream.
///
/// A broadcast ends; its VODs stay.
#[utoipa::path(delete, path = "/streams/{id}", operation_id = "deleteStream",
    responses((status = 200, body = Done)))]
async fn delete(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
) -> Result<HttpResponse, Problem> {
    let request = DeleteStreamRequest { id: id.0 };
    rest.peers
        .stream(me.context())
        .delete_stream(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(Done::new("Stream deleted.")))
}

/// Rotates the stream key.
///
/// The old key is revoked at once, and a broadcast that uses it ends.
#[utoipa::path(post, path = "/streams/{id}/key", operation_id = "rotateKey",
    responses((status = 200, body = Key)))]
async fn rotate_key(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
) -> Result<HttpResponse, Problem> {
    let request = RotateKeyRequest { id: id.0 };
    let answer = rest
        .peers
        .stream(me.context())
        .rotate_key(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(Key {
        success: true,
        message: "Key rotated; the old key is revoked.",
        stream_key: answer.stream_key,
        rtmp_url: answer.rtmp_url,
    }))
}

/// Ends the broadcast of a stream.
#[utoipa::path(post, path = "/streams/{id}/stop", operation_id = "stopStream",
    responses((status = 200, body = StreamData)))]
async fn stop(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
) -> Result<HttpResponse, Problem> {
    let request = StopStreamRequest { id: id.0 };
    let answer = rest
        .peers
        .stream(me.context())
        .stop_stream(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(StreamData {
        success: true,
        message: "Broadcast ended.",
        data: with_owner(&rest, me.context(), answer.stream).await?,
    }))
}

/// Lists the broadcasts of a stream, newest first; its owner also gets the latest publish rejections.
#[utoipa::path(get, path = "/streams/{id}/broadcasts", operation_id = "listBroadcasts",
    responses((status = 200, body = BroadcastList)))]
async fn broadcasts(
    rest: Data<Rest>,
    caller: Caller,
    Path(ById { id }): Path<ById>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.into();
    let request = ListBroadcastsRequest {
        stream_id: id.0,
        page: Some(proto::page::message(&page)),
    };
    let mut peer = rest.peers.stream(caller.context());
    let answer = peer.list_broadcasts(request).await.answer()?;
    let rejections: Vec<_> = answer.rejections.into_iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(BroadcastList {
        broadcasts: answer.broadcasts.into_iter().map(Into::into).collect(),
        refusals: (!rejections.is_empty()).then_some(rejections),
        totals: Totals::new(&page, answer.page),
    }))
}

/// Returns the newest VOD of a stream.
#[utoipa::path(get, path = "/streams/{id}/vod", operation_id = "latestVodOfStream",
    responses((status = 200, body = OneVod)))]
async fn latest_vod(
    rest: Data<Rest>,
    caller: Caller,
    Path(ById { id }): Path<ById>,
) -> Result<HttpResponse, Problem> {
    let request = LatestOfStreamRequest { stream_id: id.0 };
    let found = async {
        let mut peer = rest.peers.vod(caller.context());
        let answer = peer.latest_of_stream(request).await.answer()?;
        vods::with_owner(&rest, caller.context(), answer.vod).await
    };
    rest.recent.answer(caller.is_guest(), &request, found).await
}

async fn with_owner(
    rest: &Rest,
    context: &CallContext,
    stream: Option<proto::stream::v1::Stream>,
) -> Result<Stream, Problem> {
    let stream = present(stream, "stream")?;
    let people = rest.people.of([stream.user_id], context).await;
    Ok(Stream::new(stream, &people))
}
