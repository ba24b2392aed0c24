-- Nothing is added to Django's log of the admin: what operators do is in accounts_supportaction.
SELECT for_app_role('REVOKE INSERT, UPDATE, DELETE ON django_admin_log FROM wallet_app');
