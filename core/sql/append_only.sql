-- Tables whose rows are written once. Triggers refuse a change to everybody, the owner included.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused.', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;

-- A trigger for rows reaches the partitions of a table by itself; one for TRUNCATE does not, so each
-- partition is given its own (ledger/sql/partitions.sql).
CREATE FUNCTION make_append_only(appended regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s'
                   ' FOR EACH ROW EXECUTE FUNCTION refuse_change()', appended);
    EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %s'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', appended);
    PERFORM for_app_role(format('REVOKE UPDATE, DELETE ON %s FROM wallet_app', appended));
END
$$;
