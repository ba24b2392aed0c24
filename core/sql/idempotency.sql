-- Takes a caller's idempotency key until the end of the transaction, and returns the answer that
-- was already given under it, if any. Two requests in flight with one key: the second waits here
-- for the first to commit or roll back. The lock and the look are two statements on purpose: the
-- look needs a snapshot from after the wait.
CREATE OR REPLACE FUNCTION claim_idempotency_key(
    claimed_caller uuid, claimed_key text, kept_since timestamptz
)
RETURNS TABLE (fingerprint bytea, status_code smallint, body bytea, transaction_id uuid)
LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(claimed_caller::text || claimed_key, 0));
    RETURN QUERY
        SELECT r.fingerprint, r.status_code, r.body, r.transaction_id
          FROM core_idempotencyrecord r
         WHERE r.caller_id = claimed_caller AND r.key = claimed_key AND r.created_at >= kept_since;
END
$$;
-- Records what was answered under a caller's key, which `claim_idempotency_key` has taken in the same
-- transaction. A row that is still there has outlived its days (the claim saw no live one): it gives
-- way. Anything else would be a second answer under one key, which must never commit.
CREATE OR REPLACE FUNCTION record_answer(
    claimed_caller uuid, claimed_key varchar, given_operation varchar, given_fingerprint bytea,
    kept_since timestamptz, given_status integer, given_body bytea, given_transaction uuid
)
RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO core_idempotencyrecord AS r (
        caller_id, key, operation, fingerprint, status_code, body, transaction_id, created_at
    )
    VALUES (claimed_caller, claimed_key, given_operation, given_fingerprint, given_status, given_body,
            given_transaction, now())
    ON CONFLICT (caller_id, key) DO UPDATE
       SET operation = excluded.operation, fingerprint = excluded.fingerprint,
           status_code = excluded.status_code, body = excluded.body,
           transaction_id = excluded.transaction_id, created_at = now()
     WHERE r.created_at < kept_since;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'One idempotency key was about to be answered twice.';
    END IF;
END
$$;
