\set source random(1, :payers)
\set target 1 + (:source - 1 + random(1, :payers - 1)) % :payers
SELECT bench_move('transfer', (SELECT id FROM bench_payer WHERE n = :source), (SELECT id FROM bench_payer WHERE n = :target), 1);
