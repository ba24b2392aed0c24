-- The only place that locks wallet rows. One statement locks them in the order of their ids, so that
-- no two transactions can deadlock on wallets. System wallets are returned and not locked: they are on
-- one side of nearly every transaction, and a lock there would serialize all of them.
--
-- `place` is the wallet's position in `wallet_ids`.
DROP FUNCTION IF EXISTS lock_wallets(uuid[]);  -- of 0.4.0, with fewer columns
CREATE FUNCTION lock_wallets(wallet_ids uuid[])
RETURNS TABLE (
    place bigint, id uuid, asset_id varchar, is_system boolean, is_active boolean,
    charges varchar, balance_minor bigint, held_minor bigint, next_expiry timestamptz,
    has_fee boolean, version bigint
)
LANGUAGE sql VOLATILE
SET search_path = public, pg_temp AS $$
    WITH locked AS MATERIALIZED (
        SELECT requested.place, w.*
          FROM unnest(wallet_ids) WITH ORDINALITY AS requested (id, place)
          JOIN wallets_wallet w ON w.id = requested.id
         WHERE w.owner_id IS NOT NULL
         ORDER BY w.id
           FOR NO KEY UPDATE OF w
    )
    SELECT place, id, asset_id, false, status = 'active', charges, balance_minor, held_minor,
           next_expiry, has_fee, version
      FROM locked
    UNION ALL
    SELECT array_position(wallet_ids, w.id), w.id, w.asset_id, true, true, w.charges, NULL, 0,
           NULL, false, w.version
      FROM wallets_wallet w
     WHERE w.id = ANY (wallet_ids) AND w.owner_id IS NULL
$$;
