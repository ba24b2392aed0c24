\set source random(1, :payers)
\set target random(1, :companies)
\set key random(1, 9000000000000000000)
SELECT bench_move_once(:key::bigint::text, (SELECT id FROM bench_payer WHERE n = :source), (SELECT id FROM bench_company WHERE n = :target), 1);
