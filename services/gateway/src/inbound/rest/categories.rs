//! Categories of streams and VODs.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use proto::stream::v1::{GetCategoryRequest, ListCategoriesRequest};

use crate::inbound::rest::Rest;
use crate::inbound::rest::caller::Caller;
use crate::inbound::rest::extract::{PageQuery, Query, page_message, segment};
use crate::inbound::rest::problem::Problem;
use crate::inbound::rest::shape::{CategoryListShape, CategoryShape, TotalsShape};
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
    let page = query.parse()?;
    let request = ListCategoriesRequest {
        page: Some(page_message(&page)),
        tag: None,
    };
    let answer = rest
        .peers
        .stream(caller.context())
        .list_categories(request)
        .await
        .answer()?;
    let categories = answer.categories.into_iter().map(CategoryShape::from).collect();
    Ok(HttpResponse::Ok().json(CategoryListShape {
        categories,
        totals: TotalsShape::new(&page, answer.page),
    }))
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
