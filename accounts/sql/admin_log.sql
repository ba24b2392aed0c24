-- What operators do is kept in a table of our own, with reasons and addresses: see
-- core/sql/support_actions.sql. Nothing is added to Django's any more; what it holds stays.
DO $$
BEGIN
    IF to_regrole('wallet_app') IS NULL OR current_user = 'wallet_app' THEN
        RETURN;
    END IF;
    REVOKE INSERT ON django_admin_log FROM wallet_app;
END
$$;
