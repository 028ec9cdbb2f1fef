-- Otherwise every search scans the pending list, which contains all changes since the last vacuum.
ALTER INDEX vods_search_idx SET (fastupdate = off);
SELECT gin_clean_pending_list('vods_search_idx');
