//! VODs, with the names that lists show beside them.

mod change;
mod delete;
mod urls;

use ::domain::page::PageStart;
use ::domain::{CategoryId, Cursor, PageInfo, PageRequest, StreamId, UserId, VodId};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use storage::Database;

use crate::domain::{Status, Viewer, may_see};
use crate::error::{Error, Result};
use crate::schema::{categories as c, owners as o, vods as v};

pub use change::{Change, vod_retry, vod_update};
pub(crate) use change::{category_known, picture_write};
pub use delete::{vod_delete, vods_delete_of_user};
pub use urls::vods_renew_urls;

/// Where the total of a search stops.
const MOST_FOUND: u64 = 10_000;

/// A VOD as it is stored.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = v, check_for_backend(diesel::pg::Pg))]
pub struct VodRow {
    /// The VOD.
    pub id: i64,
    /// The stream, while it exists.
    pub stream_id: Option<i64>,
    /// Whose it is.
    pub user_id: i64,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: String,
    /// The status by name.
    pub status: String,
    /// For its owner.
    pub failure_reason: Option<String>,
    /// Presigned.
    pub video_url: Option<String>,
    /// When that ends.
    pub url_expires_at: Option<DateTime<Utc>>,
    /// The object's key.
    pub b2_file_name: Option<String>,
    /// Presigned.
    pub thumbnail_url: Option<String>,
    /// When that ends.
    pub thumbnail_url_expires_at: Option<DateTime<Utc>>,
    /// The picture's version.
    pub b2_thumbnail_file_id: Option<String>,
    /// The picture's key.
    pub b2_thumbnail_file_name: Option<String>,
    /// Seconds.
    pub duration_seconds: f64,
    /// Views.
    pub view_count: i64,
    /// When its recording was noted.
    pub created_at: DateTime<Utc>,
    /// When it changed.
    pub updated_at: DateTime<Utc>,
}

/// Names of its owner, while they are known.
type Names = Option<(String, String)>;
/// Id, name and slug of its category.
type CategoryNames = Option<(i64, String, String)>;

/// A VOD with the names that belong to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Vod {
    /// The VOD.
    pub row: VodRow,
    /// What can be done with it.
    pub status: Status,
    /// The owner's username and display name.
    pub owner: Names,
    /// The category.
    pub category: CategoryNames,
}

