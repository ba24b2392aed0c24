-- What a function's names mean is not for its caller to say. The first three stand in a file that also
-- makes triggers; `lock_wallets` would be dropped by running its file again, while others call it.
ALTER FUNCTION check_new_wallets() SET search_path = public, pg_temp;
ALTER FUNCTION refuse_asset_change() SET search_path = public, pg_temp;
ALTER FUNCTION refuse_reopening() SET search_path = public, pg_temp;
ALTER FUNCTION lock_wallets(uuid[]) SET search_path = public, pg_temp;
