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
CREATE FUNCTION ledger_history(
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
    seconds double precision :=
        ('x' || left(replace(before::text, '-', ''), 12))::bit(48)::bigint / 1000;
    -- The ids that are looked at: of the month below `before` first, then of what is left. A busy
    -- wallet's page lies in that month, and no other one is opened for it.
    ending uuid := before;
    beginning uuid := CASE WHEN skipped > 0 THEN since ELSE greatest(
        since, first_id_at(greatest(to_timestamp(seconds) - interval '31 days', 'epoch'))
    ) END;
    found bigint;
BEGIN
    LOOP
        RETURN QUERY
        SELECT * FROM ledger_entry e
         WHERE (e.wallet_id, e.transaction_id) < (wallet, ending)
           AND (e.wallet_id, e.transaction_id) >= (wallet, beginning)
           AND e.transaction_id < ending AND e.transaction_id >= beginning
           AND (is_completed IS NULL OR (e.failure_code IS NULL) = is_completed)
           AND (of_kind IS NULL OR e.kind = of_kind)
         ORDER BY e.wallet_id DESC, e.transaction_id DESC OFFSET skipped LIMIT wanted;
        GET DIAGNOSTICS found = ROW_COUNT;
        wanted := wanted - found;
        EXIT WHEN wanted <= 0 OR beginning <= since;
        ending := beginning;
        beginning := since;
    END LOOP;
END
$$;

-- Of several wallets, each transaction once.
CREATE FUNCTION ledger_newest_transactions(
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
