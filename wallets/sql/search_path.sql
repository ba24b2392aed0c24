-- What a function's names mean is not for its caller to say. These stand in a file that also makes
-- triggers.
ALTER FUNCTION check_new_wallets() SET search_path = public, pg_temp;
ALTER FUNCTION refuse_asset_change() SET search_path = public, pg_temp;
ALTER FUNCTION refuse_reopening() SET search_path = public, pg_temp;
