-- What a company pays the platform for charging this amount; NULL: it has no fee.
CREATE OR REPLACE FUNCTION fee_of(company_wallet uuid, charged_minor bigint)
RETURNS bigint LANGUAGE sql VOLATILE
SET search_path = public, pg_temp AS $$
    -- GREATEST and LEAST leave out what is NULL. Hundredths are exact, a quotient of numerics is not: so it
    -- is divided last, into a whole number, and a half goes up.
    SELECT div(2 * least(
                   greatest(charged_minor * percent + fixed_minor * 100::numeric,
                            min_minor * 100::numeric),
                   max_minor * 100::numeric,
                   charged_minor * 100::numeric) + 100,
               200)::bigint
      FROM wallets_fee WHERE wallet_id = company_wallet
$$;

-- What the orders leave to what is true under the lock: the amount of a capture or a release that names none,
-- the release of what a final capture leaves, and the fee of a company for each charge. `ledger_post` calls it
-- when one of its wallets has a fee or holds, or one of the orders is about a hold.
--
-- `fees` has the fee of each charge and capture, `added` which orders are new here. `refusal` is why the hold
-- does not allow what is ordered of it, `held_minor` what it was before: a call is about one hold at most.
CREATE OR REPLACE FUNCTION complete_orders(
    given ledger_order_v3[], OUT orders ledger_order_v3[], OUT fees bigint[], OUT added boolean[],
    OUT refusal varchar, OUT held_minor bigint
)
LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    ordered ledger_order_v3;
    fee     ledger_order_v3;
    rest    ledger_order_v3;
    hold    ledger_hold;
    remaining bigint;
    n integer := 0;
BEGIN
    held_minor := 0;
    FOREACH ordered IN ARRAY given LOOP
        IF ordered.hold_id IS NOT NULL AND ordered.hold_seconds IS NULL THEN
            SELECT * INTO STRICT hold FROM ledger_hold
             WHERE id = ordered.hold_id AND payer_wallet_id = ordered.source_id
               AND company_wallet_id = ordered.target_id;
            held_minor := hold.amount_minor;
            remaining := hold.amount_minor - hold.captured_minor - hold.released_minor;
            refusal := hold_refusal(hold, ordered);
            -- Of a hold that has ended nothing remains; then nothing is written.
            ordered.amount_minor := coalesce(nullif(ordered.amount_minor, 0), nullif(remaining, 0), 1);
            ordered.paytoken_id := hold.paytoken_id;
            IF ordered.is_final AND ordered.amount_minor < remaining THEN
                ordered.group_id := coalesce(ordered.group_id, gen_random_uuid());
                rest := ordered;
                rest.kind := 'release';
                rest.amount_minor := remaining - ordered.amount_minor;
            END IF;
        END IF;
        n := n + 1;
        added[n] := false;
        IF ordered.kind IN ('charge', 'capture') THEN
            fees[n] := fee_of(ordered.target_id, ordered.amount_minor);
            IF fees[n] > 0 THEN
                ordered.group_id := coalesce(ordered.group_id, gen_random_uuid());
            END IF;
        END IF;
        orders[n] := ordered;
        IF fees[n] > 0 THEN
            SELECT 'fee', w.id, f.id, fees[n], ordered.summary, ordered.actor_id, NULL,
                   ordered.group_id
              INTO fee
              FROM wallets_wallet w
              JOIN wallets_wallet f ON f.asset_id = w.asset_id AND f.purpose = 'fees'
             WHERE w.id = ordered.target_id;
            n := n + 1;
            added[n] := true;
            orders[n] := fee;
        END IF;
    END LOOP;
    IF rest.kind IS NOT NULL THEN
        n := n + 1;
        added[n] := true;
        orders[n] := rest;
    END IF;
END
$$;
