-- The one way to move money. Everything that can change a balance is in this function.
--
-- It takes orders: move `amount_minor` of the two wallets' asset from source to target. It returns one
-- outcome per order, in their order, and raises for no refusal: a failed transaction is a row that must
-- commit. A charge that the payer does not allow leaves no row, and its outcome has no id; neither has an
-- attempt that failed, when enough of its two accounts are on record. What it does raise is a fault of the
-- caller (an unknown wallet, two assets) or of the database. Only the elements of the array count: its
-- dimensions and subscripts are never read.
--
-- Each order is decided in its turn, on the balances that the orders before it left behind.
-- With `all_or_none` nothing is written, and no outcome returned, when one of them fails or cannot be
-- tried: an unknown wallet, two assets.
--
-- SECURITY DEFINER: the app's role may execute this and may not write a balance or a transaction in any
-- other way.
CREATE OR REPLACE FUNCTION ledger_post(
    orders ledger_order_v2[], request_id varchar, all_or_none boolean
)
RETURNS TABLE (
    transaction_id uuid, failure_code varchar, source_balance_minor bigint,
    target_balance_minor bigint, available_minor bigint
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
    versions   bigint[];
    versions_read bigint[];
    -- What each wallet was charged by its token in the last 24 hours, where that was read. All charges
    -- of a call are one company's: the caller sees to that.
    charged    numeric[];
    -- The outcomes, by order. An order that leaves no row has no id. What a failed order lacks is NULL
    -- from the beginning: a statement in the loop costs a batch of a thousand one percent.
    ids              uuid[];
    failures         varchar[];
    source_balances  bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(orders)]);
    target_balances  bigint[] := source_balances;
    source_versions  bigint[] := source_balances;
    target_versions  bigint[] := source_balances;
    availables       bigint[];
    wallet        record;
    posted        ledger_order_v2;
    is_restricted boolean;
    approval      record;
    uses_spent    boolean := false;
    last_id       uuid;
    found_wallets integer := 0;
    failed  integer[] := '{}';  -- the places of the failed orders that go on record
    i       integer := 0;
    source  integer;
    target  integer;
    failure varchar;
    changed integer := 0;
    written bigint;
