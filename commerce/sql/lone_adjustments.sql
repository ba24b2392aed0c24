-- What counts towards the limit is added and read by the app's role, and never taken back.
DO $$
BEGIN
    IF to_regrole('wallet_app') IS NULL OR current_user = 'wallet_app' THEN
        RETURN;
    END IF;
    REVOKE UPDATE, DELETE ON commerce_loneadjustment FROM wallet_app;
END
$$;
