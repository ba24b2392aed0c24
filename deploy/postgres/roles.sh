#!/bin/sh
# Creates the database and its roles: wallet_owner for migrations, wallet_app for the service,
# wallet_monitor for monitoring. PostgreSQL's image runs it once, on an empty volume. It may be
# repeated: it then sets the passwords from the files. No command line contains a password.
set -eu

SECRETS=${SECRETS:-/secrets}
export SECRETS

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
    --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\set app_password `cat "$SECRETS/app/app_password"`
\set owner_password `cat "$SECRETS/owner/owner_password"`
\set monitor_password `cat "$SECRETS/monitor/monitor_password"`
-- Keeps the passwords out of the log, whatever log_statement is.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SELECT format('CREATE ROLE %I LOGIN', name)
  FROM unnest(ARRAY['wallet_owner', 'wallet_app', 'wallet_monitor']) name
 WHERE to_regrole(name) IS NULL \gexec
ALTER ROLE wallet_owner PASSWORD :'owner_password';
ALTER ROLE wallet_app PASSWORD :'app_password';
ALTER ROLE wallet_monitor PASSWORD :'monitor_password';
GRANT pg_monitor TO wallet_monitor;
SELECT 'CREATE DATABASE wallet OWNER wallet_owner'
       ' TEMPLATE template0 ENCODING ''UTF8'' LOCALE_PROVIDER builtin BUILTIN_LOCALE ''C.UTF-8'''
       ' LOCALE ''C'''
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'wallet') \gexec
REVOKE CONNECT, TEMPORARY ON DATABASE wallet FROM PUBLIC;
GRANT CONNECT ON DATABASE wallet TO wallet_app, wallet_monitor;
SQL