impl Vod {
    fn new((row, owner, category): (VodRow, Names, CategoryNames)) -> Result<Self> {
        let status = Status::parse(&row.status).ok_or(Error::Row {
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

    /// Whose it is.
    #[must_use]
    pub fn user(&self) -> UserId {
        UserId(self.row.user_id)
    }
}

/// Which VODs a list is of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of one owner.
    pub user: Option<UserId>,
    /// Of one category.
    pub category: Option<CategoryId>,
    /// Of one stream.
    pub stream: Option<StreamId>,
    /// Also those that cannot be watched.
    pub all_states: bool,
    /// Of the user who is called so, without case.
    pub username: Option<String>,
    /// Whose category has a tag.
    pub tag: Option<String>,
    /// Whose search text matches all of these patterns.
    pub patterns: Vec<String>,
}

impl Filter {
    fn is_search(&self) -> bool {
        !self.patterns.is_empty() || self.tag.is_some() || self.username.is_some()
    }
}

/// A VOD that the viewer may see.
///
/// # Errors
/// [`Error::NotFound`] when there is none for this viewer; the store's.
pub async fn vod_visible(database: &Database, id: VodId, viewer: Option<Viewer>) -> Result<Vod> {
    let found = database
        .read(async move |conn: &mut AsyncPgConnection| -> Result<_> {
            let query = v::table
                .left_join(o::table.on(o::id.eq(v::user_id).and(o::deleted.eq(false))))
                .left_join(c::table.on(c::id.nullable().eq(v::category_id).and(c::deleted.eq(false))))
                .filter(v::id.eq(id.0))
                .select((
                    VodRow::as_select(),
                    (o::username, o::display_name).nullable(),
                    (c::id, c::name, c::slug).nullable(),
                ));
            Ok(query
                .first::<(VodRow, Names, CategoryNames)>(conn)
                .await
                .optional()?)
        })
        .await?;
    let vod = Vod::new(found.ok_or(Error::NotFound)?)?;
    if may_see(vod.status, vod.user(), viewer) {
        Ok(vod)
    } else {
        Err(Error::NotFound)
    }
}

/// A page of VODs, newest first, in one statement.
///
/// # Errors
/// The store's.
pub async fn vods_list(
    database: &Database,
    filter: Filter,
    page: PageRequest,
) -> Result<(Vec<Vod>, PageInfo)> {
    let is_search = filter.is_search();
    let (rows, total) = database
        .read(async move |conn: &mut AsyncPgConnection| {
            let rows = list(conn, &filter, page).await?;
            let total = match rows.as_slice().first() {
                Some((.., total)) => *total,
                // Beyond the end there is no row to carry the total.
                None if page.offset() > 0 => {
                    let first = PageRequest {
                        start: PageStart::Page(1),
                        limit: 1,
                    };
                    list(conn, &filter, first)
                        .await?
                        .as_slice()
                        .first()
                        .map_or(0, |(.., total)| *total)
                }
                None => 0,
            };
            Ok::<_, Error>((rows, total))
        })
        .await?;
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    let vods = rows
        .into_iter()
        .take(limit)
        .map(|(row, names, category, _)| Vod::new((row, names, category)))
        .collect::<Result<Vec<_>>>()?;
    let last = vods.last().filter(|_| more);
    let next_cursor = last.map(|vod| Cursor {
        key: vod.row.created_at.timestamp_micros(),
        id: vod.row.id,
    });
    let total_items = match page.start {
        PageStart::Page(_) => Some(u64::try_from(total).unwrap_or(0)),
        PageStart::After(_) => None,
    };
    let total_items_capped = is_search && total_items.is_some_and(|total| total > MOST_FOUND);
    Ok((
        vods,
        PageInfo {
            total_items: total_items.map(|total| if is_search { total.min(MOST_FOUND) } else { total }),
            total_items_capped,
            next_cursor,
        },
    ))
}

/// The last is the length of the whole list, where it is asked for.
type Counted = (VodRow, Names, CategoryNames, i64);

/// One row more than the page has, to know whether another page follows.
async fn list(conn: &mut AsyncPgConnection, filter: &Filter, page: PageRequest) -> Result<Vec<Counted>> {
    let mut query = v::table
        .left_join(o::table.on(o::id.eq(v::user_id).and(o::deleted.eq(false))))
        .left_join(c::table.on(c::id.nullable().eq(v::category_id).and(c::deleted.eq(false))))
        .order((v::created_at.desc(), v::id.desc()))
        .limit(i64::from(page.limit) + 1)
        .offset(i64::try_from(page.offset()).unwrap_or(i64::MAX))
        .into_boxed();
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
        let named =
            sql::<Bool>("vods.user_id IN (SELECT named.id FROM owners named WHERE lower(named.username) = ");
        query = query.filter(named.bind::<Text, _>(username.to_lowercase()).sql(")"));
    }
    if let Some(tag) = &filter.tag {
        let tagged =
            sql::<Bool>("vods.category_id IN (SELECT tagged.id FROM categories tagged WHERE tagged.tags @> ");
        query = query.filter(tagged.bind::<Array<Text>, _>(vec![tag.clone()]).sql(")"));
    }
    for pattern in &filter.patterns {
        query = query.filter(v::search_text.like(pattern));
    }
    if !filter.all_states {
        query = query.filter(v::status.eq(Status::Ready.as_str()));
    }
    let count = match page.start {
        PageStart::Page(_) => "count(*) OVER ()",
        PageStart::After(cursor) => {
            let time = cursor.time();
            let after = v::created_at
                .lt(time)
                .or(v::created_at.eq(time).and(v::id.lt(cursor.id)));
            query = query.filter(v::created_at.le(time)).filter(after);
            "0::bigint"
        }
    };
    let columns = (
        VodRow::as_select(),
        (o::username, o::display_name).nullable(),
        (c::id, c::name, c::slug).nullable(),
        sql::<BigInt>(count),
    );
    Ok(query.select(columns).load(conn).await?)
}

/// The stream's newest VOD that can be watched.
///
/// # Errors
/// [`Error::NoneOfStream`]; the store's.
pub async fn vod_latest_of_stream(database: &Database, stream: StreamId) -> Result<Vod> {
    let filter = Filter {
        stream: Some(stream),
        ..Filter::default()
    };
    let first = PageRequest {
        start: PageStart::Page(1),
        limit: 1,
    };
    let (vods, _) = vods_list(database, filter, first).await?;
    vods.into_iter().next().ok_or(Error::NoneOfStream)
}
