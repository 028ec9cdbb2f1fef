//! VODs with the names of their owners and categories.

mod change;
mod delete;
mod urls;

use chrono::{DateTime, Utc};
use diesel::dsl::auto_type;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::{CategoryId, Cursor, PageInfo, PageRequest, StreamId, UserId, VodId};
use storage::Database;
use storage::list::{self, Count, List, SortKey, Total, Totals, in_page, opaque_pattern};

use crate::domain::{Viewer, Visibility, VodStatus, may_see};
use crate::error::{Error, Result};
use crate::schema::{categories as c, owners as o, vods as v};

pub use change::{Change, vod_retry, vod_update};
pub(crate) use change::{category_known, picture_write};
pub use delete::{vod_delete, vods_delete_of_user};
pub use urls::vods_renew_urls;

// PostgreSQL only uses the partial index of ready VODs if the status is a literal, not a parameter.
diesel::postfix_operator!(IsReady, " = 'ready'", Bool, backend: Pg);

diesel::define_sql_function! {
    /// PostgreSQL's `lower`.
    fn lower(text: Text) -> Text;
}

/// Sort keys and ids.
type Keys = v::BoxedQuery<'static, Pg, (Timestamptz, BigInt)>;

#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = v, check_for_backend(diesel::pg::Pg))]
pub struct VodRow {
    pub id: i64,
    /// Absent for uploads, and after the stream is deleted.
    pub stream_id: Option<i64>,
    /// RecordingOwner it is.
    pub user_id: i64,
    pub title: String,
    pub description: String,
    pub status: String,
    /// Only shown to the owner.
    pub failure_reason: Option<String>,
    /// Presigned.
    pub video_url: Option<String>,
    pub url_expires_at: Option<DateTime<Utc>>,
    /// The key of the video.
    pub b2_file_name: Option<String>,
    /// Presigned.
    pub thumbnail_url: Option<String>,
    pub thumbnail_url_expires_at: Option<DateTime<Utc>>,
    /// The version of the thumbnail.
    pub b2_thumbnail_file_id: Option<String>,
    /// The key of the thumbnail.
    pub b2_thumbnail_file_name: Option<String>,
    pub duration_seconds: f64,
    pub view_count: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Username and display name of the owner, if known.
type Names = Option<(String, String)>;
/// Id, name and slug of the category.
type CategoryNames = Option<(i64, String, String)>;

#[derive(Queryable, Selectable)]
#[diesel(table_name = v, check_for_backend(diesel::pg::Pg))]
struct Row {
    #[diesel(embed)]
    vod: VodRow,
    #[diesel(select_expression = (o::username, o::display_name).nullable())]
    owner: Names,
    #[diesel(select_expression = (c::id, c::name, c::slug).nullable())]
    category: CategoryNames,
}

#[auto_type(no_type_alias)]
fn with_names() -> _ {
    let owner = o::id.eq(v::user_id).and(o::deleted.eq(false));
    let category = c::id.nullable().eq(v::category_id).and(c::deleted.eq(false));
    v::table
        .left_join(o::table.on(owner))
        .left_join(c::table.on(category))
}

#[derive(Debug, Clone, PartialEq)]
pub struct Vod {
    pub row: VodRow,
    pub status: VodStatus,
    pub owner: Names,
    pub category: CategoryNames,
}

impl Vod {
    fn new(Row { vod, owner, category }: Row) -> Result<Self> {
        let row = vod;
        let status = VodStatus::try_from(&*row.status).map_err(|_| Error::Row {
            table: "vods",
            row: row.id,
        })?;
        Ok(Self {
            row,
            status,
            owner,
            category,
        })
    }

    /// RecordingOwner it is.
    #[must_use]
    pub fn user(&self) -> UserId {
        UserId(self.row.user_id)
    }
}

/// Selects the VODs of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    pub user: Option<UserId>,
    pub category: Option<CategoryId>,
    pub stream: Option<StreamId>,
    pub visibility: Visibility,
    /// The username of the owner. Case-insensitive.
    pub username: Option<String>,
    /// RecordingOwner category has a tag.
    pub tag: Option<String>,
    /// RecordingOwner search text matches all of these patterns.
    pub patterns: Vec<String>,
}

