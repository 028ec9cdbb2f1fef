//! Categories of streams and VODs.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use primitives::FieldError;
use proto::stream::v1::{
    CreateCategoryRequest, CreateCategoryUpload, DeleteCategoryRequest, GetCategoryRequest,
    ListCategoriesRequest, Tags, UpdateCategoryRequest, UpdateCategoryUpload,
};
use serde::Deserialize;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::{Caller, SignedIn};
use crate::inbound::rest::extract::{PageQuery, Query, segment};
use crate::inbound::rest::field::{flag, tags};
use crate::inbound::rest::form::{Form, ThumbnailFile};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{CategoryListShape, CategoryShape, DoneShape, TotalsShape};
use crate::inbound::rest::upload::{PICTURE_PATIENCE, THUMBNAIL, send_picture};
use crate::outbound::peers::{Answer, present};

/// All categories.
#[utoipa::path(get, path = "/api/categories", tag = "categories", operation_id = "listCategories",
    params(("page" = Option<u32>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = CategoryListShape)))]
pub(super) async fn list(
    rest: Data<Rest>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    listed(&rest, &caller, &query, None).await
}

/// What is searched for.
#[derive(Deserialize)]
pub(super) struct Search {
    tag: Option<String>,
    page: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// Categories with a tag.
#[utoipa::path(get, path = "/api/categories/search", tag = "categories", operation_id = "searchCategories",
    security((), ("bearer" = [])),
    params(("tag" = String, Query, description = "The whole tag, without case"),
        ("page" = Option<u32>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = CategoryListShape)))]
pub(super) async fn search(
    rest: Data<Rest>,
    caller: Caller,
    Query(search): Query<Search>,
) -> Result<HttpResponse, Problem> {
    let Search {
        tag,
        page,
        limit,
        cursor,
    } = search;
    let tag = tag.ok_or_else(|| FieldError::required("tag"))?;
    listed(&rest, &caller, &PageQuery { page, limit, cursor }, Some(tag)).await
}

async fn listed(
    rest: &Rest,
    caller: &Caller,
    query: &PageQuery,
    tag: Option<String>,
) -> Result<HttpResponse, Problem> {
    let page = query.parse()?;
    let request = ListCategoriesRequest {
        page: Some(proto::page::message(&page)),
        tag,
    };
    let asked = request.clone();
    let found = async {
        let mut peer = rest.peers.stream(caller.context());
        let answer = peer.list_categories(asked).await.answer()?;
        let categories = answer.categories.into_iter().map(CategoryShape::from).collect();
        Ok(CategoryListShape {
            categories,
            totals: TotalsShape::new(&page, answer.page),
        })
    };
    rest.recent.answer(caller, &request, found).await
}

/// What may be said of a category.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CategoryFields)]
pub(super) struct CategoryFields {
    /// 3 to 255 characters; its address, the slug, is made of it.
    name: Option<String>,
    /// Up to 5,000 characters.
    description: Option<String>,
    /// At most 20 of 1 to 30 characters, separated by commas or as an array.
    #[serde(default, deserialize_with = "tags")]
    #[schema(value_type = Option<String>, example = "strategy,building")]
    tags: Option<Vec<String>>,
    /// Whether the picture goes; only for a change.
    #[serde(default, deserialize_with = "flag")]
    remove_thumbnail: bool,
}

/// The same as a form, with a picture.
#[derive(ToSchema)]
#[schema(as = CategoryForm)]
#[expect(
    dead_code,
    reason = "for the description alone; the form is read as CategoryFields"
)]
pub(super) struct CategoryForm {
    #[serde(flatten)]
    fields: CategoryFields,
    #[serde(flatten)]
    picture: ThumbnailFile,
}

/// Makes a category. Only for admins.
#[utoipa::path(post, path = "/api/categories", tag = "categories", operation_id = "createCategory", security(("bearer" = [])),
    request_body(content((CategoryFields = "application/json"), (CategoryForm = "multipart/form-data"))),
    responses((status = 201, body = CategoryShape)))]
pub(super) async fn create(
    rest: Data<Rest>,
    me: SignedIn,
    form: Form<CategoryFields>,
) -> Result<HttpResponse, Problem> {
    let mut peer = rest.peers.stream(&me.patient(PICTURE_PATIENCE));
    let request = |fields: CategoryFields| {
        let name = fields.name.ok_or_else(|| FieldError::required("name"))?;
        Ok(CreateCategoryRequest {
            name,
            description: fields.description.unwrap_or_default(),
            tags: fields.tags.unwrap_or_default(),
        })
    };
    let call = async |messages: ReceiverStream<CreateCategoryUpload>| peer.create_category(messages).await;
    let answer = send_picture(form, THUMBNAIL, request, call).await?;
    let category = present(answer.category, "category")?;
    Ok(HttpResponse::Created().json(CategoryShape::from(category)))
}

/// Changes a category; fields that are absent stay. Only for admins.
#[utoipa::path(put, path = "/api/categories/{category}", tag = "categories", operation_id = "updateCategory",
    security(("bearer" = [])), params(("category" = String, Path, description = "Id or slug")),
    request_body(content((CategoryFields = "application/json"), (CategoryForm = "multipart/form-data"))),
    responses((status = 200, body = CategoryShape)))]
pub(super) async fn update(
    rest: Data<Rest>,
    me: SignedIn,
    request: HttpRequest,
    form: Form<CategoryFields>,
) -> Result<HttpResponse, Problem> {
    let category = segment(&request, "category");
    let mut peer = rest.peers.stream(&me.patient(PICTURE_PATIENCE));
    let request = |fields: CategoryFields| {
        Ok(UpdateCategoryRequest {
            category,
            name: fields.name,
            description: fields.description,
            tags: fields.tags.map(|tags| Tags { tags }),
            remove_thumbnail: fields.remove_thumbnail,
        })
    };
    let call = async |messages: ReceiverStream<UpdateCategoryUpload>| peer.update_category(messages).await;
    let answer = send_picture(form, THUMBNAIL, request, call).await?;
    let category = present(answer.category, "category")?;
    Ok(HttpResponse::Ok().json(CategoryShape::from(category)))
}

/// Deletes a category; its streams and VODs go without one. Only for admins.
#[utoipa::path(delete, path = "/api/categories/{category}", tag = "categories", operation_id = "deleteCategory",
    security(("bearer" = [])), params(("category" = String, Path, description = "Id or slug")),
    responses((status = 200, body = DoneShape)))]
pub(super) async fn delete(
    rest: Data<Rest>,
    me: SignedIn,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let request = DeleteCategoryRequest {
        category: segment(&request, "category"),
    };
    rest.peers
        .stream(me.context())
        .delete_category(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(DoneShape::new("The category is deleted.")))
}

/// One category, by id or slug.
#[utoipa::path(get, path = "/api/categories/{category}", tag = "categories", operation_id = "getCategory",
    params(("category" = String, Path, description = "Id or slug")), responses((status = 200, body = CategoryShape)))]
pub(super) async fn get(
    rest: Data<Rest>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let request = GetCategoryRequest {
        category: segment(&request, "category"),
    };
    let answer = rest
        .peers
        .stream(caller.context())
        .get_category(request)
        .await
        .answer()?;
    Ok(HttpResponse::Ok().json(CategoryShape::from(present(answer.category, "category")?)))
}
