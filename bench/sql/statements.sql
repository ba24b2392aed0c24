\set source random(1, :payers)
\set target 1 + (:source - 1 + random(1, :payers - 1)) % :payers
BEGIN;
SELECT w.id FROM wallets_wallet w JOIN bench_payer p ON p.id = w.id WHERE p.n IN (:source, :target) ORDER BY w.id FOR NO KEY UPDATE OF w;
UPDATE wallets_wallet SET balance_minor = balance_minor - 1, version = version + 1, updated_at = now() WHERE id = (SELECT id FROM bench_payer WHERE n = :source) AND balance_minor - held_minor >= 1 AND status = 'active' RETURNING balance_minor AS balance, version AS version, asset_id AS asset \gset source_
UPDATE wallets_wallet SET balance_minor = balance_minor + 1, version = version + 1, updated_at = now() WHERE id = (SELECT id FROM bench_payer WHERE n = :target) AND status = 'active' RETURNING balance_minor AS balance, version AS version \gset target_
INSERT INTO ledger_transaction (kind, asset_id, amount_minor, source_id, target_id, source_is_system, target_is_system, source_balance_minor, target_balance_minor, source_version, target_version) VALUES ('transfer', :source_asset, 1, (SELECT id FROM bench_payer WHERE n = :source), (SELECT id FROM bench_payer WHERE n = :target), false, false, :source_balance, :target_balance, :source_version, :target_version);
COMMIT;
