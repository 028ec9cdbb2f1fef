//! Videos on demand.

use actix_web::HttpResponse;
use actix_web::web::Data;
use domain::{CategoryId, StreamId, UserId, VodId};
use proto::CallContext;
use proto::vod::v1::{DeleteVodRequest, GetVodRequest, LatestOfStreamRequest, ListVodsRequest, Vod};
use serde::Deserialize;

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::{Caller, SignedIn};
use crate::inbound::rest::extract::{Id, PageQuery, Query, id, page_message};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{DoneShape, OneVodShape, TotalsShape, VodListShape, VodShape};
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
        page: Some(page_message(&page)),
        user_id: id::<UserId>("userId", filter.user_id.as_deref())?.map(|id| id.0),
        category_id: id::<CategoryId>("categoryId", filter.category_id.as_deref())?.map(|id| id.0),
        stream_id: id::<StreamId>("streamId", filter.stream_id.as_deref())?.map(|id| id.0),
    };
    let answer = rest
        .peers
        .vod(caller.context())
        .list_vods(request)
        .await
        .answer()?;
    let people = rest
        .people
        .of(answer.vods.iter().map(|vod| vod.user_id), caller.context())
        .await;
    let totals = TotalsShape::new(&page, answer.page);
    let vods = answer
        .vods
        .into_iter()
        .map(|vod| VodShape::new(vod, &people))
        .collect();
    Ok(HttpResponse::Ok().json(VodListShape { vods, totals }))
}

/// One VOD. Looking at it counts a view: one for each viewer in five minutes.
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
    let answer = rest.peers.vod(caller.context()).get_vod(request).await.answer()?;
    shaped(&rest, caller.context(), answer.vod).await
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
    let answer = rest
        .peers
        .vod(caller.context())
        .latest_of_stream(request)
        .await
        .answer()?;
    shaped(&rest, caller.context(), answer.vod).await
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

async fn shaped(rest: &Rest, context: &CallContext, vod: Option<Vod>) -> Result<HttpResponse, Problem> {
    let vod = present(vod, "vod")?;
    let people = rest.people.of([vod.user_id], context).await;
    Ok(HttpResponse::Ok().json(OneVodShape {
        vod: VodShape::new(vod, &people),
    }))
}
