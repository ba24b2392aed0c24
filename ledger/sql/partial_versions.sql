-- Gives the partitions that are there the unique indexes that partitions.sql makes for new ones.
-- Those of a new installation have them already.
DO $$
DECLARE
    partition name;
    side text;
BEGIN
    FOR partition, side IN
        SELECT c.relname, s.side
          FROM pg_inherits i
          JOIN pg_class c ON c.oid = i.inhrelid
         CROSS JOIN (VALUES ('source'), ('target')) AS s (side)
          JOIN pg_class indexed ON indexed.relname = c.relname || '_' || s.side || '_version'
          JOIN pg_index x ON x.indexrelid = indexed.oid AND x.indrelid = c.oid
         WHERE i.inhparent = 'ledger_transaction'::regclass AND x.indpred IS NULL
    LOOP
        EXECUTE format('DROP INDEX %I', partition || '_' || side || '_version');
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (%I, %I) WHERE %I IS NOT NULL',
                       partition || '_' || side || '_version', partition, side || '_id',
                       side || '_version', side || '_version');
    END LOOP;
END
$$;
