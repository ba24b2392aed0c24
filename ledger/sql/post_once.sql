-- One order, its idempotency key and its answer in one statement, which is its own transaction: what
-- `claim_idempotency_key`, `ledger_post` and `record_answer` do in a unit of work, without the trips
-- between them. A hot wallet is locked for as long as this runs, and no longer.
--
-- It returns the answer, or that of the first request when the key was used before (`replayed`), or
-- no row when the order would fail or cannot be tried: then nothing was written, and the caller goes
-- the long way, which looks at everything, writes the failed attempt and makes the refusal.
--
-- `token_digest` is the caller's, who is known only from an earlier call: when the token has died
-- since, there is no row either. NULL: who calls has been looked up.
-- `answer` is the body with %1$s for the balance that is told and %2$s for the transaction's id.
-- `told_key` NULL: no key was sent.
CREATE FUNCTION ledger_post_once(
    token_digest varchar, caller uuid, told_key varchar, told_operation varchar, told_fingerprint bytea,
    kept_since timestamptz, kind varchar, source_id uuid, target_id uuid, amount bigint,
    summary varchar, request_id varchar, answer varchar, tells_source boolean, decimals integer
)
RETURNS TABLE (
    fingerprint bytea, status_code smallint, body bytea, transaction_id uuid, replayed boolean
)
LANGUAGE plpgsql AS $$
DECLARE
    source_first CONSTANT boolean := source_id < target_id;
    outcome record;
    balance numeric;
BEGIN
    IF token_digest IS NOT NULL AND NOT token_is_valid(token_digest, caller) THEN
        RETURN;
    END IF;
    IF told_key IS NOT NULL THEN
        RETURN QUERY
            SELECT c.fingerprint, c.status_code, c.body, c.transaction_id, true
              FROM claim_idempotency_key(caller, told_key, kept_since) c;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    SELECT * INTO outcome
      FROM ledger_post(
           CASE WHEN source_first THEN ARRAY[source_id, target_id]
                                  ELSE ARRAY[target_id, source_id] END,
           ARRAY[kind],
           CASE WHEN source_first THEN ARRAY[1] ELSE ARRAY[2] END,
           CASE WHEN source_first THEN ARRAY[2] ELSE ARRAY[1] END,
           ARRAY[amount], ARRAY[summary], ARRAY[caller], ARRAY[NULL::uuid], ARRAY[NULL::uuid],
           request_id, true);
    IF NOT FOUND OR outcome.failure_code IS NOT NULL THEN
        RETURN;
    END IF;
    balance := CASE WHEN tells_source THEN outcome.source_balance_minor
                                      ELSE outcome.target_balance_minor END;
    fingerprint := told_fingerprint;
    status_code := 200;
    body := convert_to(
        format(answer, round(balance / 10::numeric ^ decimals, decimals), outcome.transaction_id),
        'UTF8');
    transaction_id := outcome.transaction_id;
    replayed := false;
    IF told_key IS NOT NULL THEN
        PERFORM record_answer(caller, told_key, told_operation, told_fingerprint, kept_since,
                              200, body, outcome.transaction_id);
    END IF;
    RETURN NEXT;
END
$$;
