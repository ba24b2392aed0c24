-- The list without what is older than an hour, where there would else be no room for `more`. An array of a
-- thousand times is long work.
CREATE OR REPLACE FUNCTION counted_attempts(
    failed_at timestamptz[], more integer, most integer, moment timestamptz
)
RETURNS timestamptz[] LANGUAGE sql STABLE
SET search_path = public, pg_temp
RETURN CASE
    WHEN cardinality(failed_at) + more <= most THEN failed_at
    ELSE ARRAY(SELECT at FROM unnest(failed_at) AS at WHERE at > moment - interval '1 hour')
END;

-- Counts the failed orders of a call, and returns the places of those that must leave no row, because enough
-- of their two accounts are on record. What moves between the wallets of one owner, or from or to a system
-- wallet, is in nobody else's history and is not counted.
--
-- `ledger_post` calls it under the locks of the wallets. Two accounts may have several, so each list is
-- locked too, in the order of the key.
CREATE OR REPLACE FUNCTION attempts_off_record(orders ledger_order_v3[], failed integer[])
RETURNS SETOF integer LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    most   CONSTANT integer := nullif(current_setting('ledger.failed_attempts', true), '');
    moment CONSTANT timestamptz := current_moment();
BEGIN
    IF most IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        WITH attempted AS MATERIALIZED (
            SELECT least(s.owner_id, t.owner_id) AS one_id,
                   greatest(s.owner_id, t.owner_id) AS other_id,
                   array_agg(f.place ORDER BY f.place) AS places,
                   least(count(*), most)::integer AS more
              FROM unnest(failed) AS f (place)
              JOIN unnest(orders) WITH ORDINALITY AS o ON o.ordinality = f.place
              JOIN wallets_wallet s ON s.id = o.source_id
              JOIN wallets_wallet t ON t.id = o.target_id
             WHERE s.owner_id <> t.owner_id
             GROUP BY 1, 2
             ORDER BY 1, 2
        ), counted AS (
            INSERT INTO ledger_failedattempts AS f (one_id, other_id, failed_at)
            SELECT one_id, other_id, array_fill(moment, ARRAY[more])
              FROM attempted
                ON CONFLICT (one_id, other_id) DO UPDATE
               SET failed_at = (counted_attempts(f.failed_at, cardinality(excluded.failed_at), most,
                                                 moment)
                                || excluded.failed_at)[: most]
             WHERE cardinality(counted_attempts(f.failed_at, cardinality(excluded.failed_at), most,
                                                moment)) < most
            RETURNING new.one_id, new.other_id, old.failed_at AS before, new.failed_at AS after
        )
        SELECT unnest(a.places[coalesce(cardinality(c.after), 0) + 1 - coalesce(cardinality(
                                   counted_attempts(c.before, a.more, most, moment)), 0) :])
          FROM attempted a LEFT JOIN counted c USING (one_id, other_id);
END
$$;
