//! Videos on demand.

pub(super) mod uploads;

use actix_web::HttpResponse;
use actix_web::web::Data;
use primitives::{CategoryId, FieldError, PageRequest, StreamId, UserId, VodId};
use proto::CallContext;
use proto::vod::v1::{
    DeleteVodRequest, GetVodRequest, LatestOfStreamRequest, ListVodsRequest, RefreshUrlsRequest,
    RetryVodRequest, UpdateVodRequest, UpdateVodUpload, Vod,
};
use serde::Deserialize;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::{Caller, SignedIn};
use crate::inbound::rest::extract::{Id, PageQuery, Query, id};
use crate::inbound::rest::field::{CategoryChoice, flag};
use crate::inbound::rest::form::{Form, ThumbnailFile};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{
    DoneShape, OneVodShape, TotalsShape, VodCriteriaShape, VodListShape, VodSearchShape, VodShape,
};
use crate::inbound::rest::upload::{PICTURE_PATIENCE, THUMBNAIL, send_picture};
use crate::outbound::peers::{Answer, present};

/// Which VODs are asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    user_id: Option<String>,
    category_id: Option<String>,
    stream_id: Option<String>,
    page: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// VODs, newest first: those that are ready, and for their owner all.
#[utoipa::path(get, path = "/api/vod", tag = "vod", operation_id = "listVods", security((), ("bearer" = [])),
    params(("userId" = Option<i64>, Query), ("categoryId" = Option<i64>, Query), ("streamId" = Option<i64>, Query),
        ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = VodListShape)))]
pub(super) async fn list(
    rest: Data<Rest>,
    caller: Caller,
    Query(filter): Query<Filter>,
) -> Result<HttpResponse, Problem> {
    let Filter {
        page, limit, cursor, ..
    } = filter;
    let page = PageQuery { page, limit, cursor }.parse()?;
    let request = ListVodsRequest {
        page: Some(proto::page::message(&page)),
        user_id: id::<UserId>("userId", filter.user_id.as_deref())?.map(|id| id.0),
        category_id: id::<CategoryId>("categoryId", filter.category_id.as_deref())?.map(|id| id.0),
        stream_id: id::<StreamId>("streamId", filter.stream_id.as_deref())?.map(|id| id.0),
        ..ListVodsRequest::default()
    };
    let found = listed(&rest, &caller, request.clone(), &page);
    rest.recent.answer(&caller, &request, found).await
}

/// What is searched for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Search {
    search_query: Option<String>,
    tag: Option<String>,
    uploader_username: Option<String>,
    page: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// VODs in which all words of the query are found, without regard to accents and case: in title, description,
/// category, its tags, or the owner's names. At least one of query, tag and uploader. The newest come first;
/// totals stop at 10,000.
#[utoipa::path(get, path = "/api/vod/search", tag = "vod", operation_id = "searchVods", security((), ("bearer" = [])),
    params(("searchQuery" = Option<String>, Query, description = "Words, or parts of at least three letters"),
        ("tag" = Option<String>, Query, description = "A tag of the category"),
        ("uploaderUsername" = Option<String>, Query, description = "The whole name, without case"),
        ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = VodSearchShape)))]
pub(super) async fn search(
    rest: Data<Rest>,
    caller: Caller,
    Query(search): Query<Search>,
) -> Result<HttpResponse, Problem> {
    let Search {
        search_query,
        tag,
        uploader_username,
        page,
        limit,
        cursor,
    } = search;
    let page = PageQuery { page, limit, cursor }.parse()?;
    if search_query.is_none() && tag.is_none() && uploader_username.is_none() {
        let rule = "or tag or uploaderUsername must be given";
        return Err(FieldError::new("searchQuery", "invalid", rule).into());
    }
    let request = ListVodsRequest {
        page: Some(proto::page::message(&page)),
        query: search_query.clone(),
        tag: tag.clone(),
        username: uploader_username.clone(),
        ..ListVodsRequest::default()
    };
    let found = listed(&rest, &caller, request, &page).await?;
    let search_criteria = VodCriteriaShape {
        search_query,
        tag,
        uploader_username,
    };
    Ok(HttpResponse::Ok().json(VodSearchShape {
        found,
        search_criteria,
    }))
}

async fn listed(
    rest: &Rest,
    caller: &Caller,
    request: ListVodsRequest,
    page: &PageRequest,
) -> Result<VodListShape, Problem> {
    let answer = rest
        .peers
        .vod(caller.context())
        .list_vods(request)
        .await
        .answer()?;
    let owners = answer.vods.iter().map(|vod| vod.user_id);
    let people = rest.people.of(owners, caller.context()).await;
    Ok(VodListShape {
        totals: TotalsShape::new(page, answer.page),
        vods: answer
            .vods
            .into_iter()
            .map(|vod| VodShape::new(vod, &people))
            .collect(),
    })
}

/// One VOD. Looking at it counts a view: one for each viewer in five minutes. The count that a guest is told
/// may be a second old.
#[utoipa::path(get, path = "/api/vod/{id}", tag = "vod", operation_id = "getVod", security((), ("bearer" = [])),
    params(("id" = i64, Path)), responses((status = 200, body = OneVodShape)))]
