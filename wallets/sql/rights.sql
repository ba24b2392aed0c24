-- The rest of what holds wallets together.

-- Owner and role in one foreign key: a wallet cannot claim that its owner is no company.
ALTER TABLE wallets_wallet ADD CONSTRAINT owner_has_that_role
    FOREIGN KEY (owner_id, owner_role) REFERENCES accounts_user (id, role);

-- Room on each page for the next version of a balance: no column that changes has an index.
ALTER TABLE wallets_wallet SET (fillfactor = 70);

-- A wallet starts empty: only `ledger_post` can put something in. Of cash it has a slot among its
-- owner's, or the limits would not see it.
CREATE FUNCTION check_new_wallet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.owner_id IS NOT NULL AND (NEW.slot IS NOT NULL) IS DISTINCT FROM (
        SELECT is_cash FROM wallets_asset WHERE symbol = NEW.asset_id
    ) THEN
        RAISE EXCEPTION 'A wallet has a slot exactly when it holds cash.'
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.version <> 0 OR NEW.held_minor <> 0 OR coalesce(NEW.balance_minor, 0) <> 0 THEN
        RAISE EXCEPTION 'A wallet starts empty.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER starts_right BEFORE INSERT ON wallets_wallet
    FOR EACH ROW EXECUTE FUNCTION check_new_wallet();

-- Balances and versions are written by `ledger_post` alone, decimals by nobody; no wallet and no
-- reason why one was frozen is ever deleted.
DO $$
BEGIN
    IF to_regrole('wallet_app') IS NULL OR current_user = 'wallet_app' THEN
        RETURN;
    END IF;
    REVOKE UPDATE, DELETE ON wallets_wallet, wallets_asset FROM wallet_app;
    GRANT UPDATE (status, updated_at) ON wallets_wallet TO wallet_app;
    REVOKE UPDATE, DELETE ON wallets_statuschange FROM wallet_app;
    GRANT UPDATE (name) ON wallets_asset TO wallet_app;
END
$$;
