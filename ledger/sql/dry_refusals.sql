-- What a caller's dry runs over the wallets of others were refused in the last hour. A refusal that leaves no
-- row would else tell anybody who knows a wallet's token what is in it. One list for the account that pays and
-- the one that tries.
CREATE TABLE ledger_dryrefusals (
    payer_id   uuid          NOT NULL,
    caller_id  uuid          NOT NULL,
    refused_at timestamptz[] NOT NULL,  -- oldest first; some may be older than an hour
    PRIMARY KEY (payer_id, caller_id),
    CONSTRAINT dry_refusals_within_limit CHECK (cardinality(refused_at) BETWEEN 1 AND 20)
);
SELECT for_app_role('REVOKE INSERT, UPDATE ON ledger_dryrefusals FROM wallet_app');

CREATE OR REPLACE FUNCTION dry_refusals_counted(refused_at timestamptz[])
RETURNS timestamptz[] LANGUAGE sql STABLE
SET search_path = public, pg_temp
RETURN ARRAY(SELECT at FROM unnest(refused_at) AS at
              WHERE at > current_moment() - interval '1 hour' ORDER BY at);

-- Takes the turn of a caller's dry run until the end of the database transaction: those of one caller follow
-- each other. So what is read as counted stays so until this one has counted.
CREATE OR REPLACE FUNCTION take_turn_of_dry_run(caller uuid)
RETURNS void LANGUAGE sql
SET search_path = public, pg_temp
BEGIN ATOMIC
    SELECT pg_advisory_xact_lock(hashtextextended('dry runs of ' || caller, 0));
END;

-- How many more refusals each payer has room for, and in how many seconds the oldest of them ends.
CREATE OR REPLACE FUNCTION room_for_dry_refusals(caller uuid, payers uuid[])
RETURNS TABLE (payer_id uuid, room integer, seconds integer) LANGUAGE sql STABLE
SET search_path = public, pg_temp
BEGIN ATOMIC
    SELECT p.id, 20 - cardinality(coalesce(counted.at, '{}')),
           coalesce(ceil(extract(epoch FROM counted.at[1] + interval '1 hour'
                                            - current_moment()))::integer, 3600)
      FROM unnest(payers) AS p (id)
      LEFT JOIN ledger_dryrefusals d ON d.payer_id = p.id AND d.caller_id = caller
     CROSS JOIN LATERAL (SELECT dry_refusals_counted(d.refused_at)) AS counted (at);
END;

-- Counts what a dry run was refused: one more for each time that a payer is named. More than there is room for
-- is refused by the table. SECURITY DEFINER: the app's role may add to a list, and not write one.
CREATE OR REPLACE FUNCTION count_dry_refusals(caller uuid, payers uuid[])
RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp
BEGIN ATOMIC
    INSERT INTO ledger_dryrefusals AS d (payer_id, caller_id, refused_at)
    SELECT id, caller, array_fill(current_moment(), ARRAY[count(*)::integer])
      FROM unnest(payers) AS id
     GROUP BY id
     ORDER BY id
        ON CONFLICT (payer_id, caller_id) DO UPDATE
       SET refused_at = dry_refusals_counted(d.refused_at) || excluded.refused_at;
END;
REVOKE EXECUTE ON FUNCTION count_dry_refusals FROM PUBLIC;
SELECT for_app_role('GRANT EXECUTE ON FUNCTION count_dry_refusals TO wallet_app');
