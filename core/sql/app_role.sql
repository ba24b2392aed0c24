-- The rights of the app's role on the tables of the owner, who migrates. The rooms revoke what the app
-- must not do in their own migrations.

-- Runs a GRANT or a REVOKE for the app's role. Does nothing where one role migrates and serves (the
-- cluster has no `wallet_app`, or `wallet_app` itself migrates).
CREATE OR REPLACE FUNCTION for_app_role(statement text) RETURNS void LANGUAGE plpgsql AS $$
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
