-- Transactions are partitioned by the month of their UUIDv7: the first 48 bits of an id are
-- milliseconds, so a month is a range of ids and the key stays one column.

-- The smallest UUIDv7 of a time: no id that is made from then on is smaller.
CREATE OR REPLACE FUNCTION first_id_at(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0')
        || repeat('0', 20))::uuid;

-- Makes the missing partitions from last month (a clock may step back) to `months` from now, and
-- returns their names. It runs as the owner: a partition belongs to the role that creates it, and the
-- app's role must not own one. Attaching blocks no reader and no writer. The wait for its lock is short
-- (`lock_timeout`), so that transactions never queue behind it.
CREATE OR REPLACE FUNCTION make_transaction_partitions(months integer)
RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    this_month timestamptz := date_trunc('month', now(), 'UTC');
    month timestamptz;
    partition text;
BEGIN
    IF months > 36 THEN
        RAISE EXCEPTION 'make_transaction_partitions: three years ahead are enough.'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR ahead IN -1 .. months LOOP
        month := date_add(this_month, make_interval(months => ahead), 'UTC');
        partition := 'ledger_transaction_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        EXECUTE format(
            'CREATE TABLE %I (LIKE ledger_transaction INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
            ' INCLUDING GENERATED)', partition);
        -- One entry per version of a wallet: a second guard behind the lock. System wallets and
        -- failed transactions have no versions, and cost nothing here.
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (source_id, source_version)'
                       ' WHERE source_version IS NOT NULL',
                       partition || '_source_version', partition);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (target_id, target_version)'
                       ' WHERE target_version IS NOT NULL',
                       partition || '_target_version', partition);
        EXECUTE format(
            'CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', partition);
        EXECUTE format(
            'ALTER TABLE ledger_transaction ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            partition, first_id_at(month),
            first_id_at(date_add(month, interval '1 month', 'UTC')));
        PERFORM for_app_role(format('REVOKE ALL ON %I FROM wallet_app', partition));
        RETURN NEXT partition;
    END LOOP;
END
$$;
