-- A wallet starts empty: only `ledger_post` can put something in. Of cash it has a slot among its
-- owner's, or the limits would not see it. Asked once for all that a statement made: customers come
-- by the thousand.
CREATE OR REPLACE FUNCTION check_new_wallets() RETURNS trigger LANGUAGE plpgsql AS $$
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
