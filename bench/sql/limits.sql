-- What PostgreSQL does without a service around it, on the service's own tables, as their owner.
-- Each keeps the books in order, and does none of the other work of `ledger_post`.

CREATE TABLE bench_payer (n integer PRIMARY KEY, id uuid NOT NULL);
CREATE TABLE bench_company (n integer PRIMARY KEY, id uuid NOT NULL);
INSERT INTO bench_payer
    SELECT row_number() OVER (), id FROM wallets_wallet WHERE balance_minor > 1000000000;
INSERT INTO bench_company
    SELECT row_number() OVER (), id FROM wallets_wallet WHERE owner_role = 'company';
ANALYZE bench_payer, bench_company, wallets_wallet;

-- One movement: lock two rows, write both balances, insert one row.
CREATE FUNCTION bench_move(of_kind varchar, source uuid, target uuid, amount bigint) RETURNS uuid
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    debited  record;
    credited record;
    made     uuid;
BEGIN
    PERFORM FROM wallets_wallet WHERE id IN (source, target) ORDER BY id FOR NO KEY UPDATE;
    UPDATE wallets_wallet
       SET balance_minor = balance_minor - amount, version = version + 1, updated_at = now()
     WHERE id = source AND balance_minor - held_minor >= amount AND status = 'active'
    RETURNING balance_minor, version, asset_id INTO debited;
    UPDATE wallets_wallet
       SET balance_minor = balance_minor + amount, version = version + 1, updated_at = now()
     WHERE id = target AND asset_id = debited.asset_id AND status = 'active'
    RETURNING balance_minor, version INTO STRICT credited;
    INSERT INTO ledger_transaction (
        kind, asset_id, amount_minor, source_id, target_id, source_is_system, target_is_system,
        source_balance_minor, target_balance_minor, source_version, target_version
    ) VALUES (
        of_kind, debited.asset_id, amount, source, target, false, false,
        debited.balance_minor, credited.balance_minor, debited.version, credited.version
    ) RETURNING id INTO made;
    RETURN made;
END
$$;

-- The same under an idempotency key, with an answer to keep.
CREATE FUNCTION bench_move_once(
    idempotency_key varchar, source uuid, target uuid, amount bigint
) RETURNS uuid LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    made uuid;
BEGIN
    made := bench_move('charge', source, target, amount);
    INSERT INTO core_idempotencyrecord (
        caller_id, key, operation, fingerprint, status_code, body, transaction_id, created_at
    ) VALUES (
        target, idempotency_key, 'POST /wallet/charge', decode(repeat('00', 32), 'hex'), 200,
        convert_to(repeat('x', 128), 'UTF8'), made, now()
    );
    RETURN made;
END
$$;

-- Many transfers between random payers, as sets: lock all, compute each row's balances, write twice.
-- For one client at a time.
CREATE FUNCTION bench_move_batch(wanted integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    payers integer := (SELECT count(*) FROM bench_payer);
    written integer;
BEGIN
    WITH drawn AS MATERIALIZED (
        SELECT i, 1 + floor(random() * payers)::integer AS s,
               1 + floor(random() * (payers - 1))::integer AS t
          FROM generate_series(1, wanted) AS i
    ), orders AS MATERIALIZED (
        SELECT i, source.id AS source_id, target.id AS target_id
          FROM drawn
          JOIN bench_payer source ON source.n = s
          JOIN bench_payer target ON target.n = CASE WHEN t >= s THEN t + 1 ELSE t END
    ), sides AS MATERIALIZED (
        SELECT i, source_id AS wallet_id, -1 AS amount FROM orders
        UNION ALL SELECT i, target_id, 1 FROM orders
    ), locked AS MATERIALIZED (
        SELECT w.id, w.asset_id, w.balance_minor, w.version
          FROM wallets_wallet w
         WHERE w.id IN (SELECT wallet_id FROM sides)
         ORDER BY w.id FOR NO KEY UPDATE
    ), entries AS MATERIALIZED (
        SELECT i, amount, w.id, w.asset_id,
               w.balance_minor + sum(amount) OVER wallet AS balance,
               w.version + row_number() OVER wallet AS version
          FROM sides JOIN locked w ON w.id = wallet_id
        WINDOW wallet AS (PARTITION BY w.id ORDER BY i)
    ), changed AS (
        UPDATE wallets_wallet w
           SET balance_minor = w.balance_minor + c.amount, version = w.version + c.entries,
               updated_at = now()
          FROM (SELECT wallet_id, sum(amount) AS amount, count(*) AS entries
                  FROM sides GROUP BY wallet_id) c
         WHERE w.id = c.wallet_id
    )
    INSERT INTO ledger_transaction (
        kind, asset_id, amount_minor, source_id, target_id, source_is_system, target_is_system,
        source_balance_minor, target_balance_minor, source_version, target_version
    )
    SELECT 'transfer', s.asset_id, 1, s.id, t.id, false, false, s.balance, t.balance, s.version,
           t.version
      FROM entries s JOIN entries t USING (i) WHERE s.amount < 0 AND t.amount > 0
     ORDER BY i;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> wanted THEN
        RAISE EXCEPTION 'bench_move_batch: % of % were written', written, wanted;
    END IF;
    RETURN written;
END
$$;
