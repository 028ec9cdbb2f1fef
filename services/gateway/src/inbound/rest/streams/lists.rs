//! Lists of streams, and the search.

use actix_web::HttpResponse;
use actix_web::web::Data;
use primitives::{Error, FieldError, PageRequest};
use proto::auth::v1::FollowingIdsRequest;
use proto::stream::v1::{ListStreamsRequest, UserIds};

use crate::inbound::rest::caller::Caller;
use crate::inbound::rest::dto::{
    PageQuery, Stream, StreamCriteria, StreamFilter, StreamList, StreamSearch, StreamSearchQuery, Totals,
};
use crate::inbound::rest::endpoints::{Endpoints, endpoints};
use crate::inbound::rest::extract::Query;
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;
use crate::outbound::peers::Answer;

pub(super) fn endpoints(api: &mut Endpoints) {
    endpoints!(api, list, search);
}

/// Lists streams, live ones first by default.
#[utoipa::path(get, path = "/streams", operation_id = "listStreams",
    responses((status = 200, body = StreamList)))]
async fn list(
    rest: Data<Rest>,
    caller: Caller,
    Query(filter): Query<StreamFilter>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.into();
    let owners = match filter.following {
        Some(following) if following.0 => Some(followed(&rest, &caller).await?),
        _ => None,
    };
    let request = ListStreamsRequest {
        page: Some(proto::page::message(&page)),
        status: filter
            .status
            .map_or_else(Default::default, |status| status.0.into()),
        category_id: filter.category_id.map(|id| id.0),
        user_id: filter.user_id.map(|id| id.0),
        sort: filter.sort.map_or_else(Default::default, |sort| sort.0.into()),
        owners,
        ..ListStreamsRequest::default()
    };
    let found = listed(&rest, &caller, request.clone(), &page);
    rest.recent.answer(caller.is_guest(), &request, found).await
}

/// Searches streams that contain all words of the query in their title, description, category, its tags, or
/// the streamer's names, ignoring accents and case.
///
/// At least one of query, tag and streamer is required. The newest come first; totals stop at 10,000.
#[utoipa::path(get, path = "/streams/search", operation_id = "searchStreams",
    responses((status = 200, body = StreamSearch)))]
async fn search(
    rest: Data<Rest>,
    caller: Caller,
    Query(query): Query<StreamSearchQuery>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let criteria = StreamCriteria {
        search_query: query.search_query.map(|query| query.0),
        tag: query.tag.map(|tag| tag.0),
        streamer_username: query.streamer_username,
    };
    let page = page.into();
    let request = ListStreamsRequest {
        page: Some(proto::page::message(&page)),
        query: criteria.search_query.clone(),
        tag: criteria.tag.clone(),
        username: criteria.streamer_username.clone(),
        ..ListStreamsRequest::default()
    };
    if request.query.is_none() && request.tag.is_none() && request.username.is_none() {
        let rule = "or tag or streamerUsername is required";
        return Err(FieldError::new("searchQuery", "required", rule).into());
    }
    Ok(HttpResponse::Ok().json(StreamSearch {
        found: listed(&rest, &caller, request, &page).await?,
        search_criteria: criteria,
    }))
}

async fn followed(rest: &Rest, caller: &Caller) -> Result<UserIds, Problem> {
    if caller.is_guest() {
        return Err(Error::unauthenticated().into());
    }
    let mut auth = rest.peers.auth(caller.context());
    let answer = auth.following_ids(FollowingIdsRequest {}).await.answer()?;
    Ok(UserIds { ids: answer.user_ids })
}

async fn listed(
    rest: &Rest,
    caller: &Caller,
    request: ListStreamsRequest,
    page: &PageRequest,
) -> Result<StreamList, Problem> {
    let mut peer = rest.peers.stream(caller.context());
    let answer = peer.list_streams(request).await.answer()?;
    let owners = answer.streams.iter().map(|stream| stream.user_id);
    let people = rest.people.of(owners, caller.context()).await;
    let streams = answer.streams.into_iter();
    let totals = Totals::new(page, answer.page);
    Ok(StreamList {
        streams: streams.map(|stream| Stream::new(stream, &people)).collect(),
        total_streams: totals.total_items,
        totals,
    })
}
