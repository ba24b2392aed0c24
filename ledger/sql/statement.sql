-- What a statement is read from. Versions tell the order, even where a clock has stepped back; ids
-- only choose the months that have to be opened. As in history.sql the plans are made once for each
-- session, and sorts are switched off: only the index of (wallet, version) has the order.

-- The newest of a wallet's completed entries with an id below `before`, if any.
CREATE OR REPLACE FUNCTION ledger_newest_entry(wallet uuid, before uuid)
RETURNS SETOF ledger_entry LANGUAGE plpgsql STABLE
SET enable_sort = off SET enable_incremental_sort = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    (SELECT * FROM ledger_entry e
      WHERE e.direction = 'DEBIT' AND e.wallet_id = wallet AND e.version IS NOT NULL
        AND e.transaction_id < before
      ORDER BY e.version DESC LIMIT 1)
    UNION ALL
    (SELECT * FROM ledger_entry e
      WHERE e.direction = 'CREDIT' AND e.wallet_id = wallet AND e.version IS NOT NULL
        AND e.transaction_id < before
      ORDER BY e.version DESC LIMIT 1)
    ORDER BY version DESC LIMIT 1;
END
$$;

-- Its completed entries of the versions above `after` up to `last`, oldest first.
CREATE OR REPLACE FUNCTION ledger_entries_of_versions(
    wallet uuid,
    after  bigint,
    last   bigint,
    since  uuid,    -- none of them has an id below it
    wanted bigint
) RETURNS SETOF ledger_entry LANGUAGE plpgsql STABLE
SET enable_sort = off SET enable_incremental_sort = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    (SELECT * FROM ledger_entry e
      WHERE e.direction = 'DEBIT' AND e.wallet_id = wallet
        AND e.version > after AND e.version <= last
        AND e.transaction_id >= since
      ORDER BY e.version LIMIT wanted)
    UNION ALL
    (SELECT * FROM ledger_entry e
      WHERE e.direction = 'CREDIT' AND e.wallet_id = wallet
        AND e.version > after AND e.version <= last
        AND e.transaction_id >= since
      ORDER BY e.version LIMIT wanted)
    ORDER BY version LIMIT wanted;
END
$$;
