-- `has_fee` of a wallet says whether it has a fee, so that a charge looks for one only then. It follows the
-- table by itself. A fee is a company's, and stays with its wallet.
CREATE OR REPLACE FUNCTION keep_has_fee() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.wallet_id <> OLD.wallet_id THEN
        RAISE EXCEPTION 'A fee stays with its wallet.' USING ERRCODE = 'restrict_violation';
    END IF;
    UPDATE wallets_wallet SET has_fee = (TG_OP <> 'DELETE')
     WHERE id = coalesce(NEW.wallet_id, OLD.wallet_id) AND owner_role = 'company';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Only companies pay fees.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION keep_has_fee() FROM PUBLIC;
SELECT for_app_role('GRANT EXECUTE ON FUNCTION keep_has_fee() TO wallet_app');
CREATE OR REPLACE TRIGGER has_fee AFTER INSERT OR UPDATE OR DELETE ON wallets_fee
    FOR EACH ROW EXECUTE FUNCTION keep_has_fee();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON wallets_fee
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
