-- Verification of the ledger. The database itself finds and counts, so that a verification which is on
-- record has been done: the app's role can begin one and carry it on, and write none of its results.

-- What contradicts the transactions about the wallets with ids from `low` to `high`, a row for each problem:
-- balances, versions and what is held on the wallets and on their entries, holds, fees and splits, and entries
-- without a wallet. STABLE: all of it is read from the snapshot of the calling statement, or money that moves
-- between two of these queries would look wrong.
--
-- A hold and a release are an entry of the payer's alone, and leave its balance as it was. A hold that has
-- expired counts until its release is written, on the wallet and among the holds.
CREATE OR REPLACE FUNCTION ledger_findings(low uuid, high uuid)
RETURNS TABLE (wallet_id uuid, problem text)
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH entry AS (
        SELECT wallet_id, version, balance_after_minor, held_after_minor,
               CASE WHEN kind IN ('hold', 'release') THEN 0
                    WHEN direction = 'CREDIT' THEN amount_minor ELSE -amount_minor END AS moved,
               CASE WHEN direction = 'CREDIT' THEN 0
                    WHEN kind = 'hold' THEN amount_minor
                    WHEN kind IN ('capture', 'release') THEN -amount_minor ELSE 0 END AS held
          FROM ledger_entry
         WHERE failure_code IS NULL AND NOT wallet_is_system AND is_listed
           AND wallet_id >= low AND wallet_id <= high
    ), running AS (
        SELECT e.*, sum(moved) OVER up_to_it AS balance_then, sum(held) OVER up_to_it AS held_then
          FROM entry e
        WINDOW up_to_it AS (PARTITION BY wallet_id ORDER BY version)
    ), summed AS (
        SELECT wallet_id, count(*) AS entries, max(version) AS last_version, sum(moved) AS balance,
               sum(held) AS held,
               bool_or(balance_after_minor <> balance_then) AS has_other_balance,
               bool_or(held_after_minor <> held_then) AS has_other_held
          FROM running
         GROUP BY wallet_id
    ), active AS (
        SELECT payer_wallet_id, sum(amount_minor - captured_minor - released_minor) AS remaining,
               min(expires_at) AS first_expiry
          FROM ledger_hold
         WHERE status = 'active' AND payer_wallet_id >= low AND payer_wallet_id <= high
         GROUP BY payer_wallet_id
    ), wallet AS (
        SELECT id, balance_minor, held_minor, next_expiry, version
          FROM wallets_wallet WHERE owner_id IS NOT NULL AND id >= low AND id <= high
    )
    SELECT coalesce(w.id, e.wallet_id), found.problem
      FROM wallet w
      FULL JOIN summed e ON e.wallet_id = w.id
      LEFT JOIN active h ON h.payer_wallet_id = w.id
     CROSS JOIN LATERAL (VALUES
          (CASE WHEN w.id IS NOT NULL
                 AND (w.balance_minor, w.version, w.version)
                     IS DISTINCT FROM (coalesce(e.balance, 0), coalesce(e.entries, 0),
                                       coalesce(e.last_version, 0))
                THEN format('holds %s at version %s; its %s entries add up to %s at version %s',
                            w.balance_minor, w.version, coalesce(e.entries, 0),
                            coalesce(e.balance, 0), coalesce(e.last_version, 0)) END),
          (CASE WHEN e.has_other_balance
                THEN 'the balance on an entry differs from the sum of the entries up to it' END),
          (CASE WHEN w.id IS NOT NULL AND w.held_minor <> coalesce(e.held, 0)
                THEN format('has %s held; its entries hold %s', w.held_minor,
                            coalesce(e.held, 0)) END),
          (CASE WHEN e.has_other_held
                THEN 'what is held on an entry differs from the sum of the entries up to it' END),
          (CASE WHEN w.id IS NOT NULL AND w.held_minor <> coalesce(h.remaining, 0)
                THEN format('has %s held; of its holds remains %s', w.held_minor,
                            coalesce(h.remaining, 0)) END),
          (CASE WHEN w.next_expiry IS DISTINCT FROM h.first_expiry
                THEN format('says that a hold expires at %s; the first one does at %s',
                            coalesce(w.next_expiry::text, 'no time'),
                            coalesce(h.first_expiry::text, 'no time')) END)
     ) AS found (problem)
     WHERE found.problem IS NOT NULL;
    RETURN QUERY
    SELECT coalesce(h.payer_wallet_id, t.source_id),
           CASE WHEN h.id IS NULL
                THEN format('has transactions of the hold %s, which is not one between their wallets',
                            t.hold_id)
                ELSE format('its hold %s is of %s, captured %s, released %s; its transactions say'
                            ' %s, %s, %s', h.id, h.amount_minor, h.captured_minor, h.released_minor,
                            coalesce(t.held, 0), coalesce(t.captured, 0), coalesce(t.released, 0))
           END
      FROM (SELECT * FROM ledger_hold
             WHERE payer_wallet_id >= low AND payer_wallet_id <= high) h
      FULL JOIN (
          SELECT hold_id, source_id, target_id,
                 sum(amount_minor) FILTER (WHERE kind = 'hold') AS held,
                 sum(amount_minor) FILTER (WHERE kind = 'capture') AS captured,
                 sum(amount_minor) FILTER (WHERE kind = 'release') AS released
            FROM ledger_transaction
           WHERE hold_id IS NOT NULL AND failure_code IS NULL
             AND source_id >= low AND source_id <= high
           GROUP BY hold_id, source_id, target_id
      ) t ON t.hold_id = h.id AND t.source_id = h.payer_wallet_id
         AND t.target_id = h.company_wallet_id
     WHERE (h.amount_minor, h.captured_minor, h.released_minor)
           IS DISTINCT FROM (coalesce(t.held, 0), coalesce(t.captured, 0), coalesce(t.released, 0));
    -- What a company was paid in a group, and what it paid on in it. A row without a group is one.
    RETURN QUERY
    SELECT coalesce(paid.target_id, given.source_id), found.problem
      FROM (SELECT target_id, coalesce(group_id, id) AS group_id, sum(amount_minor) AS amount,
                   sum(coalesce(fee_minor, 0)) AS fee
              FROM ledger_transaction
             WHERE kind IN ('charge', 'capture') AND failure_code IS NULL
               AND (group_id IS NOT NULL OR fee_minor > 0)
               AND target_id >= low AND target_id <= high
             GROUP BY 1, 2) AS paid
      FULL JOIN (
            SELECT source_id, coalesce(group_id, id) AS group_id,
                   sum(amount_minor) FILTER (WHERE kind = 'fee') AS fee,
                   sum(amount_minor) FILTER (WHERE kind = 'split') AS split
              FROM ledger_transaction
             WHERE kind IN ('fee', 'split') AND failure_code IS NULL
               AND source_id >= low AND source_id <= high
             GROUP BY 1, 2
      ) AS given ON given.source_id = paid.target_id AND given.group_id = paid.group_id
     CROSS JOIN LATERAL (VALUES
          (CASE WHEN coalesce(paid.fee, 0) <> coalesce(given.fee, 0)
                THEN format('paid a fee of %s in group %s; what it was paid there says %s',
                            coalesce(given.fee, 0), coalesce(paid.group_id, given.group_id),
                            coalesce(paid.fee, 0)) END),
          (CASE WHEN coalesce(given.split, 0) > coalesce(paid.amount, 0) - coalesce(paid.fee, 0)
                THEN format('paid %s on in group %s, of %s less a fee of %s', given.split,
                            given.group_id, coalesce(paid.amount, 0), coalesce(paid.fee, 0)) END)
     ) AS found (problem)
     WHERE found.problem IS NOT NULL;
    RETURN QUERY
    SELECT DISTINCT e.wallet_id, 'has entries, but no wallet with this id and asset exists'
      FROM ledger_entry e
      LEFT JOIN wallets_wallet w
        ON w.id = e.wallet_id AND w.asset_id = e.asset_id
       AND (w.owner_id IS NULL) = e.wallet_is_system
     WHERE w.id IS NULL AND e.wallet_id >= low AND e.wallet_id <= high;
