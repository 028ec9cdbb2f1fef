ALTER INDEX streams_search_idx SET (fastupdate = on);
