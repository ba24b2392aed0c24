-- Django's admin log stays empty: the actions of operators are in accounts_supportaction.
SELECT for_app_role('REVOKE INSERT, UPDATE, DELETE ON django_admin_log FROM wallet_app');
