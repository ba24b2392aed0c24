-- Whether money is held of the wallet, or for it.
CREATE OR REPLACE FUNCTION has_active_holds(wallet uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM ledger_hold
         WHERE status = 'active' AND expires_at > current_moment()
           AND (payer_wallet_id = wallet OR company_wallet_id = wallet));
END
$$;

-- A wallet with holds is not closed, by any role: what is captured would have no place to go to. Whoever
-- places a hold has locked both wallets, and so has whoever closes one.
CREATE OR REPLACE FUNCTION refuse_closing() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF has_active_holds(NEW.id) THEN
        RAISE EXCEPTION 'A wallet with active holds stays open.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER closed_without_holds BEFORE UPDATE OF status ON wallets_wallet
    FOR EACH ROW WHEN (NEW.status = 'closed' AND OLD.status <> 'closed')
    EXECUTE FUNCTION refuse_closing();
