-- The one way to move money, and to set it aside. Everything that can change a balance is in this function;
-- `release_expired_holds` alone gives back what nobody took in time.
--
-- It takes orders: move `amount_minor` of the two wallets' asset from source to target, or hold it for the
-- target. It returns one outcome per order, in their order, and raises for no refusal: a failed transaction
-- is a row that must commit. A charge that the payer does not allow leaves no row, and its outcome has no
-- id; neither has an attempt that failed, when enough of its two accounts are on record. What it does raise
-- is a fault of the caller (an unknown wallet, two assets) or of the database. Only the elements of the
-- array count: its dimensions and subscripts are never read.
--
-- Each order is decided in its turn, on the balances that the orders before it left behind. Consecutive
-- orders with one `group_id` all happen, or none does: when one fails, it alone goes on record; of a split
-- that cannot be paid, the charge that it is a part of. The others have no id, and `not_carried_out`.
-- What the orders leave open (a fee, the rest of a hold) is completed under the lock.
--
-- With `all_or_none` the orders are one group or one order. Nothing of them is written, and no outcome
-- returned, when one fails or cannot be tried: an unknown wallet, two assets.
--
-- SECURITY DEFINER: the app's role may execute this and may not write a balance or a transaction in any
-- other way.
CREATE OR REPLACE FUNCTION ledger_post(
    orders ledger_order_v3[], request_id varchar, all_or_none boolean
)
RETURNS TABLE (
    transaction_id uuid, failure_code varchar, source_balance_minor bigint,
    target_balance_minor bigint, available_minor bigint, amount_minor bigint,
    fee_minor bigint
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan  -- planning anew for each array cost half of a call
AS $$
DECLARE
    max_balance CONSTANT bigint := 9000000000000000000;
    on_record CONSTANT varchar[] := '{wallet_not_active,insufficient_funds,balance_limit}';
    -- The distinct wallets of all orders, sorted. A wallet's place in it is its place in the arrays
    -- below, and `sources` and `targets` are the places of each order's wallets.
    wallet_ids uuid[];
    sources    integer[];
    targets    integer[];
    assets     varchar[];
    systems    boolean[];
    actives    boolean[];
    policies   varchar[];
    balances   bigint[];
    helds      bigint[];
    expiries   timestamptz[];
    versions   bigint[];
    versions_read bigint[];
    -- What each wallet was charged by its token in the last 24 hours, where that was read. All charges
    -- of a call are one company's: the caller sees to that.
    charged    numeric[];
    -- The outcomes, by order. An order that leaves no row has no id. What a failed order lacks is NULL
    -- from the beginning: a statement in the loop costs a batch of a thousand one percent.
    ids              uuid[];
    failures         varchar[];
    source_balances  bigint[];
    target_balances  bigint[];
    source_versions  bigint[];
    target_versions  bigint[];
    source_helds     bigint[];
    availables       bigint[];
    amounts          bigint[];
    -- What `complete_orders` adds, if there is anything.
    fees          bigint[];
    added         boolean[];
    refusal       varchar;
    held_before   bigint := 0;
    is_completed  boolean := false;
    is_incomplete boolean;
    wallet        record;
    posted        ledger_order_v3;
    is_restricted boolean;
    approval      record;
    last_id       uuid;
    found_wallets integer;
    failed  integer[] := '{}';  -- the places of the failed orders that go on record
    i       integer := 0;
    first   integer;            -- the place of the first order of the group
    previous_group uuid;
    failed_group uuid;
    unsplit bigint;             -- what is left of the charge for the splits of its group
    source  integer;
    target  integer;
    moved   bigint;
    recorded integer;
    failure varchar;
    changed integer := 0;
    written bigint;
BEGIN
    -- 1. Lock and read the wallets; a second time when there was something to complete.
    LOOP
        SELECT array_agg(DISTINCT side.id ORDER BY side.id),
               array_agg(side.place ORDER BY side.number) FILTER (WHERE side.is_source),
               array_agg(side.place ORDER BY side.number) FILTER (WHERE NOT side.is_source),
               bool_or(side.hold_id IS NOT NULL AND side.hold_seconds IS NULL)
          INTO wallet_ids, sources, targets, is_incomplete
          FROM (SELECT o.ordinality AS number, o.hold_id, o.hold_seconds, s.is_source, s.id,
                       dense_rank() OVER (ORDER BY s.id) AS place
                  FROM unnest(orders) WITH ORDINALITY AS o
                 CROSS JOIN LATERAL (VALUES (true, o.source_id), (false, o.target_id))
                         AS s (is_source, id)) AS side;
        found_wallets := 0;
        FOR wallet IN SELECT * FROM lock_wallets(wallet_ids) LOOP
            assets[wallet.place] := wallet.asset_id;
            systems[wallet.place] := wallet.is_system;
            actives[wallet.place] := wallet.is_active;
            policies[wallet.place] := wallet.charges;
            balances[wallet.place] := wallet.balance_minor;
            helds[wallet.place] := wallet.held_minor;
            expiries[wallet.place] := wallet.next_expiry;
            versions[wallet.place] := wallet.version;
            is_incomplete := is_incomplete OR wallet.has_fee
                OR (wallet.next_expiry IS NOT NULL AND wallet.next_expiry <= current_moment());
            found_wallets := found_wallets + 1;
        END LOOP;
        IF found_wallets <> cardinality(wallet_ids) THEN
            IF all_or_none THEN
                RETURN;
            END IF;
            RAISE EXCEPTION 'ledger_post: a wallet does not exist.' USING ERRCODE = 'no_data_found';
        END IF;
        EXIT WHEN is_completed OR NOT is_incomplete;
        PERFORM release_expired_holds(wallet_ids);
        SELECT c.orders, c.fees, c.added, c.refusal, c.held_minor
          INTO orders, fees, added, refusal, held_before
          FROM complete_orders(orders) AS c;
        is_completed := true;
    END LOOP;
    versions_read := versions;
    source_balances := array_fill(NULL::bigint, ARRAY[cardinality(orders)]);
    target_balances := source_balances;
    source_versions := source_balances;
    target_versions := source_balances;

    -- 2. Decide each order in its turn.
    FOREACH posted IN ARRAY orders LOOP
        i := i + 1;
        source := sources[i];
        target := targets[i];
        IF posted.group_id IS NULL OR posted.group_id IS DISTINCT FROM previous_group THEN
            first := i;
        ELSIF posted.group_id = failed_group THEN
            ids[i] := NULL;
            failures[i] := 'not_carried_out';
            CONTINUE;
        END IF;
        previous_group := posted.group_id;
        IF assets[source] <> assets[target] THEN
            IF all_or_none THEN
                RETURN;
            END IF;
            RAISE EXCEPTION 'ledger_post: the wallets of an order hold different assets.'
                USING ERRCODE = 'data_exception';
        END IF;
        availables[i] := balances[source] - helds[source];
        amounts[i] := posted.amount_minor;
        failure := CASE
            WHEN refusal IS NOT NULL THEN refusal
            WHEN posted.kind = 'release' THEN NULL
            WHEN posted.kind = 'split' AND posted.amount_minor > unsplit THEN 'splits_exceed_amount'
            WHEN NOT (actives[source] AND actives[target]) THEN 'wallet_not_active'
            -- What a capture takes has been set aside.
            WHEN NOT systems[source] AND availables[i] < posted.amount_minor
                 AND posted.kind <> 'capture' THEN 'insufficient_funds'
            WHEN NOT systems[target] AND balances[target] > max_balance - posted.amount_minor
                THEN 'balance_limit'
        END;
        -- A pay token's refusal comes before all others; an approval's comes after a wallet that is not
        -- active, and before the funds. More of a hold uses no pay token again.
        is_restricted := posted.kind IN ('charge', 'hold') AND CASE
            WHEN posted.paytoken_id IS NULL
                THEN policies[source] <> 'open' AND posted.payment_request_id IS NULL
            ELSE posted.kind = 'charge' OR posted.hold_seconds IS NOT NULL END;
        IF is_restricted AND refusal IS NULL THEN
            IF posted.paytoken_id IS NOT NULL THEN
                failure := coalesce(
                    paytoken_refusal(posted.paytoken_id, posted.source_id, posted.actor_id,
                                     posted.amount_minor),
                    failure);
            ELSIF failure IS DISTINCT FROM 'wallet_not_active' THEN
                approval := approval_refusal(posted.source_id, policies[source], posted.actor_id,
                                             posted.target_id, posted.amount_minor, held_before,
                                             charged[source]);
                charged[source] := approval.charged_today;
                failure := coalesce(approval.refusal, failure);
            END IF;
        END IF;
        IF posted.hold_seconds IS NOT NULL AND failure IS NULL
           AND hold_limit_reached(posted.source_id) THEN
            failure := 'hold_limit_reached';
        END IF;

        IF failure IS NOT NULL THEN
            -- What the group has done before is undone, from the last to the first.
            FOR place IN REVERSE i - 1 .. first LOOP
                moved := CASE WHEN orders[place].kind IN ('hold', 'release') THEN 0
                              ELSE orders[place].amount_minor END;
                IF source_versions[place] IS NOT NULL THEN
                    balances[sources[place]] := balances[sources[place]] + moved;
                    versions[sources[place]] := versions[sources[place]] - 1;
                END IF;
                IF target_versions[place] IS NOT NULL THEN
                    balances[targets[place]] := balances[targets[place]] - moved;
                    versions[targets[place]] := versions[targets[place]] - 1;
                END IF;
                IF orders[place].kind = 'capture' THEN
                    helds[sources[place]] := helds[sources[place]] + moved;
                ELSIF orders[place].kind = 'charge' AND orders[place].paytoken_id IS NOT NULL THEN
                    UPDATE wallets_paytoken SET uses_left = uses_left + 1
                     WHERE id = orders[place].paytoken_id;
                ELSIF orders[place].kind = 'charge' THEN
                    charged[sources[place]] := charged[sources[place]] - moved;
                END IF;
                ids[place] := NULL;
                failures[place] := 'not_carried_out';
                source_balances[place] := NULL;
                target_balances[place] := NULL;
                source_versions[place] := NULL;
                target_versions[place] := NULL;
                source_helds[place] := NULL;
            END LOOP;
            IF all_or_none THEN
                IF first > 1 THEN
                    RAISE EXCEPTION 'ledger_post: another group was carried out before.'
                        USING ERRCODE = 'feature_not_supported';
                END IF;
                RETURN;
            END IF;
            failed_group := posted.group_id;
            recorded := CASE posted.kind WHEN 'split' THEN first ELSE i END;
            ids[i] := NULL;
            failures[i] := failure;
            failures[recorded] := failure;
            IF failure = ANY (on_record) THEN
                ids[recorded] := uuidv7();
                failed := failed || recorded;
            END IF;
            CONTINUE;
        END IF;

        -- From here on the order succeeds.
        ids[i] := uuidv7();
        failures[i] := NULL;
        IF is_restricted THEN
            IF posted.paytoken_id IS NOT NULL THEN
                UPDATE wallets_paytoken SET uses_left = uses_left - 1 WHERE id = posted.paytoken_id;
            ELSE
                charged[source] := charged[source] + posted.amount_minor;
            END IF;
        END IF;
        moved := posted.amount_minor;
        IF posted.hold_id IS NOT NULL THEN
            helds[source] := helds[source]
                + CASE posted.kind WHEN 'hold' THEN moved ELSE -moved END;
            source_helds[i] := helds[source];
            moved := CASE posted.kind WHEN 'capture' THEN moved ELSE 0 END;
        END IF;
        IF posted.group_id IS NOT NULL AND posted.kind <> 'fee' THEN
            unsplit := CASE posted.kind WHEN 'split' THEN unsplit - moved
                                        ELSE moved - coalesce(fees[i], 0) END;
        END IF;
        IF NOT systems[source] THEN
            balances[source] := balances[source] - moved;
            versions[source] := versions[source] + 1;
            source_balances[i] := balances[source];
            source_versions[i] := versions[source];
        END IF;
        IF NOT systems[target] AND moved > 0 THEN
            balances[target] := balances[target] + moved;
            versions[target] := versions[target] + 1;
            target_balances[i] := balances[target];
            target_versions[i] := versions[target];
        END IF;
    END LOOP;

    -- A failed order moved nothing, so whether it goes on record changes nothing for the others.
    IF failed <> '{}' THEN
        FOR i IN SELECT attempts_off_record(orders, failed) LOOP
            ids[i] := NULL;
            failures[i] := 'too_many_failed_attempts';
        END LOOP;
    END IF;

    -- 3. Write. First the holds, which say when the next one of a wallet expires.
    IF source_helds IS NOT NULL THEN
        i := 0;
        FOREACH posted IN ARRAY orders LOOP
            i := i + 1;
            CONTINUE WHEN posted.hold_id IS NULL OR failures[i] IS NOT NULL;
            expiries[sources[i]] := change_hold(posted, expiries[sources[i]]);
        END LOOP;
    END IF;
    -- A wallet that is not at the version that was read was changed without its lock.
    FOR place IN 1 .. cardinality(versions) LOOP
        CONTINUE WHEN versions[place] = versions_read[place];
        changed := changed + 1;
    END LOOP;
    last_id := ids[cardinality(ids)];
    IF last_id IS NULL THEN
        SELECT id INTO last_id FROM unnest(ids) AS id ORDER BY id DESC NULLS LAST LIMIT 1;
    END IF;
    UPDATE wallets_wallet w
       SET balance_minor = u.balance, held_minor = u.held, next_expiry = u.next_expiry,
           version = u.version, updated_at = uuid_extract_timestamp(last_id)
      FROM unnest(wallet_ids, balances, helds, expiries, versions, versions_read)
        AS u (id, balance, held, next_expiry, version, read)
     WHERE w.id = u.id AND w.version = u.read AND u.version <> u.read;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> changed THEN
        RAISE EXCEPTION 'ledger_post: a wallet changed without its lock.'
            USING ERRCODE = 'data_exception';
    END IF;

    INSERT INTO ledger_transaction (
        id, kind, asset_id, amount_minor, source_id, target_id, source_is_system,
        target_is_system, source_balance_minor, target_balance_minor, source_version,
        target_version, failure_code, summary, actor_id, request_id, origin_id, group_id,
        paytoken_id, payment_request_id, hold_id, source_held_minor, fee_minor
    )
    SELECT o.id, o.kind, assets[o.source], o.amount_minor, o.source_id, o.target_id,
           systems[o.source], systems[o.target], o.source_balance, o.target_balance,
           o.source_version, o.target_version, o.failure, o.summary, o.actor_id,
           ledger_post.request_id, o.origin_id, o.group_id, o.paytoken_id, o.payment_request_id,
           -- A hold that failed does not exist.
           CASE WHEN o.failure IS NULL OR o.hold_seconds IS NULL THEN o.hold_id END,
           o.source_held, CASE WHEN o.failure IS NULL THEN o.fee END
      FROM ROWS FROM (
               unnest(orders),
               unnest(ids, sources, targets, source_balances, target_balances, source_versions,
                      target_versions, source_helds, failures, fees)
           ) AS o (kind, source_id, target_id, amount_minor, summary, actor_id, origin_id, group_id,
                   paytoken_id, payment_request_id, hold_id, hold_seconds, is_final, reference,
                   metadata, id, source, target, source_balance, target_balance, source_version,
                   target_version, source_held, failure, fee)
     WHERE o.id IS NOT NULL;

    -- 4. Return what became of each order that was given.
    RETURN QUERY
        SELECT o.id, o.failure, o.source_balance, o.target_balance, o.available, o.amount,
               CASE WHEN o.failure IS NULL THEN o.fee END
          FROM unnest(ids, failures, source_balances, target_balances, availables, amounts, fees,
                      added)
            AS o (id, failure, source_balance, target_balance, available, amount, fee, is_added)
         WHERE o.is_added IS NOT TRUE;
END
$$;
