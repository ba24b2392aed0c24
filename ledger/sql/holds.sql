-- What companies have set aside of payers' money. A row is decided about and written under the lock of the
-- payer's wallet, by `ledger_post` and `release_expired_holds` alone, and never locked by itself.
CREATE TABLE ledger_hold (
    id                uuid        NOT NULL PRIMARY KEY,
    payer_wallet_id   uuid        NOT NULL,
    company_wallet_id uuid        NOT NULL,
    amount_minor      bigint      NOT NULL,            -- in all, with its increments
    captured_minor    bigint      NOT NULL DEFAULT 0,
    released_minor    bigint      NOT NULL DEFAULT 0,
    status            varchar     NOT NULL DEFAULT 'active',
    paytoken_id       uuid,                            -- NULL: placed by the wallet's token
    paytoken_cap_minor bigint,                         -- what one use of the pay token allowed
    summary           varchar     NOT NULL,
    reference         varchar,
    metadata          jsonb       NOT NULL DEFAULT '{}',
    created_at        timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    ended_at          timestamptz,                     -- when its end was written
    CONSTRAINT hold_amount_positive CHECK (amount_minor > 0),
    CONSTRAINT hold_within_amount CHECK (
        captured_minor >= 0 AND released_minor >= 0
        AND captured_minor + released_minor <= amount_minor
    ),
    CONSTRAINT hold_status_is_whole CHECK (
        status IN ('active', 'captured', 'voided', 'expired')
        AND (status = 'active') = (captured_minor + released_minor < amount_minor)
        AND (status = 'active') = (ended_at IS NULL)
        AND (status <> 'captured' OR captured_minor > 0)
    ),
    CONSTRAINT hold_within_paytoken CHECK (
        paytoken_id IS NOT NULL OR paytoken_cap_minor IS NULL
    ),
    CONSTRAINT hold_lives_for_a_while CHECK (expires_at > created_at)
);

-- A hold changes a few times: room on each page for another version of every row on it.
ALTER TABLE ledger_hold SET (fillfactor = 60);
CREATE INDEX ledger_hold_active_of_payer ON ledger_hold (payer_wallet_id, expires_at)
    WHERE status = 'active';
CREATE INDEX ledger_hold_of_payer ON ledger_hold (payer_wallet_id, created_at, id);
CREATE INDEX ledger_hold_of_company ON ledger_hold (company_wallet_id, created_at, id);
CREATE INDEX ledger_hold_by_expiry ON ledger_hold (expires_at) WHERE status = 'active';

-- What was agreed never changes, amounts only grow, and an end is for good: for every role.
CREATE OR REPLACE FUNCTION keep_hold() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR OLD.status <> 'active'
       OR (NEW.id, NEW.payer_wallet_id, NEW.company_wallet_id, NEW.paytoken_id,
           NEW.paytoken_cap_minor, NEW.summary, NEW.reference, NEW.metadata, NEW.created_at,
           NEW.expires_at)
          IS DISTINCT FROM
          (OLD.id, OLD.payer_wallet_id, OLD.company_wallet_id, OLD.paytoken_id,
           OLD.paytoken_cap_minor, OLD.summary, OLD.reference, OLD.metadata, OLD.created_at,
           OLD.expires_at)
       OR NEW.amount_minor < OLD.amount_minor OR NEW.captured_minor < OLD.captured_minor
       OR NEW.released_minor < OLD.released_minor THEN
        RAISE EXCEPTION 'A hold ends once, and stays on record: % refused.', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER ends_once BEFORE UPDATE OR DELETE ON ledger_hold
    FOR EACH ROW EXECUTE FUNCTION keep_hold();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger_hold
    FOR EACH STATEMENT EXECUTE FUNCTION keep_hold();

SELECT for_app_role('REVOKE INSERT, UPDATE, DELETE ON ledger_hold FROM wallet_app');
