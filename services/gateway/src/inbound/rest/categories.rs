//! Categories of streams and VODs.

use actix_web::HttpResponse;
use actix_web::web::Data;
use proto::stream::v1::{
    CreateCategoryRequest, CreateCategoryUpload, DeleteCategoryRequest, GetCategoryRequest,
    ListCategoriesRequest, Tags, UpdateCategoryRequest, UpdateCategoryUpload,
};
use tokio_stream::wrappers::ReceiverStream;

use crate::inbound::rest::caller::{Caller, SignedIn};
use crate::inbound::rest::dto::{
    ByCategory, Category, CategoryFields, CategoryList, CategorySearch, Done, NewCategory, PageQuery, Totals,
};
use crate::inbound::rest::endpoints::{Endpoints, endpoints};
use crate::inbound::rest::extract::{Path, Query};
use crate::inbound::rest::form::Form;
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::state::Rest;
use crate::inbound::rest::upload::{IMAGE_TIMEOUT, THUMBNAIL, send_image};
use crate::outbound::peers::{Answer, present};

pub(super) fn endpoints(api: &mut Endpoints) {
    endpoints!(api, list, search, create, update, delete, get);
}

/// Lists all categories.
#[utoipa::path(get, path = "/categories", operation_id = "listCategories",
    responses((status = 200, body = CategoryList)))]
async fn list(
    rest: Data<Rest>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    listed(&rest, &caller, page, None).await
}

/// Lists the categories with a tag.
#[utoipa::path(get, path = "/categories/search", operation_id = "searchCategories",
    responses((status = 200, body = CategoryList)))]
async fn search(
    rest: Data<Rest>,
    caller: Caller,
    Query(search): Query<CategorySearch>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    listed(&rest, &caller, page, Some(search.tag.0)).await
}

async fn listed(
    rest: &Rest,
    caller: &Caller,
    page: PageQuery,
    tag: Option<String>,
) -> Result<HttpResponse, Problem> {
    let page = page.into();
    let request = ListCategoriesRequest {
        page: Some(proto::page::message(&page)),
        tag,
    };
    let call = request.clone();
    let found = async {
        let mut peer = rest.peers.stream(caller.context());
        let answer = peer.list_categories(call).await.answer()?;
        Ok(CategoryList {
            categories: answer.categories.into_iter().map(Category::from).collect(),
            totals: Totals::new(&page, answer.page),
        })
    };
    rest.recent.answer(caller.is_guest(), &request, found).await
}

/// Creates a category.
///
/// Only for admins.
#[utoipa::path(post, path = "/categories", operation_id = "createCategory",
    responses((status = 201, body = Category)))]
async fn create(rest: Data<Rest>, me: SignedIn, form: Form<NewCategory>) -> Result<HttpResponse, Problem> {
    let mut peer = rest.peers.stream(&me.upload_context(IMAGE_TIMEOUT));
    let request = |fields: NewCategory| CreateCategoryRequest {
        name: fields.name.0,
        description: fields.description.unwrap_or_default().0,
        tags: fields.tags.map_or_else(Vec::new, |tags| tags.0),
    };
    let call = async |messages: ReceiverStream<CreateCategoryUpload>| peer.create_category(messages).await;
    let answer = send_image(form, THUMBNAIL, request, call).await?;
    Ok(HttpResponse::Created().json(Category::from(present(answer.category, "category")?)))
}

/// Updates a category; absent fields stay the same.
///
/// Only for admins.
#[utoipa::path(put, path = "/categories/{category}", operation_id = "updateCategory",
    responses((status = 200, body = Category)))]
async fn update(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ByCategory { category }): Path<ByCategory>,
    form: Form<CategoryFields>,
) -> Result<HttpResponse, Problem> {
    let mut peer = rest.peers.stream(&me.upload_context(IMAGE_TIMEOUT));
    let request = |fields: CategoryFields| UpdateCategoryRequest {
        category,
        name: fields.name.map(|name| name.0),
        description: fields.description.map(|description| description.0),
        tags: fields.tags.map(|tags| Tags { tags: tags.0 }),
        remove_thumbnail: fields.remove_thumbnail.0,
    };
    let call = async |messages: ReceiverStream<UpdateCategoryUpload>| peer.update_category(messages).await;
    let answer = send_image(form, THUMBNAIL, request, call).await?;
    Ok(HttpResponse::Ok().json(Category::from(present(answer.category, "category")?)))
}

/// Deletes a category; its streams and VODs stay without one.
///
/// Only for admins.
#[utoipa::path(delete, path = "/categories/{category}", operation_id = "deleteCategory",
    responses((status = 200, body = Done)))]
async fn delete(
    rest: Data<Rest>,
    me: SignedIn,
    Path(ByCategory { category }): Path<ByCategory>,
) -> Result<HttpResponse, Problem> {
    let request = DeleteCategoryRequest { category };
    rest.peers
        .stream(me.context())
        .delete_category(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(Done::new("Category deleted.")))
}

/// Returns a category.
#[utoipa::path(get, path = "/categories/{category}", operation_id = "getCategory",
    responses((status = 200, body = Category)))]
async fn get(
    rest: Data<Rest>,
    caller: Caller,
    Path(ByCategory { category }): Path<ByCategory>,
) -> Result<HttpResponse, Problem> {
    let request = GetCategoryRequest { category };
    let answer = rest
        .peers
        .stream(caller.context())
        .get_category(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(Category::from(present(answer.category, "category")?)))
}
