-- What the app's role may do with the tables of the owner, who migrates. Where one role does both
-- (no `wallet_app` in the cluster) there is nothing to grant. Rooms that hold money take rights
-- back in their own migrations.
DO $$
BEGIN
    IF to_regrole('wallet_app') IS NULL OR current_user = 'wallet_app' THEN
        RETURN;
    END IF;
    GRANT USAGE ON SCHEMA public TO wallet_app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO wallet_app;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO wallet_app;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO wallet_app;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO wallet_app;
END
$$;
