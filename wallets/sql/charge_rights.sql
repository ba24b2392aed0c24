-- An owner changes who may charge a wallet, and its label; its address never changes. Approvals are
-- ended and pay tokens revoked; `ledger_post` alone counts their uses, with the owner's rights.
SELECT for_app_role(statement) FROM unnest(ARRAY[
    'GRANT UPDATE (charges, label) ON wallets_wallet TO wallet_app',
    'REVOKE UPDATE, DELETE ON wallets_approval FROM wallet_app',
    'GRANT UPDATE (ended_at) ON wallets_approval TO wallet_app',
    'REVOKE UPDATE ON wallets_paytoken FROM wallet_app',
    'GRANT UPDATE (revoked_at) ON wallets_paytoken TO wallet_app'
]) AS statement;
