-- Pages of what happened, newest first. Each side of a wallet is read from the end of its own index
-- and stops after one page; then the sides are merged.
--
-- Left to itself, the planner sorts a wallet's whole life while its statistics are from the time
-- before the wallet got busy. Here it has one way left, which is right whatever the statistics say:
-- sorts are switched off, and only the index of (wallet, id) has the order that is asked for. So the
-- wallet is compared together with the id. `wallet_id = wallet` would mean the same, but then
-- the primary key had that order, too, and reads everybody's rows. The id alone is compared once
-- more, for the choice of partitions.
-- The plan is made once for each session: planning for dozens of partitions takes longer than
-- reading a page.
CREATE OR REPLACE FUNCTION ledger_history(
    wallet       uuid,
    before       uuid,     -- ids below it
    since        uuid,     -- ids from it on
    is_completed boolean,  -- NULL: failed ones, too
    of_kind      varchar,  -- NULL: every kind
    skipped      bigint,
    wanted       bigint
) RETURNS SETOF ledger_entry LANGUAGE plpgsql STABLE
SET enable_sort = off SET enable_incremental_sort = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    month_ms CONSTANT bigint := 31 * 24 * 60 * 60 * 1000::bigint;
    before_ms bigint := ('x' || left(replace(before::text, '-', ''), 12))::bit(48)::bigint;
    -- The ids that are looked at: of the month below `before` first, then of what is left. A busy
    -- wallet's page lies in that month, and no other one is opened for it.
    ending uuid := before;
    beginning uuid := greatest(
        since, (lpad(to_hex(greatest(before_ms - month_ms, 0)), 12, '0') || repeat('0', 20))::uuid
    );
    found_now bigint;
    found_all bigint := 0;
BEGIN
    IF skipped > 0 THEN
        beginning := since;
    END IF;
    LOOP
        RETURN QUERY
        (SELECT * FROM ledger_entry e
          WHERE e.direction = 'DEBIT'
            AND (e.wallet_id, e.transaction_id) < (wallet, ending)
            AND (e.wallet_id, e.transaction_id) >= (wallet, beginning)
            AND e.transaction_id < ending AND e.transaction_id >= beginning
            AND (is_completed IS NULL OR (e.failure_code IS NULL) = is_completed)
            AND (of_kind IS NULL OR e.kind = of_kind)
          ORDER BY e.wallet_id DESC, e.transaction_id DESC LIMIT skipped + wanted - found_all)
        UNION ALL
        (SELECT * FROM ledger_entry e
          WHERE e.direction = 'CREDIT'
            AND (e.wallet_id, e.transaction_id) < (wallet, ending)
            AND (e.wallet_id, e.transaction_id) >= (wallet, beginning)
            AND e.transaction_id < ending AND e.transaction_id >= beginning
            AND (is_completed IS NULL OR (e.failure_code IS NULL) = is_completed)
            AND (of_kind IS NULL OR e.kind = of_kind)
          ORDER BY e.wallet_id DESC, e.transaction_id DESC LIMIT skipped + wanted - found_all)
        ORDER BY transaction_id DESC OFFSET skipped LIMIT wanted - found_all;
        GET DIAGNOSTICS found_now = ROW_COUNT;
        found_all := found_all + found_now;
        EXIT WHEN found_all >= wanted OR beginning <= since;
        ending := beginning;
        beginning := since;
    END LOOP;
END
$$;

-- Of several wallets, each transaction once.
CREATE OR REPLACE FUNCTION ledger_newest_transactions(
    wallets        uuid[],
    before         uuid,
    completed_only boolean,
    wanted         bigint
) RETURNS SETOF ledger_transaction LANGUAGE plpgsql STABLE
SET enable_sort = off SET enable_incremental_sort = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    zero CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    RETURN QUERY
    SELECT DISTINCT ON (newest.id) newest.*
      FROM unnest(wallets) AS w (id)
     CROSS JOIN LATERAL (
          (SELECT * FROM ledger_transaction t
            WHERE (t.source_id, t.id) < (w.id, before) AND (t.source_id, t.id) >= (w.id, zero)
              AND t.id < before AND (t.failure_code IS NULL OR NOT completed_only)
            ORDER BY t.source_id DESC, t.id DESC LIMIT wanted)
          UNION ALL
          (SELECT * FROM ledger_transaction t
            WHERE (t.target_id, t.id) < (w.id, before) AND (t.target_id, t.id) >= (w.id, zero)
              AND t.id < before AND (t.failure_code IS NULL OR NOT completed_only)
            ORDER BY t.target_id DESC, t.id DESC LIMIT wanted)
     ) AS newest
     ORDER BY newest.id DESC LIMIT wanted;
END
$$;
