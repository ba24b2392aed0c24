-- What a statement is read from. Versions tell the order, even where a clock has stepped back.
--
-- As in history.sql the plans are made once for each session, and sorts are switched off: only the
-- indexes of (wallet, version) have the order that is asked for.

-- Of a wallet's completed entries with an id below `before`, the one with the highest version.
--
-- It is looked for from the newest entry of that month backwards: a moment in the middle of a busy
-- month costs a look at each entry that the wallet has had since, until the month ends.
CREATE FUNCTION ledger_newest_entry(wallet uuid, before uuid)
RETURNS SETOF ledger_entry LANGUAGE plpgsql STABLE
SET enable_sort = off SET enable_incremental_sort = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM ledger_entry e
     WHERE e.wallet_id = wallet AND e.version IS NOT NULL AND e.transaction_id < before
     ORDER BY e.version DESC LIMIT 1;
END
$$;

-- Its entries of the versions above `after` up to `last`, oldest first. None of them may have an id
-- below `since`, which only saves opening earlier months. Later ones are opened, empty as they are:
-- how far ahead a clock once was, nobody knows.
CREATE FUNCTION ledger_entries_of_versions(
    wallet uuid, after bigint, last bigint, since uuid, wanted bigint
) RETURNS SETOF ledger_entry LANGUAGE plpgsql STABLE
SET enable_sort = off SET enable_incremental_sort = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM ledger_entry e
     WHERE e.wallet_id = wallet AND e.version > after AND e.version <= last
       AND e.transaction_id >= since
     ORDER BY e.version LIMIT wanted;
END
$$;
