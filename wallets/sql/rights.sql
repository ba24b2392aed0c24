-- Only `ledger_post` writes balances and versions. The decimals of an asset never change. Wallets and
-- the reasons of their status changes are never deleted.
SELECT for_app_role(statement) FROM unnest(ARRAY[
    'REVOKE UPDATE, DELETE ON wallets_wallet, wallets_asset, wallets_statuschange FROM wallet_app',
    'GRANT UPDATE (status, updated_at) ON wallets_wallet TO wallet_app',
    'GRANT UPDATE (name) ON wallets_asset TO wallet_app'
]) AS statement;
