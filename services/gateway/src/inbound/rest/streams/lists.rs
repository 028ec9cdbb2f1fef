//! Lists of streams, and the search among them.

use actix_web::HttpResponse;
use actix_web::web::Data;
use primitives::{CategoryId, Error, FieldError, PageRequest, UserId};
use proto::auth::v1::FollowingIdsRequest;
use proto::stream::v1::{ListStreamsRequest, StreamSort, StreamStatus, UserIds};
use serde::Deserialize;

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::Caller;
use crate::inbound::rest::extract::{PageQuery, Query, flag_text, id};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{
    StreamCriteriaShape, StreamListShape, StreamSearchShape, StreamShape, TotalsShape,
};
use crate::outbound::peers::Answer;

/// Which streams are asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::inbound::rest) struct Filter {
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
            Some(_) => Err(FieldError::not_one_of("status", &["live", "ended"])),
        }
    }

    fn sort(&self) -> Result<StreamSort, FieldError> {
        match self.sort.as_deref() {
            None => Ok(StreamSort::Unspecified),
            Some("newest") => Ok(StreamSort::Newest),
            Some("viewers") => Ok(StreamSort::Viewers),
            Some(_) => Err(FieldError::not_one_of("sort", &["newest", "viewers"])),
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

/// Streams, live ones first unless asked otherwise.
#[utoipa::path(get, path = "/api/streams", tag = "streams", operation_id = "listStreams", security((), ("bearer" = [])),
    params(("status" = Option<String>, Query, description = "live or ended"), ("categoryId" = Option<i64>, Query),
        ("userId" = Option<i64>, Query),
        ("following" = Option<bool>, Query, description = "Only those of the (newest 1,000) people whom the caller follows"), ("sort" = Option<String>, Query, description = "newest or viewers"),
        ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = StreamListShape)))]
pub(in crate::inbound::rest) async fn list(
    rest: Data<Rest>,
    caller: Caller,
    Query(filter): Query<Filter>,
) -> Result<HttpResponse, Problem> {
    let page = filter.page().parse()?;
    let following = filter
        .following
        .as_deref()
        .map(|text| flag_text("following", text))
        .transpose()?;
    let owners = match following {
        Some(true) => Some(followed(&rest, &caller).await?),
        Some(false) | None => None,
    };
    let request = ListStreamsRequest {
        page: Some(proto::page::message(&page)),
        status: filter.status()?.into(),
        category_id: id::<CategoryId>("categoryId", filter.category_id.as_deref())?.map(|id| id.0),
        user_id: id::<UserId>("userId", filter.user_id.as_deref())?.map(|id| id.0),
        sort: filter.sort()?.into(),
        owners,
        ..ListStreamsRequest::default()
    };
    let found = listed(&rest, &caller, request.clone(), &page);
    rest.recent.answer(&caller, &request, found).await
}

/// What is searched for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::inbound::rest) struct Search {
    search_query: Option<String>,
    tag: Option<String>,
    streamer_username: Option<String>,
    page: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// Streams in which all words of the query are found, without regard to accents and case: in title,
/// description, category, its tags, or the streamer's names. At least one of query, tag and streamer. The
/// newest come first; totals stop at 10,000.
#[utoipa::path(get, path = "/api/streams/search", tag = "streams", operation_id = "searchStreams",
    security((), ("bearer" = [])),
    params(("searchQuery" = Option<String>, Query, description = "Words, or parts of at least three letters"),
        ("tag" = Option<String>, Query, description = "A tag of the category"),
        ("streamerUsername" = Option<String>, Query, description = "The whole name, without case"),
        ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = StreamSearchShape)))]
pub(in crate::inbound::rest) async fn search(
    rest: Data<Rest>,
    caller: Caller,
    Query(search): Query<Search>,
) -> Result<HttpResponse, Problem> {
    let Search {
        search_query,
        tag,
        streamer_username,
        page,
        limit,
        cursor,
    } = search;
    let page = PageQuery { page, limit, cursor }.parse()?;
    if search_query.is_none() && tag.is_none() && streamer_username.is_none() {
        let rule = "or tag or streamerUsername must be given";
        return Err(FieldError::new("searchQuery", "invalid", rule).into());
    }
    let request = ListStreamsRequest {
        page: Some(proto::page::message(&page)),
        query: search_query.clone(),
        tag: tag.clone(),
        username: streamer_username.clone(),
        ..ListStreamsRequest::default()
    };
    let found = listed(&rest, &caller, request, &page).await?;
    let search_criteria = StreamCriteriaShape {
        search_query,
        tag,
        streamer_username,
    };
    Ok(HttpResponse::Ok().json(StreamSearchShape {
        found,
        search_criteria,
    }))
}

async fn followed(rest: &Rest, caller: &Caller) -> Result<UserIds, Problem> {
    if !caller.is_signed_in() {
        return Err(Error::unauthenticated().into());
    }
    let mut auth = rest.peers.auth(caller.context());
    let ids = auth
        .following_ids(FollowingIdsRequest {})
        .await
        .answer()?
        .user_ids;
    Ok(UserIds { ids })
}

async fn listed(
    rest: &Rest,
    caller: &Caller,
    request: ListStreamsRequest,
    page: &PageRequest,
) -> Result<StreamListShape, Problem> {
    let answer = rest
        .peers
        .stream(caller.context())
        .list_streams(request)
        .await
        .answer()?;
    let owners = answer.streams.iter().map(|stream| stream.user_id);
    let people = rest.people.of(owners, caller.context()).await;
    let totals = TotalsShape::new(page, answer.page);
    let shape = |stream| StreamShape::new(stream, &people);
    Ok(StreamListShape {
        streams: answer.streams.into_iter().map(shape).collect(),
        total_streams: totals.total_items(),
        totals,
    })
}
