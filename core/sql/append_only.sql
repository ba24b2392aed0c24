-- Append-only tables. The triggers refuse a change by any role, the owner included.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused.', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;

-- PostgreSQL applies a row trigger to the partitions of the table, but not a TRUNCATE trigger, so each
-- partition gets its own (ledger/sql/partitions.sql).
CREATE OR REPLACE FUNCTION make_append_only(target_table regclass) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s'
                   ' FOR EACH ROW EXECUTE FUNCTION refuse_change()', target_table);
    EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %s'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', target_table);
    PERFORM for_app_role(format('REVOKE UPDATE, DELETE ON %s FROM wallet_app', target_table));
END
$$;