END
$$;

-- Of each asset what its wallets hold, and what its system wallets do, by purpose, as of the ids below
-- `before`. These are two independent sums: the balances on each wallet's newest entry, and the amounts
-- that passed through the system wallets. No constraint makes them equal; only correct postings do.
CREATE OR REPLACE FUNCTION ledger_trial_balance(before uuid)
RETURNS TABLE (symbol varchar, wallets_minor numeric, systems_minor json, difference_minor numeric)
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT a.symbol, coalesce(held.amount, 0), coalesce(systems.amounts, '{}'),
           coalesce(held.amount, 0) + coalesce(systems.amount, 0)
      FROM wallets_asset a
      LEFT JOIN (
          SELECT w.asset_id, sum(newest.balance_after_minor) AS amount
            FROM wallets_wallet w
           CROSS JOIN LATERAL (
                SELECT e.balance_after_minor FROM ledger_entry e
                 WHERE e.wallet_id = w.id AND e.transaction_id < before
                   AND e.version IS NOT NULL
                 ORDER BY e.version DESC LIMIT 1  -- not by id: a clock may step back
           ) AS newest
           WHERE w.owner_id IS NOT NULL
           GROUP BY w.asset_id
      ) AS held ON held.asset_id = a.symbol
      LEFT JOIN (
          SELECT passed.asset_id, json_object_agg(passed.purpose, passed.amount::text) AS amounts,
                 sum(passed.amount) AS amount
            FROM (
                SELECT e.asset_id, w.purpose,
                       sum(CASE e.direction WHEN 'CREDIT' THEN e.amount_minor
                                            ELSE -e.amount_minor END) AS amount
                  FROM ledger_entry e
                  JOIN wallets_wallet w ON w.id = e.wallet_id AND w.purpose IS NOT NULL
                 WHERE e.wallet_is_system AND e.failure_code IS NULL
                   AND e.transaction_id < before
                 GROUP BY e.asset_id, w.purpose
            ) AS passed
           GROUP BY passed.asset_id
      ) AS systems ON systems.asset_id = a.symbol
     ORDER BY a.symbol;
