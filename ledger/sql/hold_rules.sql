-- What becomes of holds. All of it happens under the lock of the payer's wallet, in statements of their own,
-- because only those see what was committed while `ledger_post` waited for the lock.

-- Why the hold does not allow this order: a capture or a release of it, or more of it. Expired holds of the
-- wallet have been released before. A void has no amount of its own.
CREATE OR REPLACE FUNCTION hold_refusal(hold ledger_hold, ordered ledger_order_v3)
RETURNS varchar LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN hold.status = 'expired' THEN 'hold_expired'
    WHEN hold.status <> 'active' THEN 'hold_not_active'
    WHEN ordered.kind = 'capture'
         AND ordered.amount_minor > hold.amount_minor - hold.captured_minor - hold.released_minor
        THEN 'capture_exceeds_hold'
    -- A pay token without a cap was shown for the amount of the hold alone.
    WHEN ordered.kind = 'hold' AND hold.paytoken_id IS NOT NULL
         AND (hold.paytoken_cap_minor IS NULL
              OR ordered.amount_minor > hold.paytoken_cap_minor - hold.amount_minor)
        THEN 'paytoken_exceeded'
END;

-- Whether the wallet has as many active holds as it may have.
CREATE OR REPLACE FUNCTION hold_limit_reached(payer_wallet uuid) RETURNS boolean LANGUAGE sql VOLATILE
SET search_path = public, pg_temp AS $$
    SELECT count(*) >= 200 FROM ledger_hold
     WHERE payer_wallet_id = payer_wallet AND status = 'active'
$$;

-- When the first of the wallet's holds expires; NULL without one.
CREATE OR REPLACE FUNCTION first_expiry(payer_wallet uuid) RETURNS timestamptz LANGUAGE sql VOLATILE
SET search_path = public, pg_temp AS $$
    SELECT min(expires_at) FROM ledger_hold
     WHERE payer_wallet_id = payer_wallet AND status = 'active'
$$;

-- Writes an order that succeeded into its hold, and returns when the first of the wallet's holds expires then;
-- before it was `next_expiry`. A release in a group is what a capture left; one by itself is a void.
CREATE OR REPLACE FUNCTION change_hold(ordered ledger_order_v3, next_expiry timestamptz)
RETURNS timestamptz LANGUAGE plpgsql
SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    moment    CONSTANT timestamptz := current_moment();
    ends_at   CONSTANT timestamptz := moment + make_interval(secs => ordered.hold_seconds);
    increased CONSTANT bigint := CASE ordered.kind WHEN 'hold' THEN ordered.amount_minor ELSE 0 END;
    captured  CONSTANT bigint := CASE ordered.kind WHEN 'capture' THEN ordered.amount_minor ELSE 0 END;
    released  CONSTANT bigint := CASE ordered.kind WHEN 'release' THEN ordered.amount_minor ELSE 0 END;
    remaining bigint;
BEGIN
    IF ordered.hold_seconds IS NOT NULL THEN
        INSERT INTO ledger_hold (
            id, payer_wallet_id, company_wallet_id, amount_minor, paytoken_id, paytoken_cap_minor,
            summary, reference, metadata, created_at, expires_at
        )
        VALUES (
            ordered.hold_id, ordered.source_id, ordered.target_id, ordered.amount_minor,
            ordered.paytoken_id,
            (SELECT max_amount_minor FROM wallets_paytoken WHERE id = ordered.paytoken_id),
            ordered.summary, ordered.reference, coalesce(ordered.metadata, '{}'), moment, ends_at
        );
        RETURN least(next_expiry, ends_at);
    END IF;
    UPDATE ledger_hold
       SET amount_minor = amount_minor + increased, captured_minor = captured_minor + captured,
           released_minor = released_minor + released,
           status = CASE WHEN amount_minor + increased
                              > captured_minor + captured + released_minor + released THEN 'active'
                         WHEN ordered.kind = 'release' AND ordered.group_id IS NULL THEN 'voided'
                         ELSE 'captured' END,
           ended_at = CASE WHEN amount_minor + increased
                                = captured_minor + captured + released_minor + released
                           THEN moment END
     WHERE id = ordered.hold_id
    RETURNING amount_minor - captured_minor - released_minor INTO STRICT remaining;
    RETURN CASE WHEN remaining > 0 THEN next_expiry ELSE first_expiry(ordered.source_id) END;
END
$$;

-- Releases the expired holds of these wallets, which are locked: a row each, of the time at which it is
-- written. What has expired is free from its time on, whoever asks; this only writes it down.
CREATE OR REPLACE FUNCTION release_expired_holds(wallet_ids uuid[]) RETURNS integer LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    moment CONSTANT timestamptz := current_moment();
    expired record;
    changed wallets_wallet;
    released_now integer := 0;
    release_id uuid;
BEGIN
    FOR expired IN
        SELECT h.*, h.amount_minor - h.captured_minor - h.released_minor AS remaining
          FROM ledger_hold h
         WHERE h.payer_wallet_id = ANY (wallet_ids) AND h.status = 'active'
           AND h.expires_at <= moment
         ORDER BY h.payer_wallet_id, h.expires_at, h.id
    LOOP
        release_id := uuidv7();
        UPDATE ledger_hold
           SET released_minor = released_minor + expired.remaining, status = 'expired',
               ended_at = moment
         WHERE id = expired.id;
        UPDATE wallets_wallet
           SET held_minor = held_minor - expired.remaining, version = version + 1,
               next_expiry = first_expiry(expired.payer_wallet_id),
               updated_at = uuid_extract_timestamp(release_id)
         WHERE id = expired.payer_wallet_id
        RETURNING * INTO STRICT changed;
        INSERT INTO ledger_transaction (
            id, kind, asset_id, amount_minor, source_id, target_id, source_is_system,
            target_is_system, source_balance_minor, source_version, source_held_minor, summary,
            paytoken_id, hold_id
        )
        VALUES (
            release_id, 'release', changed.asset_id, expired.remaining, expired.payer_wallet_id,
            expired.company_wallet_id, false, false, changed.balance_minor, changed.version,
            changed.held_minor, expired.summary, expired.paytoken_id, expired.id
        );
        released_now := released_now + 1;
    END LOOP;
    RETURN released_now;
END
$$;

-- Releases up to `most` expired holds of as many wallets, the oldest first, and returns how many it released;
-- 0 also while another session does so.
CREATE OR REPLACE FUNCTION ledger_release_expired(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    -- A variable: with the volatile function itself as its bound, the index would be read to its end.
    moment CONSTANT timestamptz := current_moment();
    wallet_ids uuid[];
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('expired holds', 0)) THEN
        RETURN 0;
    END IF;
    wallet_ids := ARRAY(
        SELECT DISTINCT payer_wallet_id
          FROM (SELECT payer_wallet_id FROM ledger_hold
                 WHERE status = 'active' AND expires_at <= moment
                 ORDER BY expires_at LIMIT most) AS oldest);
    IF wallet_ids = '{}' THEN
        RETURN 0;  -- without a look at the wallets, which somebody may have locked
    END IF;
    PERFORM FROM lock_wallets(wallet_ids);
    RETURN release_expired_holds(wallet_ids);
END
$$;
