-- Of an account the service changes what its owner may change; its id and its role never change. With the
-- right to change every column it could also lock the whole table.
SELECT for_app_role(statement) FROM unnest(ARRAY[
    'REVOKE UPDATE ON accounts_user FROM wallet_app',
    'GRANT UPDATE (email, password, is_active, last_login) ON accounts_user TO wallet_app'
]) AS statement;