BEGIN
    -- 1. Lock and read the wallets.
    SELECT array_agg(DISTINCT side.id ORDER BY side.id),
           array_agg(side.place ORDER BY side.number) FILTER (WHERE side.is_source),
           array_agg(side.place ORDER BY side.number) FILTER (WHERE NOT side.is_source)
      INTO wallet_ids, sources, targets
      FROM (SELECT o.ordinality AS number, s.is_source, s.id,
                   dense_rank() OVER (ORDER BY s.id) AS place
              FROM unnest(orders) WITH ORDINALITY AS o
             CROSS JOIN LATERAL (VALUES (true, o.source_id), (false, o.target_id))
                     AS s (is_source, id)) AS side;
    FOR wallet IN SELECT * FROM lock_wallets(wallet_ids) LOOP
        assets[wallet.place] := wallet.asset_id;
        systems[wallet.place] := wallet.is_system;
        actives[wallet.place] := wallet.is_active;
        policies[wallet.place] := wallet.charges;
        balances[wallet.place] := wallet.balance_minor;
        helds[wallet.place] := wallet.held_minor;
        versions[wallet.place] := wallet.version;
        found_wallets := found_wallets + 1;
    END LOOP;
    IF found_wallets <> cardinality(wallet_ids) THEN
        IF all_or_none THEN
            RETURN;
        END IF;
        RAISE EXCEPTION 'ledger_post: a wallet does not exist.' USING ERRCODE = 'no_data_found';
    END IF;
    versions_read := versions;

    -- 2. Decide each order in its turn.
    FOREACH posted IN ARRAY orders LOOP
        i := i + 1;
        source := sources[i];
        target := targets[i];
        IF assets[source] <> assets[target] THEN
            IF all_or_none THEN
                RETURN;
            END IF;
            RAISE EXCEPTION 'ledger_post: the wallets of an order hold different assets.'
                USING ERRCODE = 'data_exception';
        END IF;
        availables[i] := balances[source] - helds[source];
        failure := CASE
            WHEN NOT (actives[source] AND actives[target]) THEN 'wallet_not_active'
            WHEN NOT systems[source] AND availables[i] < posted.amount_minor
                THEN 'insufficient_funds'
            WHEN NOT systems[target] AND balances[target] > max_balance - posted.amount_minor
                THEN 'balance_limit'
        END;
        -- A pay token's refusal comes before all others; an approval's comes after a wallet that is not
        -- active, and before the funds.
        is_restricted := posted.kind = 'charge' AND (
            posted.paytoken_id IS NOT NULL
            OR (policies[source] <> 'open' AND posted.payment_request_id IS NULL));
        IF is_restricted THEN
            IF posted.paytoken_id IS NOT NULL THEN
                failure := coalesce(
                    paytoken_refusal(posted.paytoken_id, posted.source_id, posted.actor_id,
                                     posted.amount_minor),
                    failure);
            ELSIF failure IS DISTINCT FROM 'wallet_not_active' THEN
                approval := approval_refusal(posted.source_id, policies[source], posted.actor_id,
                                             posted.target_id, posted.amount_minor,
                                             charged[source]);
                charged[source] := approval.charged_today;
                failure := coalesce(approval.refusal, failure);
            END IF;
        END IF;
        IF all_or_none AND failure IS NOT NULL THEN
            IF uses_spent THEN
                RAISE EXCEPTION 'ledger_post: a pay token was used before an order failed.'
                    USING ERRCODE = 'feature_not_supported';
            END IF;
            RETURN;
        END IF;
        ids[i] := CASE WHEN failure IS NULL OR failure = ANY (on_record) THEN uuidv7() END;
        failures[i] := failure;
        IF failure IS NOT NULL THEN
            IF ids[i] IS NOT NULL THEN
                failed := failed || i;
            END IF;
            CONTINUE;
        END IF;
        -- From here on the order succeeds.
        IF is_restricted THEN
            IF posted.paytoken_id IS NOT NULL THEN
                UPDATE wallets_paytoken SET uses_left = uses_left - 1 WHERE id = posted.paytoken_id;
                uses_spent := true;
            ELSE
                charged[source] := charged[source] + posted.amount_minor;
            END IF;
        END IF;
        IF NOT systems[source] THEN
            balances[source] := balances[source] - posted.amount_minor;
            versions[source] := versions[source] + 1;
            source_balances[i] := balances[source];
            source_versions[i] := versions[source];
        END IF;
        IF NOT systems[target] THEN
            balances[target] := balances[target] + posted.amount_minor;
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

    -- 3. Write. A wallet that is not at the version that was read was changed without its lock.
    FOR place IN 1 .. cardinality(versions) LOOP
        CONTINUE WHEN versions[place] = versions_read[place];
        changed := changed + 1;
    END LOOP;
    last_id := ids[cardinality(ids)];
    IF last_id IS NULL THEN
        SELECT id INTO last_id FROM unnest(ids) AS id ORDER BY id DESC NULLS LAST LIMIT 1;
    END IF;
    UPDATE wallets_wallet w
       SET balance_minor = u.balance, version = u.version,
           updated_at = uuid_extract_timestamp(last_id)
      FROM unnest(wallet_ids, balances, versions, versions_read) AS u (id, balance, version, read)
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
        paytoken_id, payment_request_id
    )
    SELECT o.id, o.kind, assets[o.source], o.amount_minor, o.source_id, o.target_id,
           systems[o.source], systems[o.target], o.source_balance, o.target_balance,
           o.source_version, o.target_version, o.failure, o.summary, o.actor_id,
           ledger_post.request_id, o.origin_id, o.group_id, o.paytoken_id, o.payment_request_id
      FROM ROWS FROM (
               unnest(orders),
               unnest(ids, sources, targets, source_balances, target_balances, source_versions,
                      target_versions, failures)
           ) AS o (kind, source_id, target_id, amount_minor, summary, actor_id, origin_id, group_id,
                   paytoken_id, payment_request_id, id, source, target, source_balance,
                   target_balance, source_version, target_version, failure)
     WHERE o.id IS NOT NULL;

    -- 4. Return what became of each order.
    RETURN QUERY
        SELECT * FROM unnest(ids, failures, source_balances, target_balances, availables);
END
$$;
