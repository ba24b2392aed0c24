-- The service never deletes an account (what is erased keeps its row), never changes what Django keeps
-- of its own schema, and only adds to the admin's log.
DO $$
BEGIN
    IF to_regrole('wallet_app') IS NULL OR current_user = 'wallet_app' THEN
        RETURN;
    END IF;
    REVOKE DELETE ON accounts_user FROM wallet_app;
    REVOKE UPDATE, DELETE ON django_admin_log FROM wallet_app;
    REVOKE INSERT, UPDATE, DELETE ON django_migrations, django_content_type, auth_permission,
        auth_group, auth_group_permissions, accounts_user_groups, accounts_user_user_permissions
        FROM wallet_app;
END
$$;
