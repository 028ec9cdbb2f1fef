-- With fastupdate, every search would scan all entries added since the last vacuum.
ALTER INDEX streams_search_idx SET (fastupdate = off);
SELECT gin_clean_pending_list('streams_search_idx');
