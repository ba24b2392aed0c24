-- Constraints and triggers of wallets and assets, in addition to the constraints of their models.

-- One foreign key on owner and role: a wallet cannot hide that its owner is a company. PostgreSQL
-- checks it after each statement. A transaction that makes and fills wallets by the thousand may defer
-- it to the commit, so that it is not checked for each version of their rows.
ALTER TABLE wallets_wallet ADD CONSTRAINT owner_role_matches
    FOREIGN KEY (owner_id, owner_role) REFERENCES accounts_user (id, role)
    DEFERRABLE INITIALLY IMMEDIATE;

-- Leaves room on each page for a second version of every row on it: an import of customers updates all
-- new wallets with their opening balances. No column that changes has an index.
ALTER TABLE wallets_wallet SET (fillfactor = 45);

-- A wallet starts empty: only `ledger_post` can change its balance. A cash wallet has a slot, by which
-- the limits count it. Its asset exists: a foreign key would look up the asset for each wallet. This
-- trigger checks all new rows of a statement together.
CREATE OR REPLACE FUNCTION check_new_wallets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT asset_id FROM new_wallets) AS used
         WHERE NOT EXISTS (SELECT FROM wallets_asset WHERE symbol = used.asset_id)
    ) THEN
        RAISE EXCEPTION 'A wallet''s asset does not exist.'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF EXISTS (
        SELECT FROM new_wallets JOIN wallets_asset a ON a.symbol = new_wallets.asset_id
         WHERE new_wallets.owner_id IS NOT NULL AND (new_wallets.slot IS NOT NULL) <> a.is_cash
    ) THEN
        RAISE EXCEPTION 'A wallet has a slot exactly when it holds cash.'
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT FROM new_wallets
         WHERE version <> 0 OR held_minor <> 0 OR coalesce(balance_minor, 0) <> 0
    ) THEN
        RAISE EXCEPTION 'A wallet starts empty.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER check_new_wallets AFTER INSERT ON wallets_wallet
    REFERENCING NEW TABLE AS new_wallets
    FOR EACH STATEMENT EXECUTE FUNCTION check_new_wallets();

-- An asset is never deleted or renamed, and the asset of a wallet never changes: the other half of what
-- a foreign key would check.
CREATE OR REPLACE FUNCTION refuse_asset_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'An asset cannot be deleted or renamed; the asset of a wallet cannot change.'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER asset_is_immutable BEFORE UPDATE OF asset_id ON wallets_wallet
    FOR EACH ROW WHEN (NEW.asset_id <> OLD.asset_id) EXECUTE FUNCTION refuse_asset_change();
CREATE TRIGGER symbol_is_immutable BEFORE UPDATE OF symbol ON wallets_asset
    FOR EACH ROW WHEN (NEW.symbol <> OLD.symbol) EXECUTE FUNCTION refuse_asset_change();
CREATE TRIGGER no_delete BEFORE DELETE ON wallets_asset
    FOR EACH ROW EXECUTE FUNCTION refuse_asset_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON wallets_asset
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_asset_change();

-- A closed wallet is never reopened, by any role. The trigger runs only for statements that set the
-- status, so changes of a balance do not pay for it.
CREATE OR REPLACE FUNCTION refuse_reopening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A closed wallet stays closed.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER closed_is_final BEFORE UPDATE OF status ON wallets_wallet
    FOR EACH ROW WHEN (OLD.status = 'closed' AND NEW.status <> 'closed')
    EXECUTE FUNCTION refuse_reopening();
