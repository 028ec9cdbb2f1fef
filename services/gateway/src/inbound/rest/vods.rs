//! Videos on demand.

mod uploads;

use actix_web::HttpResponse;
use actix_web::web::Data;
use primitives::{FieldError, PageRequest, VodId};
use proto::CallContext;
use proto::vod::v1::{
    DeleteVodRequest, GetVodRequest, ListVodsRequest, RefreshUrlsRequest, RetryVodRequest, UpdateVodRequest,
    UpdateVodUpload,
};
use tokio_stream::wrappers::ReceiverStream;

use crate::inbound::rest::caller::{Caller, SignedIn};
use crate::inbound::rest::dto::{
    ById, Done, OneVod, PageQuery, Totals, Vod, VodCriteria, VodFields, VodFilter, VodList, VodSearch,
    VodSearchQuery,
};
use crate::inbound::rest::endpoints::{Endpoints, endpoints};
use crate::inbound::rest::extract::{Path, Query};
use crate::inbound::rest::form::Form;
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;
use crate::inbound::rest::upload::{IMAGE_TIMEOUT, THUMBNAIL, send_image};
use crate::outbound::peers::{Answer, present};

pub(super) fn endpoints(api: &mut Endpoints) {
    endpoints!(api, list, search);
    uploads::endpoints(api);
    endpoints!(api, get, update, refresh_url, retry, delete);
}

/// Lists VODs that are ready, newest first; their owner sees all of them.
#[utoipa::path(get, path = "/vod", operation_id = "listVods", responses((status = 200, body = VodList)))]
async fn list(
    rest: Data<Rest>,
    caller: Caller,
    Query(filter): Query<VodFilter>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.into();
    let request = ListVodsRequest {
        page: Some(proto::page::message(&page)),
        user_id: filter.user_id.map(|id| id.0),
        category_id: filter.category_id.map(|id| id.0),
        stream_id: filter.stream_id.map(|id| id.0),
        ..ListVodsRequest::default()
    };
    let found = listed(&rest, &caller, request.clone(), &page);
    rest.recent.answer(caller.is_guest(), &request, found).await
}

/// Searches VODs that contain all words of the query in their title, description, category, its tags, or the
/// owner's names, ignoring accents and case.
///
/// At least one of query, tag and uploader is required. The newest come first; totals stop at 10,000.
#[utoipa::path(get, path = "/vod/search", operation_id = "searchVods",
    responses((status = 200, body = VodSearch)))]
async fn search(
    rest: Data<Rest>,
    caller: Caller,
    Query(query): Query<VodSearchQuery>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let criteria = VodCriteria {
        search_query: query.search_query.map(|query| query.0),
        tag: query.tag.map(|tag| tag.0),
        uploader_username: query.uploader_username,
    };
    let page = page.into();
    let request = ListVodsRequest {
        page: Some(proto::page::message(&page)),
        query: criteria.search_query.clone(),
        tag: criteria.tag.clone(),
        username: criteria.uploader_username.clone(),
        ..ListVodsRequest::default()
    };
    if request.query.is_none() && request.tag.is_none() && request.username.is_none() {
        let rule = "or tag or uploaderUsername is required";
        return Err(FieldError::new("searchQuery", "required", rule).into());
    }
    Ok(HttpResponse::Ok().json(VodSearch {
        found: listed(&rest, &caller, request, &page).await?,
        search_criteria: criteria,
    }))
}

async fn listed(
    rest: &Rest,
    caller: &Caller,
    request: ListVodsRequest,
    page: &PageRequest,
) -> Result<VodList, Problem> {
    let answer = rest
        .peers
        .vod(caller.context())
        .list_vods(request)
        .await
        .answer()?;
    let owners = answer.vods.iter().map(|vod| vod.user_id);
    let people = rest.people.of(owners, caller.context()).await;
    let vods = answer.vods.into_iter();
    Ok(VodList {
        vods: vods.map(|vod| Vod::new(vod, &people)).collect(),
        totals: Totals::new(page, answer.page),
    })
}

