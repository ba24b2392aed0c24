-- Queries of a statement. Versions define the order, even when a clock has stepped back.
--
-- As in history.sql the plans are made once per session, and sorts are disabled: only the indexes on
-- (wallet, version) have the requested order.

-- Returns the entry with the highest version among a wallet's completed entries with an id below
-- `before`.
--
-- The search goes backwards from the newest entry of that month: for a time in the middle of a busy
-- month it reads each entry that the wallet got later in that month.
CREATE OR REPLACE FUNCTION ledger_newest_entry(wallet uuid, before uuid)
RETURNS SETOF ledger_entry LANGUAGE plpgsql STABLE
SET enable_sort = off SET enable_incremental_sort = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM ledger_entry e
     WHERE e.wallet_id = wallet AND e.version IS NOT NULL AND e.transaction_id < before
     ORDER BY e.version DESC LIMIT 1;
END
$$;

-- Returns a wallet's entries with versions above `after` up to `last`, oldest first. The caller knows
-- that none has an id below `since`, which saves opening earlier partitions. Later partitions are opened
-- though mostly empty: a clock may have been ahead by any time.
CREATE OR REPLACE FUNCTION ledger_entries_of_versions(
    wallet uuid, after bigint, last bigint, since uuid, row_limit bigint
) RETURNS SETOF ledger_entry LANGUAGE plpgsql STABLE
SET enable_sort = off SET enable_incremental_sort = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM ledger_entry e
     WHERE e.wallet_id = wallet AND e.version > after AND e.version <= last
       AND e.transaction_id >= since
     ORDER BY e.version LIMIT row_limit;
END
$$;
