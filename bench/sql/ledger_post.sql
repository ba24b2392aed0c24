\set source random(1, :payers)
\set target 1 + (:source - 1 + random(1, :payers - 1)) % :payers
SELECT ledger_post(array_agg(id ORDER BY id), '{transfer}', array[array_position(array_agg(n ORDER BY id), :source)], array[array_position(array_agg(n ORDER BY id), :target)], '{1}', '{""}', '{NULL}', '{NULL}', '{NULL}', '') FROM bench_payer WHERE n IN (:source, :target);
