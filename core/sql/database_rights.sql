-- Nobody but the owner makes temporary tables: one with the name of a table of ours comes before it for
-- whoever does not say which schema is meant. Rights on the database are in no dump: `restore` runs this
-- file too. A role that does not own the database gets a warning here, and `doctor` reports it.
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    PERFORM for_app_role(
        format('REVOKE TEMPORARY ON DATABASE %I FROM wallet_app', current_database()));
END
$$;
