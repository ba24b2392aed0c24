-- What the app's role may do with the tables of the owner, who migrates. Rooms that hold money take
-- rights back in their own migrations.

-- Runs a GRANT or a REVOKE for the app's role. Where one role migrates and runs (there is no
-- `wallet_app` in the cluster, or it migrates itself) there is nothing to grant.
CREATE FUNCTION for_app_role(statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF to_regrole('wallet_app') IS NOT NULL AND current_user <> 'wallet_app' THEN
        EXECUTE statement;
    END IF;
END
$$;

SELECT for_app_role(statement) FROM unnest(ARRAY[
    'GRANT USAGE ON SCHEMA public TO wallet_app',
    'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO wallet_app',
    'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO wallet_app',
    'ALTER DEFAULT PRIVILEGES IN SCHEMA public'
        ' GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO wallet_app',
    'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO wallet_app'
]) AS statement;
