-- The service never deletes an account (an erased account keeps its row) and never changes Django's
-- tables about its own schema. The record of what operators do is append-only.
SELECT for_app_role(statement) FROM unnest(ARRAY[
    'REVOKE DELETE ON accounts_user FROM wallet_app',
    'REVOKE INSERT, UPDATE, DELETE ON django_migrations, django_content_type, auth_permission,'
        ' auth_group, auth_group_permissions, accounts_user_groups, accounts_user_user_permissions'
        ' FROM wallet_app'
]) AS statement;
SELECT make_append_only('accounts_supportaction');
