//! Streams, their keys and their times on air.

use actix_web::HttpResponse;
use actix_web::web::Data;
use domain::{CategoryId, Error, FieldError, StreamId, UserId};
use proto::stream::v1::{
    CreateStreamRequest, DeleteStreamRequest, GetStreamRequest, ListBroadcastsRequest, ListStreamsRequest,
    RotateKeyRequest, StopStreamRequest, Stream, StreamSort, StreamStatus, UpdateStreamRequest,
};
use serde::Deserialize;

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::{Caller, SignedIn};
use crate::inbound::rest::extract::{Id, PageQuery, Query, id, page_message};
use crate::inbound::rest::form::StreamForm;
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{
    BroadcastListShape, CreatedStreamShape, DoneShape, KeyShape, OneStreamShape, StreamCreatedShape,
    StreamDataShape, StreamListShape, StreamShape, TotalsShape,
};
use crate::outbound::peers::{Answer, present};

/// Which streams are asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    status: Option<String>,
    category_id: Option<String>,
    user_id: Option<String>,
    following: Option<String>,
    sort: Option<String>,
    page: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

impl Filter {
    fn status(&self) -> Result<StreamStatus, FieldError> {
        match self.status.as_deref() {
            None => Ok(StreamStatus::Unspecified),
            Some("live") => Ok(StreamStatus::Live),
            Some("ended") => Ok(StreamStatus::Ended),
            Some(_) => Err(FieldError::new("status", "must be live or ended")),
        }
    }

    fn sort(&self) -> Result<StreamSort, FieldError> {
        match self.sort.as_deref() {
            None => Ok(StreamSort::Unspecified),
            Some("newest") => Ok(StreamSort::Newest),
            Some("viewers") => Ok(StreamSort::Viewers),
            Some(_) => Err(FieldError::new("sort", "must be newest or viewers")),
        }
    }

    fn page(&self) -> PageQuery {
        PageQuery {
            page: self.page.clone(),
            limit: self.limit.clone(),
            cursor: self.cursor.clone(),
        }
    }
}

/// Makes a stream. Its encoder's server and key are in the answer; it is `ended` until media flows.
#[utoipa::path(post, path = "/api/streams", tag = "streams", operation_id = "createStream", security(("bearer" = [])),
    request_body(content((StreamForm = "application/json"), (StreamForm = "multipart/form-data"))),
    responses((status = 201, body = StreamCreatedShape)))]
pub(super) async fn create(
    rest: Data<Rest>,
    me: SignedIn,
    form: StreamForm,
) -> Result<HttpResponse, Problem> {
    let category_id = form.category()?.flatten().map(|category| category.0);
    let title = form.title.ok_or_else(|| Error::invalid("title", "is missing"))?;
    let request = CreateStreamRequest {
        title,
        description: form.description.unwrap_or_default(),
        category_id,
    };
    let answer = rest
        .peers
        .stream(me.context())
        .create_stream(request)
        .await
        .answer()?;
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

/// Streams, live ones first unless asked otherwise.
#[utoipa::path(get, path = "/api/streams", tag = "streams", operation_id = "listStreams", security((), ("bearer" = [])),
    params(("status" = Option<String>, Query, description = "live or ended"), ("categoryId" = Option<i64>, Query),
        ("userId" = Option<i64>, Query), ("sort" = Option<String>, Query, description = "newest or viewers"),
        ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = StreamListShape)))]
pub(super) async fn list(
    rest: Data<Rest>,
    caller: Caller,
    Query(filter): Query<Filter>,
) -> Result<HttpResponse, Problem> {
    let page = filter.page().parse()?;
    if filter.following.is_some() {
        // Passing over it would answer another question than the one that was asked.
        return Err(FieldError::new("following", "is not taken yet").into());
    }
    let request = ListStreamsRequest {
        page: Some(page_message(&page)),
        status: filter.status()?.into(),
        category_id: id::<CategoryId>("categoryId", filter.category_id.as_deref())?.map(|id| id.0),
        user_id: id::<UserId>("userId", filter.user_id.as_deref())?.map(|id| id.0),
        sort: filter.sort()?.into(),
    };
    let answer = rest
        .peers
        .stream(caller.context())
        .list_streams(request)
        .await
        .answer()?;
    let owners = answer.streams.iter().map(|stream| stream.user_id);
    let people = rest.people.of(owners, caller.context()).await;
    let totals = TotalsShape::new(&page, answer.page);
    let streams = answer
        .streams
        .into_iter()
        .map(|stream| StreamShape::new(stream, &people))
        .collect();
    Ok(HttpResponse::Ok().json(StreamListShape {
        streams,
        total_streams: totals.total_items(),
        totals,
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
    let answer = rest
        .peers
        .stream(caller.context())
        .get_stream(GetStreamRequest { id: id.0 })
        .await
        .answer()?;
    let stream = shaped(&rest, caller.context(), answer.stream).await?;
    Ok(HttpResponse::Ok().json(OneStreamShape {
        stream,
        rtmp_url: answer.rtmp_url,
    }))
}

/// Changes a stream; fields that are absent stay. Viewers are told while it is live.
#[utoipa::path(put, path = "/api/streams/{id}", tag = "streams", operation_id = "updateStream", security(("bearer" = [])),
    params(("id" = i64, Path)),
    request_body(content((StreamForm = "application/json"), (StreamForm = "multipart/form-data"))),
    responses((status = 200, body = OneStreamShape)))]
pub(super) async fn update(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<StreamId>,
    form: StreamForm,
) -> Result<HttpResponse, Problem> {
    let category_id = form
        .category()?
        .map(|category| category.map_or(0, |category| category.0));
    let request = UpdateStreamRequest {
        id: id.0,
        title: form.title,
        description: form.description,
        category_id,
    };
    let answer = rest
        .peers
        .stream(me.context())
        .update_stream(request)
        .await
        .answer()?;
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
        page: Some(page_message(&page)),
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
