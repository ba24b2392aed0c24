-- The refunded part of a charge only grows, and nothing else of it changes, for every role.
CREATE OR REPLACE FUNCTION keep_refunds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.transaction_id, NEW.amount_minor) IS DISTINCT FROM
       (OLD.transaction_id, OLD.amount_minor) OR NEW.refunded_minor < OLD.refunded_minor THEN
        RAISE EXCEPTION 'What was refunded of a charge only grows.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER only_grows BEFORE UPDATE ON commerce_charge
    FOR EACH ROW EXECUTE FUNCTION keep_refunds();
