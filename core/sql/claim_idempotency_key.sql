-- Takes a caller's idempotency key until the end of the transaction, and returns the answer that
-- was already given under it, if any. Two requests in flight with one key: the second waits here
-- for the first to commit or roll back. The lock and the look are two statements on purpose: the
-- look needs a snapshot from after the wait.
CREATE OR REPLACE FUNCTION claim_idempotency_key(
    claimed_caller uuid, claimed_key text, kept_since timestamptz
)
RETURNS TABLE (fingerprint bytea, status_code smallint, body bytea, transaction_id uuid)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(claimed_caller::text || claimed_key, 0));
    RETURN QUERY
        SELECT r.fingerprint, r.status_code, r.body, r.transaction_id
          FROM core_idempotencyrecord r
         WHERE r.caller_id = claimed_caller AND r.key = claimed_key AND r.created_at >= kept_since;
END
$$;
