-- What holds wallets together beside the constraints of their model.

-- Owner and role in one foreign key: a wallet cannot claim that its owner is no company. It is looked
-- at with each statement; who makes wallets by the thousand and fills them in one transaction may
-- defer it to the commit, instead of for each version of their rows.
ALTER TABLE wallets_wallet ADD CONSTRAINT owner_has_that_role
    FOREIGN KEY (owner_id, owner_role) REFERENCES accounts_user (id, role)
    DEFERRABLE INITIALLY IMMEDIATE;

-- Room on each page for a second version of every wallet on it: those that are made by the thousand
-- all get their opening balance at once. No column that changes has an index.
ALTER TABLE wallets_wallet SET (fillfactor = 45);

-- A wallet starts empty: only `ledger_post` can put something in. Of cash it has a slot among its
-- owner's, or the limits would not see it. Its asset exists: a foreign key would look each wallet of
-- a thousand up by itself. Checked once for all that a statement made.
CREATE FUNCTION check_new_wallets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT asset_id FROM made) AS used
         WHERE NOT EXISTS (SELECT FROM wallets_asset WHERE symbol = used.asset_id)
    ) THEN
        RAISE EXCEPTION 'A wallet''s asset does not exist.'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF EXISTS (
        SELECT FROM made JOIN wallets_asset a ON a.symbol = made.asset_id
         WHERE made.owner_id IS NOT NULL AND (made.slot IS NOT NULL) <> a.is_cash
    ) THEN
        RAISE EXCEPTION 'A wallet has a slot exactly when it holds cash.'
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT FROM made
         WHERE version <> 0 OR held_minor <> 0 OR coalesce(balance_minor, 0) <> 0
    ) THEN
        RAISE EXCEPTION 'A wallet starts empty.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER starts_right AFTER INSERT ON wallets_wallet
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION check_new_wallets();

-- An asset is never deleted or renamed, nor given to a wallet in the place of another: the rest of
-- what a foreign key would say.
CREATE FUNCTION keep_asset() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'An asset is for good, and so is the asset of a wallet.'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER asset_for_good BEFORE UPDATE OF asset_id ON wallets_wallet
    FOR EACH ROW WHEN (NEW.asset_id <> OLD.asset_id) EXECUTE FUNCTION keep_asset();
CREATE TRIGGER symbol_for_good BEFORE UPDATE OF symbol ON wallets_asset
    FOR EACH ROW WHEN (NEW.symbol <> OLD.symbol) EXECUTE FUNCTION keep_asset();
CREATE TRIGGER asset_for_good BEFORE DELETE ON wallets_asset
    FOR EACH ROW EXECUTE FUNCTION keep_asset();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON wallets_asset
    FOR EACH STATEMENT EXECUTE FUNCTION keep_asset();

-- Closed is for good, whoever asks. Balances change without this: it looks only where a statement
-- names the status.
CREATE FUNCTION keep_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A closed wallet stays closed.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER closed_for_good BEFORE UPDATE OF status ON wallets_wallet
    FOR EACH ROW WHEN (OLD.status = 'closed' AND NEW.status <> 'closed')
    EXECUTE FUNCTION keep_closed();
