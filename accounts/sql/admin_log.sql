-- Django's log of the admin can be changed, so nothing is kept there any more: see
-- core/sql/support_actions.sql. What it holds stays as it is.
DO $$
BEGIN
    IF to_regrole('wallet_app') IS NULL OR current_user = 'wallet_app' THEN
        RETURN;
    END IF;
    REVOKE INSERT, UPDATE, DELETE ON django_admin_log FROM wallet_app;
END
$$;
