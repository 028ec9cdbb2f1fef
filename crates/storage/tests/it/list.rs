//! Pages of lists, compared with the same list sorted and sliced in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use primitives::page::PageStart;
use primitives::{Cursor, PageInfo, PageRequest};
use storage::list::{self, Count, List, SortKey, Total, in_page, opaque_pattern};
use storage::{AsyncPgConnection, Database, Error};

use crate::fresh;

diesel::table! {
    items (id) {
        id -> BigInt,
        at -> Timestamptz,
        score -> Integer,
        name -> Nullable<Text>,
    }
}

const ITEMS: i64 = 60;
const KEYS: [SortKey; 4] = [SortKey::Time, SortKey::Number, SortKey::Id, SortKey::AscendingId];

type Item = (i64, DateTime<Utc>, i32);
type Page = (Vec<Item>, PageInfo);

/// Creates items with equal keys, every second of which is named "even". Returns the time of the first.
async fn filled() -> (Database, DateTime<Utc>) {
    let database = Database::connect(&fresh().await).unwrap();
    let first = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let fill = format!(
        "CREATE TABLE items (
             id bigint PRIMARY KEY, at timestamptz NOT NULL, score integer NOT NULL, name text NOT NULL
         );
         INSERT INTO items
         SELECT n, to_timestamp(1790000000 + n / 3), n % 7, CASE n % 2 WHEN 0 THEN 'even' ELSE 'odd' END
         FROM generate_series(1, {ITEMS}) n"
    );
    database.get().await.unwrap().batch_execute(&fill).await.unwrap();
    (database, first)
}

/// Returns a page of the even items, and the number of statements that read it.
async fn even(database: &Database, key: SortKey, count: Count, page: PageRequest) -> (Page, usize) {
    let statements = Arc::new(AtomicUsize::new(0));
    let started = statements.clone();
    let read = async move |conn: &mut AsyncPgConnection| {
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                started.fetch_add(1, Ordering::Relaxed);
            }
        });
        let wanted = items::name.like(opaque_pattern("eve%".to_owned()));
        let cursor = |item: &Item| cursor(key, item);
        macro_rules! sorted_by {
            ($column:expr, $order:expr) => {{
                let list = |page| {
                    let keys = items::table
                        .select(($column, items::id))
                        .filter(wanted.clone());
                    let rows = items::table.filter(in_page(items::id)).order($order);
                    let rows = rows.select(((items::id, items::at, items::score), Total));
                    List::new(keys, rows, key, count, page)
                };
                list::load(conn, page, list, cursor).await
            }};
        }
        let loaded = match key {
            SortKey::Time => sorted_by!(items::at, (items::at.desc(), items::id.desc())),
            SortKey::Number => sorted_by!(items::score, (items::score.desc(), items::id.desc())),
            SortKey::Id => sorted_by!(items::id, items::id.desc()),
            SortKey::AscendingId => sorted_by!(items::id, items::id),
        };
        Ok::<_, Error>(loaded?)
    };
    let page = database.read(read).await.unwrap();
    (page, AtomicUsize::load(&statements, Ordering::Relaxed))
}

fn cursor(key: SortKey, (id, at, score): &Item) -> Cursor {
    let key = match key {
        SortKey::Time => at.timestamp_micros(),
        SortKey::Number => i64::from(*score),
        SortKey::Id | SortKey::AscendingId => *id,
    };
    Cursor { key, id: *id }
}

/// Returns the list of even items, sorted in memory.
fn expected(first: DateTime<Utc>, key: SortKey) -> Vec<Item> {
    let item = |n: i64| {
        let score = i32::try_from(n % 7).unwrap();
        (n, first + TimeDelta::seconds(n / 3), score)
    };
    let mut items: Vec<Item> = (1..=ITEMS).filter(|n| n % 2 == 0).map(item).collect();
    items.sort_by_key(|item| {
        let cursor = cursor(key, item);
        let rising = (cursor.key, cursor.id);
        let falling = (-cursor.key, -cursor.id);
        if key == SortKey::AscendingId {
            rising
        } else {
            falling
        }
    });
    items
}

#[tokio::test]
async fn pages_are_slices_of_the_list_with_any_count() {
    let (database, first) = filled().await;
    // `UpTo` reads the page from the counted rows, or in sort order if there are more.
    let counts = [Count::All, Count::Known(30), Count::UpTo(30), Count::UpTo(7)];
    for key in KEYS {
        let all = expected(first, key);
        for count in counts {
            for (number, limit) in [(1, 4), (2, 4), (8, 4), (1, 30), (1, 100), (3, 10)] {
                let request = PageRequest::parse(Some(number), Some(limit), None).unwrap();
                let ((rows, info), statements) = even(&database, key, count, request).await;
                let start = usize::try_from(request.offset()).unwrap();
                let end = all.len().min(start + usize::try_from(limit).unwrap());
                let context = format!("{key:?} {count:?} {number} {limit}");
                assert_eq!(rows, all[start..end], "{context}");
                let (total, capped) = if count == Count::UpTo(7) {
                    (7, true)
                } else {
                    (30, false)
                };
                assert_eq!(
                    (info.total_items, info.total_items_capped),
                    (Some(total), capped),
                    "{context}"
                );
                let last = (end < all.len()).then(|| cursor(key, &all[end - 1]));
                assert_eq!(info.next_cursor, last, "{context}");
                assert_eq!(statements, 1, "{context}");
            }
        }
    }
}

#[tokio::test]
async fn cursors_traverse_the_whole_list() {
    let (database, first) = filled().await;
    for key in KEYS {
        for count in [Count::No, Count::UpTo(30), Count::UpTo(7)] {
            let mut found = Vec::new();
            let mut start = PageStart::Page(1);
            loop {
                let request = PageRequest { start, limit: 7 };
                let ((rows, info), _) = even(&database, key, count, request).await;
                if let PageStart::After(_) = start {
                    assert_eq!(info.total_items, None);
                }
                found.extend(rows);
                match info.next_cursor {
                    Some(cursor) => start = PageStart::After(cursor),
                    None => break,
                }
            }
            assert_eq!(found, expected(first, key), "{key:?} {count:?}");
        }
    }
}

#[tokio::test]
async fn page_beyond_the_end_has_totals() {
    let (database, _) = filled().await;
    let beyond = PageRequest::parse(Some(9), Some(4), None).unwrap();
    for count in [Count::All, Count::Known(30), Count::UpTo(30)] {
        let ((rows, info), _) = even(&database, SortKey::Time, count, beyond).await;
        assert_eq!(
            (rows.len(), info.total_items, info.next_cursor),
            (0, Some(30), None)
        );
    }
}