pub(super) async fn get(
    rest: Data<Rest>,
    caller: Caller,
    Id(id): Id<VodId>,
) -> Result<HttpResponse, Problem> {
    let request = GetVodRequest {
        id: id.0,
        count_view: true,
    };
    let found = async {
        let answer = rest.peers.vod(caller.context()).get_vod(request).await.answer()?;
        shaped(&rest, caller.context(), answer.vod).await
    };
    let answer = rest.recent.answer(&caller, &request, found).await?;
    // Also the one for whom it was asked: the vod service counts nobody twice.
    if let Some(guest) = caller.guest() {
        rest.views.note(id, guest);
    }
    Ok(answer)
}

/// The newest VOD of a stream.
#[utoipa::path(get, path = "/api/streams/{id}/vod", tag = "streams", operation_id = "latestVodOfStream",
    security((), ("bearer" = [])), params(("id" = i64, Path)), responses((status = 200, body = OneVodShape)))]
pub(super) async fn latest_of_stream(
    rest: Data<Rest>,
    caller: Caller,
    Id(id): Id<StreamId>,
) -> Result<HttpResponse, Problem> {
    let request = LatestOfStreamRequest { stream_id: id.0 };
    let found = async {
        let mut peer = rest.peers.vod(caller.context());
        let answer = peer.latest_of_stream(request).await.answer()?;
        shaped(&rest, caller.context(), answer.vod).await
    };
    rest.recent.answer(&caller, &request, found).await
}

/// What may be said of a VOD; fields that are absent stay.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VodFields)]
pub(super) struct VodFields {
    /// 3 to 255 characters.
    title: Option<String>,
    /// Up to 5,000 characters.
    description: Option<String>,
    /// An id, as a number or as digits; null or an empty text for none.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    category_id: CategoryChoice,
    /// Whether the picture goes.
    #[serde(default, deserialize_with = "flag")]
    remove_thumbnail: bool,
}

/// The same as a form, with a picture.
#[derive(ToSchema)]
#[schema(as = VodForm)]
#[expect(
    dead_code,
    reason = "for the description alone; the form is read as VodFields"
)]
pub(super) struct VodForm {
    #[serde(flatten)]
    fields: VodFields,
    #[serde(flatten)]
    picture: ThumbnailFile,
}

/// Changes a VOD.
#[utoipa::path(put, path = "/api/vod/{id}", tag = "vod", operation_id = "updateVod", security(("bearer" = [])),
    params(("id" = i64, Path)),
    request_body(content((VodFields = "application/json"), (VodForm = "multipart/form-data"))),
    responses((status = 200, body = OneVodShape)))]
pub(super) async fn update(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<VodId>,
    form: Form<VodFields>,
) -> Result<HttpResponse, Problem> {
    let mut peer = rest.peers.vod(&me.patient(PICTURE_PATIENCE));
    let request = |fields: VodFields| {
        Ok(UpdateVodRequest {
            id: id.0,
            title: fields.title,
            description: fields.description,
            category_id: fields.category_id.for_change(),
            remove_thumbnail: fields.remove_thumbnail,
        })
    };
    let call = async |messages: ReceiverStream<UpdateVodUpload>| peer.update_vod(messages).await;
    let answer = send_picture(form, THUMBNAIL, request, call).await?;
    let vod = shaped(&rest, me.context(), answer.vod).await?;
    Ok(HttpResponse::Ok().json(vod))
}

/// Signs the URLs of a VOD anew.
#[utoipa::path(post, path = "/api/vod/{id}/refresh-url", tag = "vod", operation_id = "refreshVodUrl",
    security(("bearer" = [])), params(("id" = i64, Path)), responses((status = 200, body = OneVodShape)))]
pub(super) async fn refresh_url(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<VodId>,
) -> Result<HttpResponse, Problem> {
    let request = RefreshUrlsRequest { id: id.0 };
    let answer = rest
        .peers
        .vod(me.context())
        .refresh_urls(request)
        .await
        .answer()?;
    let vod = shaped(&rest, me.context(), answer.vod).await?;
    Ok(HttpResponse::Ok().json(vod))
}

/// Tries a VOD that failed again.
#[utoipa::path(post, path = "/api/vod/{id}/retry", tag = "vod", operation_id = "retryVod", security(("bearer" = [])),
    params(("id" = i64, Path)), responses((status = 200, body = OneVodShape)))]
pub(super) async fn retry(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<VodId>,
) -> Result<HttpResponse, Problem> {
    let answer = rest
        .peers
        .vod(me.context())
        .retry_vod(RetryVodRequest { id: id.0 })
        .await
        .answer()?;
    let vod = shaped(&rest, me.context(), answer.vod).await?;
    Ok(HttpResponse::Ok().json(vod))
}

/// Deletes a VOD and what is stored of it.
#[utoipa::path(delete, path = "/api/vod/{id}", tag = "vod", operation_id = "deleteVod", security(("bearer" = [])),
    params(("id" = i64, Path)), responses((status = 200, body = DoneShape)))]
pub(super) async fn delete(
    rest: Data<Rest>,
    me: SignedIn,
    Id(id): Id<VodId>,
) -> Result<HttpResponse, Problem> {
    rest.peers
        .vod(me.context())
        .delete_vod(DeleteVodRequest { id: id.0 })
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(DoneShape::new("The video is deleted.")))
}

async fn shaped(rest: &Rest, context: &CallContext, vod: Option<Vod>) -> Result<OneVodShape, Problem> {
    let vod = present(vod, "vod")?;
    let people = rest.people.of([vod.user_id], context).await;
    Ok(OneVodShape {
        vod: VodShape::new(vod, &people),
    })
}
