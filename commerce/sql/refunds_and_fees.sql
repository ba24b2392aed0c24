-- As in refunds.sql, of the fee too: what went back only grows, and nothing else changes, for every role.
CREATE OR REPLACE FUNCTION keep_refunds() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.transaction_id, NEW.amount_minor, NEW.fee_minor) IS DISTINCT FROM
       (OLD.transaction_id, OLD.amount_minor, OLD.fee_minor)
       OR NEW.refunded_minor < OLD.refunded_minor
       OR NEW.fee_returned_minor < OLD.fee_returned_minor THEN
        RAISE EXCEPTION 'What was refunded of a charge only grows.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

SELECT for_app_role(statement) FROM unnest(ARRAY[
    'GRANT UPDATE (fee_returned_minor) ON commerce_charge TO wallet_app',
    'GRANT UPDATE (fee_minor) ON commerce_paymentrequest TO wallet_app'
]) AS statement;
