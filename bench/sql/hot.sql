\set source random(1, :payers)
SELECT bench_move('charge', (SELECT id FROM bench_payer WHERE n = :source), (SELECT id FROM bench_company WHERE n = 1), 1);
