-- Leaves room on each page for the second version of every row on it: no column that changes has an index.
ALTER TABLE commerce_paymentrequest SET (fillfactor = 50);

-- A request begins open, what was asked for never changes, an end is for good, and a request is paid by
-- the transaction that it names: for every role.
CREATE OR REPLACE FUNCTION keep_payment_request() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'open' OR NEW.expires_at <= current_moment()
           OR NOT EXISTS (SELECT FROM wallets_wallet
                           WHERE id = NEW.wallet_id AND owner_id = NEW.payee_id) THEN
            RAISE EXCEPTION 'A payment request begins open, for a wallet of its payee.'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP <> 'UPDATE' OR OLD.status <> 'open'
       OR (NEW.id, NEW.payee_id, NEW.wallet_id, NEW.amount_minor, NEW.takes_tips, NEW.summary,
           NEW.reference, NEW.metadata, NEW.splits, NEW.created_at, NEW.expires_at)
          IS DISTINCT FROM
          (OLD.id, OLD.payee_id, OLD.wallet_id, OLD.amount_minor, OLD.takes_tips, OLD.summary,
           OLD.reference, OLD.metadata, OLD.splits, OLD.created_at, OLD.expires_at) THEN
        RAISE EXCEPTION 'A payment request ends once: % refused.', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = 'paid' AND NOT EXISTS (
        SELECT FROM ledger_transaction
         WHERE id = NEW.transaction_id AND payment_request_id = NEW.id AND failure_code IS NULL
           AND kind IN ('charge', 'transfer') AND source_id = NEW.payer_wallet_id
           AND target_id = NEW.wallet_id AND amount_minor = NEW.paid_minor
    ) THEN
        RAISE EXCEPTION 'A payment request is paid by the transaction that pays it.'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER ends_once BEFORE INSERT OR UPDATE OR DELETE ON commerce_paymentrequest
    FOR EACH ROW EXECUTE FUNCTION keep_payment_request();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON commerce_paymentrequest
    FOR EACH STATEMENT EXECUTE FUNCTION keep_payment_request();

SELECT for_app_role(statement) FROM unnest(ARRAY[
    'REVOKE UPDATE, DELETE ON commerce_paymentrequest FROM wallet_app',
    'GRANT UPDATE (status, cancelled_at, paid_at, paid_minor, tip_minor, payer_wallet_id,'
        ' transaction_id) ON commerce_paymentrequest TO wallet_app'
]) AS statement;