END
$$;

-- Begins a verification and returns its id; forgets those that were never finished.
CREATE OR REPLACE FUNCTION ledger_begin_verification() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    begun bigint;
BEGIN
    DELETE FROM ledger_verificationrun WHERE started_at < clock_timestamp() - interval '1 day';
    INSERT INTO ledger_verificationrun DEFAULT VALUES RETURNING id INTO begun;
    RETURN begun;
END
$$;

-- Refuses a snapshot from before the call: what has become wrong since would not be seen.
CREATE OR REPLACE FUNCTION ledger_require_fresh_snapshot() RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'A verification reads what is committed now.'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
END
$$;

-- Verifies the next range of wallets and returns its findings, which count from then on. Raises when all
-- ranges are done.
CREATE OR REPLACE FUNCTION ledger_verify_next_range(run bigint)
RETURNS TABLE (wallet_id uuid, problem text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    place integer;
    found_here integer;
BEGIN
    PERFORM ledger_require_fresh_snapshot();
    UPDATE ledger_verificationrun r SET ranges_done = r.ranges_done + 1
     WHERE r.id = run AND r.ranges_done < 64 RETURNING r.ranges_done - 1 INTO STRICT place;
    RETURN QUERY
        SELECT * FROM ledger_findings(
            (lpad(to_hex(place * 4), 2, '0') || repeat('0', 30))::uuid,
            (lpad(to_hex(place * 4 + 3), 2, '0') || repeat('f', 30))::uuid);
    GET DIAGNOSTICS found_here = ROW_COUNT;
    UPDATE ledger_verificationrun r SET findings = r.findings + found_here
     WHERE r.id = run AND found_here > 0;
END
$$;

-- Verifies that all balances of each asset add up to zero, and returns the assets that do not.
CREATE OR REPLACE FUNCTION ledger_verify_assets(run bigint)
RETURNS TABLE (symbol varchar, wallets_minor numeric, systems_minor json)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    found_here integer;
BEGIN
    PERFORM ledger_require_fresh_snapshot();
    RETURN QUERY
        SELECT t.symbol, t.wallets_minor, t.systems_minor
          FROM ledger_trial_balance('ffffffff-ffff-ffff-ffff-ffffffffffff') t
         WHERE t.difference_minor <> 0;
    GET DIAGNOSTICS found_here = ROW_COUNT;
    UPDATE ledger_verificationrun r
       SET unbalanced_assets = greatest(r.unbalanced_assets, found_here) WHERE r.id = run;
END
$$;

-- Puts a verification that is complete on record. Raises when it is not, or began more than a day ago.
CREATE OR REPLACE FUNCTION ledger_finish_verification(run bigint) RETURNS SETOF ledger_verification
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    done ledger_verificationrun;
BEGIN
    DELETE FROM ledger_verificationrun r
     WHERE r.id = run AND r.ranges_done = 64 AND r.unbalanced_assets IS NOT NULL
       AND r.started_at > clock_timestamp() - interval '1 day'
    RETURNING * INTO STRICT done;
    RETURN QUERY
        INSERT INTO ledger_verification (finished_at, seconds, findings, unbalanced_assets)
        VALUES (clock_timestamp(),
                round(extract(epoch FROM clock_timestamp() - done.started_at), 3),
                done.findings, done.unbalanced_assets)
        RETURNING *;
END
$$;
