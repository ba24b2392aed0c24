-- Verification of the ledger. The database itself finds and counts, so that a verification which is on
-- record has been done: the app's role can begin one and carry it on, and write none of its results.

-- What contradicts the transactions about the wallets with ids from `low` to `high`: wallets with a balance
-- or version of their own, running balances, entries without a wallet. STABLE: all of it is read from the
-- snapshot of the calling statement, or money that moves between two of these queries would look wrong.
CREATE OR REPLACE FUNCTION ledger_findings(low uuid, high uuid)
RETURNS TABLE (wallet_id uuid, problem text)
LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT w.id,
           format('holds %s at version %s; its %s entries add up to %s at version %s',
                  w.balance_minor, w.version, coalesce(e.entries, 0), coalesce(e.balance, 0),
                  coalesce(e.last_version, 0))
      FROM wallets_wallet w
      LEFT JOIN (
          SELECT wallet_id,
                 sum(CASE direction WHEN 'CREDIT' THEN amount_minor ELSE -amount_minor END)
                     AS balance,
                 count(*) AS entries, max(version) AS last_version
            FROM ledger_entry
           WHERE failure_code IS NULL AND NOT wallet_is_system
             AND wallet_id >= low AND wallet_id <= high
           GROUP BY wallet_id
      ) e ON e.wallet_id = w.id
     WHERE w.owner_id IS NOT NULL AND w.id >= low AND w.id <= high
       AND (w.balance_minor, w.version, w.version)
           IS DISTINCT FROM (coalesce(e.balance, 0), coalesce(e.entries, 0),
                             coalesce(e.last_version, 0));
    RETURN QUERY
    SELECT DISTINCT wallet_id,
           'the balance on an entry differs from the sum of the entries up to it'
      FROM (SELECT wallet_id, balance_after_minor,
                   sum(CASE direction WHEN 'CREDIT' THEN amount_minor ELSE -amount_minor END)
                       OVER (PARTITION BY wallet_id ORDER BY version) AS running
              FROM ledger_entry
             WHERE failure_code IS NULL AND NOT wallet_is_system
               AND wallet_id >= low AND wallet_id <= high) e
     WHERE balance_after_minor <> running;
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

-- 0.3.0 inserts what it has counted itself. Whatever another than the owner inserts, the database counts,
-- now, over all wallets at once. The release after this one drops the trigger and revokes the right.
CREATE OR REPLACE FUNCTION count_inserted_verification() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    started_at CONSTANT timestamptz := clock_timestamp();
BEGIN
    IF pg_has_role((SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RETURN NEW;
    END IF;
    PERFORM ledger_require_fresh_snapshot();
    NEW.id := nextval(pg_get_serial_sequence('ledger_verification', 'id'));
    SELECT count(*) INTO NEW.findings
      FROM ledger_findings('00000000-0000-0000-0000-000000000000',
                           'ffffffff-ffff-ffff-ffff-ffffffffffff');
    SELECT count(*) INTO NEW.unbalanced_assets
      FROM ledger_trial_balance('ffffffff-ffff-ffff-ffff-ffffffffffff')
     WHERE difference_minor <> 0;
    NEW.finished_at := clock_timestamp();
    NEW.seconds := extract(epoch FROM NEW.finished_at - started_at);
    RETURN NEW;
END
$$;