impl Filter {
    fn is_search(&self) -> bool {
        !self.patterns.is_empty() || self.tag.is_some() || self.username.is_some()
    }
}

/// Returns a VOD.
///
/// # Errors
/// [`Error::NotFound`] if it does not exist or the viewer may not see it.
pub async fn vod_visible(database: &Database, id: VodId, viewer: Option<Viewer>) -> Result<Vod> {
    let found = database
        .read(async move |conn: &mut AsyncPgConnection| -> Result<_> {
            let query = with_names().filter(v::id.eq(id.0)).select(Row::as_select());
            Ok(query.first::<Row>(conn).await.optional()?)
        })
        .await?;
    let vod = Vod::new(found.ok_or(Error::NotFound)?)?;
    if may_see(vod.status, vod.user(), viewer) {
        Ok(vod)
    } else {
        Err(Error::NotFound)
    }
}

/// Returns a page of VODs, newest first. Totals may be five seconds old; those of searches stop at 10,000.
pub async fn vods_list(
    database: &Database,
    totals: &Totals<Filter>,
    filter: Filter,
    page: PageRequest,
) -> Result<(Vec<Vod>, PageInfo)> {
    let count = totals.count(&filter, filter.is_search(), page);
    let listed = page_of(database, filter.clone(), count, page).await?;
    totals.insert(filter, count, &listed.1);
    Ok(listed)
}

async fn page_of(
    database: &Database,
    filter: Filter,
    count: Count,
    page: PageRequest,
) -> Result<(Vec<Vod>, PageInfo)> {
    let list = |page| {
        let rows = with_names()
            .filter(in_page(v::id))
            .order((v::created_at.desc(), v::id.desc()))
            .select((Row::as_select(), Total));
        List::new(matching(&filter), rows, SortKey::Time, count, page)
    };
    let cursor = |last: &Row| Cursor {
        key: last.vod.created_at.timestamp_micros(),
        id: last.vod.id,
    };
    let (rows, info) = database
        .read(async |conn: &mut AsyncPgConnection| {
            let loaded = list::load(conn, page, list, cursor).await;
            Ok::<_, Error>(loaded?)
        })
        .await?;
    let vods = rows.into_iter().map(Vod::new).collect::<Result<_>>()?;
    Ok((vods, info))
}

/// Selects the sort keys and ids of the VODs in a list.
fn matching(filter: &Filter) -> Keys {
    let mut query = v::table.select((v::created_at, v::id)).into_boxed();
    if let Some(user) = filter.user {
        query = query.filter(v::user_id.eq(user.0));
    }
    if let Some(category) = filter.category {
        query = query.filter(v::category_id.eq(category.0));
    }
    if let Some(stream) = filter.stream {
        query = query.filter(v::stream_id.eq(stream.0));
    }
    if let Some(username) = &filter.username {
        let named = o::table.filter(lower(o::username).eq(username.to_lowercase()));
        query = query.filter(v::user_id.eq_any(named.select(o::id)));
    }
    if let Some(tag) = &filter.tag {
        let tagged = c::table.filter(c::tags.contains(vec![tag.clone()]));
        query = query.filter(v::category_id.eq_any(tagged.select(c::id.nullable())));
    }
    for pattern in &filter.patterns {
        query = query.filter(v::search_text.like(opaque_pattern(pattern.clone())));
    }
    match filter.visibility {
        Visibility::Ready => query.filter(IsReady::new(v::status)),
        Visibility::ReadyOrOwnedBy(user) => query.filter(IsReady::new(v::status).or(v::user_id.eq(user.0))),
        Visibility::All => query,
    }
}

/// Returns the newest ready VOD of a stream.
///
/// # Errors
/// [`Error::StreamHasNoVod`].
pub async fn vod_latest_of_stream(database: &Database, stream: StreamId) -> Result<Vod> {
    let filter = Filter {
        stream: Some(stream),
        ..Filter::default()
    };
    let (vods, _) = page_of(database, filter, Count::No, PageRequest::first(1)).await?;
    vods.into_iter().next().ok_or(Error::StreamHasNoVod)
}
