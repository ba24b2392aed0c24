-- What is held of a wallet at this moment. A hold that has expired holds nothing any more, even if its
-- release has not been written yet. The column, less what has expired, is right in one snapshot: the
-- release changes both at once. So `expired_minor` is STABLE, which keeps it in the snapshot of the query.
CREATE OR REPLACE FUNCTION expired_minor(wallet uuid) RETURNS bigint LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(sum(amount_minor - captured_minor - released_minor), 0)
              FROM ledger_hold
             WHERE payer_wallet_id = wallet AND status = 'active'
               AND expires_at <= current_moment());
END
$$;

-- PostgreSQL puts the body in the place of the call: a wallet without holds costs a comparison.
CREATE OR REPLACE FUNCTION held_now(wallet uuid, held_minor bigint, next_expiry timestamptz)
RETURNS bigint LANGUAGE sql VOLATILE
RETURN CASE WHEN next_expiry IS NULL THEN held_minor
            WHEN next_expiry > current_moment() THEN held_minor
            ELSE held_minor - expired_minor(wallet)
       END;
