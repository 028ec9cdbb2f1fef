-- What was written since the last vacuum would be a list that every search reads from end to end.
ALTER INDEX streams_search_idx SET (fastupdate = off);
SELECT gin_clean_pending_list('streams_search_idx');
