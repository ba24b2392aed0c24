-- Pages of a wallet's listed entries, newest first. Each side of a wallet is read from the end of its own index and
-- stops after one page; then the sides are merged.
--
-- With statistics from before the wallet got busy, the planner would sort the wallet's whole history.
-- Here only one plan is left, which is right with any statistics: sorts are disabled, and only the index
-- on (wallet, id) has the requested order. That is why the wallet is compared together with the id.
-- `wallet_id = wallet` would mean the same, but then the primary key had that order, too, and an index
-- scan of it reads the rows of all wallets. The comparison of the id alone is for partition pruning.
-- The plan is made once per session: planning for dozens of partitions takes longer than reading a page.
CREATE OR REPLACE FUNCTION ledger_history(
    wallet       uuid,
    before       uuid,     -- exclusive upper bound of the ids
    since        uuid,     -- inclusive lower bound of the ids
    is_completed boolean,  -- NULL: completed and failed
    of_kind      varchar,  -- NULL: every kind
    row_offset   bigint,
    row_limit    bigint
) RETURNS SETOF ledger_entry LANGUAGE plpgsql STABLE
SET enable_sort = off SET enable_incremental_sort = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET search_path = public, pg_temp AS $$
DECLARE
    seconds double precision :=
        ('x' || left(replace(before::text, '-', ''), 12))::bit(48)::bigint / 1000;
    -- The range of ids that is read: first the month below `before`, then the rest. A busy wallet's
    -- page lies in that month, so no other partition is opened.
    upper_id uuid := before;
    lower_id uuid := CASE WHEN row_offset > 0 THEN since ELSE greatest(
        since, first_id_at(greatest(to_timestamp(seconds) - interval '31 days', 'epoch'))
    ) END;
    found bigint;
BEGIN
    LOOP
        RETURN QUERY
        SELECT * FROM ledger_entry e
         WHERE (e.wallet_id, e.transaction_id) < (wallet, upper_id)
           AND (e.wallet_id, e.transaction_id) >= (wallet, lower_id)
           AND e.transaction_id < upper_id AND e.transaction_id >= lower_id
           AND e.is_listed
           AND (is_completed IS NULL OR (e.failure_code IS NULL) = is_completed)
           AND (of_kind IS NULL OR e.kind = of_kind)
         ORDER BY e.wallet_id DESC, e.transaction_id DESC OFFSET row_offset LIMIT row_limit;
        GET DIAGNOSTICS found = ROW_COUNT;
        row_limit := row_limit - found;
        EXIT WHEN row_limit <= 0 OR lower_id <= since;
        upper_id := lower_id;
        lower_id := since;
    END LOOP;
END
$$;

-- The newest transactions of several wallets, each transaction once. A hold and a release are the payer's.
-- With `moved_only` they are left out, and so is what failed.
DROP FUNCTION IF EXISTS ledger_newest_transactions(uuid[], uuid, boolean, bigint);  -- of 0.4.0
CREATE FUNCTION ledger_newest_transactions(
    wallets    uuid[],
    before     uuid,
    moved_only boolean,
    row_limit  bigint
) RETURNS SETOF ledger_transaction LANGUAGE plpgsql STABLE
SET enable_sort = off SET enable_incremental_sort = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
SET search_path = public, pg_temp AS $$
DECLARE
    zero CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    RETURN QUERY
    SELECT DISTINCT ON (newest.id) newest.*
      FROM unnest(wallets) AS w (id)
     CROSS JOIN LATERAL (
          (SELECT * FROM ledger_transaction t
            WHERE (t.source_id, t.id) < (w.id, before) AND (t.source_id, t.id) >= (w.id, zero)
              AND t.id < before
              AND (NOT moved_only
                   OR (t.failure_code IS NULL AND t.kind NOT IN ('hold', 'release')))
            ORDER BY t.source_id DESC, t.id DESC LIMIT row_limit)
          UNION ALL
          (SELECT * FROM ledger_transaction t
            WHERE (t.target_id, t.id) < (w.id, before) AND (t.target_id, t.id) >= (w.id, zero)
              AND t.id < before AND (t.failure_code IS NULL OR NOT moved_only)
              AND t.kind NOT IN ('hold', 'release')
            ORDER BY t.target_id DESC, t.id DESC LIMIT row_limit)
     ) AS newest
     ORDER BY newest.id DESC LIMIT row_limit;
END
$$;
