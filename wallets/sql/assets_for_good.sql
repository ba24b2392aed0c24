-- A wallet's asset exists, and stays what it was: new wallets are asked by their statement
-- (new_wallets.sql), and neither side changes later. That is what a foreign key would say, but one
-- asks each wallet of a thousand for itself, and each version of its row that one transaction makes.
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