/// Returns a VOD and counts a view, once per viewer in five minutes.
///
/// For guests, the view count may be a second old.
#[utoipa::path(get, path = "/vod/{id}", operation_id = "getVod", responses((status = 200, body = OneVod)))]
async fn get(
    rest: Data<Rest>,
    caller: Caller,
    Path(ById { id }): Path<ById>,
) -> Result<HttpResponse, Problem> {
    let request = GetVodRequest {
        id: id.0,
        count_view: true,
    };
    let found = async {
        let answer = rest.peers.vod(caller.context()).get_vod(request).await.answer()?;
        with_owner(&rest, caller.context(), answer.vod).await
    };
    let answer = rest.recent.answer(caller.is_guest(), &request, found).await?;
    // Also records the guest whose request reached the VOD service, which counts nobody twice.
    if let Some(guest) = caller.guest() {
        rest.views.record(VodId(id.0), guest);
    }
    Ok(answer)
}

/// Updates a VOD; absent fields stay the same.
#[utoipa::path(put, path = "/vod/{id}", operation_id = "updateVod", responses((status = 200, body = OneVod)))]
async fn update(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
    form: Form<VodFields>,
) -> Result<HttpResponse, Problem> {
    let mut peer = rest.peers.vod(&me.upload_context(IMAGE_TIMEOUT));
    let request = |fields: VodFields| UpdateVodRequest {
        id: id.0,
        title: fields.title.map(|title| title.0),
        description: fields.description.map(|description| description.0),
        category_id: fields.category_id.of_update(),
        remove_thumbnail: fields.remove_thumbnail.0,
    };
    let call = async |messages: ReceiverStream<UpdateVodUpload>| peer.update_vod(messages).await;
    let answer = send_image(form, THUMBNAIL, request, call).await?;
    Ok(HttpResponse::Ok().json(with_owner(&rest, me.context(), answer.vod).await?))
}

/// Renews the presigned URLs of a VOD.
#[utoipa::path(post, path = "/vod/{id}/refresh-url", operation_id = "refreshVodUrl",
    responses((status = 200, body = OneVod)))]
async fn refresh_url(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
) -> Result<HttpResponse, Problem> {
    let request = RefreshUrlsRequest { id: id.0 };
    let answer = rest
        .peers
        .vod(me.context())
        .refresh_urls(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(with_owner(&rest, me.context(), answer.vod).await?))
}

/// Retries the processing of a failed VOD.
#[utoipa::path(post, path = "/vod/{id}/retry", operation_id = "retryVod",
    responses((status = 200, body = OneVod)))]
async fn retry(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
) -> Result<HttpResponse, Problem> {
    let request = RetryVodRequest { id: id.0 };
    let answer = rest.peers.vod(me.context()).retry_vod(request).await.answer()?;
    Ok(HttpResponse::Ok().json(with_owner(&rest, me.context(), answer.vod).await?))
}

/// Deletes a VOD and its files.
#[utoipa::path(delete, path = "/vod/{id}", operation_id = "deleteVod",
    responses((status = 200, body = Done)))]
async fn delete(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ById { id }): Path<ById>,
) -> Result<HttpResponse, Problem> {
    let request = DeleteVodRequest { id: id.0 };
    rest.peers.vod(me.context()).delete_vod(request).await.answer()?;
    Ok(HttpResponse::Ok().json(Done::new("VOD deleted.")))
}

pub(super) async fn with_owner(
    rest: &Rest,
    context: &CallContext,
    vod: Option<proto::vod::v1::Vod>,
) -> Result<OneVod, Problem> {
    let vod = present(vod, "vod")?;
    let people = rest.people.of([vod.user_id], context).await;
    Ok(OneVod {
        vod: Vod::new(vod, &people),
    })
}
