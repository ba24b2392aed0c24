-- Writes charges of the past into the ledger, as the owner, much faster than `ledger_post` would.
-- The books are in order afterwards: versions count without a gap, balances
-- follow from the amounts, ids follow the order.
--
-- In each round every payer is charged once: 1 to 10 minor units, by round. Payer j pays company
-- (round + j) mod companies, so each company is paid by as many in each round. Round 0 is before
-- all: there each payer deposits. All of them, payers and companies, must be empty wallets.

-- The id of the n-th transaction.
CREATE OR REPLACE FUNCTION bench_id(milliseconds bigint, n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex(milliseconds), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0')
            || 'a' || lpad(to_hex(n), 15, '0'))::uuid
$$;

-- What the first `rounds` charges of a payer add up to.
CREATE OR REPLACE FUNCTION bench_paid(rounds bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 55 * (rounds / 10) + (rounds % 10) * (rounds % 10 + 1) / 2
$$;

CREATE TABLE IF NOT EXISTS bench_wallets (
    side text, j integer, id uuid NOT NULL, PRIMARY KEY (side, j)
);

-- Rounds `first` to `last` (inclusive) of charges, spread evenly from one millisecond to another.
CREATE OR REPLACE FUNCTION bench_fill(
    first_round bigint, last_round bigint, from_ms bigint, to_ms bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    payers    bigint := (SELECT count(*) FROM bench_wallets WHERE side = 'payer');
    companies bigint := (SELECT count(*) FROM bench_wallets WHERE side = 'company');
    opening CONSTANT bigint := 1000000000000;
    written bigint;
BEGIN
    INSERT INTO ledger_transaction (
        id, kind, asset_id, amount_minor, source_id, target_id, source_is_system, target_is_system,
        source_balance_minor, target_balance_minor, source_version, target_version, summary
    )
    SELECT bench_id(from_ms + (to_ms - from_ms) * ((round - first_round) * payers + p.j)
                              / ((last_round - first_round + 1) * payers),
                    (round - 1) * payers + p.j),
           'charge', 'USD', amount, p.id, c.id, false, false,
           opening - bench_paid(round),
           payers / companies * bench_paid(round - 1) + (p.j / companies + 1) * amount,
           round + 1,
           payers / companies * (round - 1) + p.j / companies + 1,
           'Order 1017'
      FROM generate_series(first_round, last_round) AS round
     CROSS JOIN LATERAL (SELECT (round - 1) % 10 + 1 AS amount) a
      JOIN bench_wallets p ON p.side = 'payer'
      JOIN bench_wallets c ON c.side = 'company' AND c.j = (round + p.j) % companies
     ORDER BY round, p.j;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END
$$;

-- Round 0: the payers' deposits.
CREATE OR REPLACE FUNCTION bench_fill_deposits(funding uuid, at_ms bigint) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO ledger_transaction (
        id, kind, asset_id, amount_minor, source_id, target_id, source_is_system, target_is_system,
        target_balance_minor, target_version
    )
    SELECT bench_id(at_ms, j), 'deposit', 'USD', 1000000000000, funding, id, true, false,
           1000000000000, 1
      FROM bench_wallets WHERE side = 'payer'
$$;

-- What the wallets hold after so many rounds.
CREATE OR REPLACE FUNCTION bench_fill_balances(rounds bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE wallets_wallet w
       SET balance_minor = CASE f.side
               WHEN 'payer' THEN 1000000000000 - bench_paid(rounds)
               ELSE s.payers / s.companies * bench_paid(rounds) END,
           version = CASE f.side
               WHEN 'payer' THEN rounds + 1 ELSE s.payers / s.companies * rounds END,
           updated_at = now()
      FROM bench_wallets f,
           (SELECT count(*) FILTER (WHERE side = 'payer') AS payers,
                   count(*) FILTER (WHERE side = 'company') AS companies FROM bench_wallets) s
     WHERE w.id = f.id
$$;
