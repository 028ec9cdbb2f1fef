ALTER INDEX vods_search_idx SET (fastupdate = on);
