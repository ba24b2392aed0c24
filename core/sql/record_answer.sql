-- Records what was answered under a caller's key, which `claim_idempotency_key` has taken in the same
-- transaction. A row that is still there has outlived its days (the claim saw no live one): it gives
-- way. Anything else would be a second answer under one key, which must never commit.
CREATE OR REPLACE FUNCTION record_answer(
    claimed_caller uuid, claimed_key varchar, given_operation varchar, given_fingerprint bytea,
    kept_since timestamptz, given_status integer, given_body bytea, given_transaction uuid
)
RETURNS void
LANGUAGE plpgsql AS $$
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
