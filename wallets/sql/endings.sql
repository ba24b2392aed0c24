-- Leaves room on each page for a second version of every row on it: most pay tokens are used once, and no
-- column that changes has an index.
ALTER TABLE wallets_paytoken SET (fillfactor = 50);

-- A revoked pay token stays revoked, and an approval that ended stays so, for every role.
CREATE OR REPLACE FUNCTION refuse_revival() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'What was revoked stays revoked.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE OR REPLACE TRIGGER revoked_is_final BEFORE UPDATE OF revoked_at ON wallets_paytoken
    FOR EACH ROW WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)
    EXECUTE FUNCTION refuse_revival();
CREATE OR REPLACE TRIGGER ended_is_final BEFORE UPDATE OF ended_at ON wallets_approval
    FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)
    EXECUTE FUNCTION refuse_revival();

-- A pay token begins with all its uses and lives for a day at most; it is deleted a day after its end at
-- the earliest. Otherwise a row could be deleted, and made again with more uses.
CREATE OR REPLACE FUNCTION keep_paytoken() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.uses_left <> NEW.uses OR NEW.revoked_at IS NOT NULL
           OR NEW.expires_at > current_moment() + interval '1 day' THEN
            RAISE EXCEPTION 'A pay token begins unused, for a day at most.'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.expires_at > current_moment() - interval '1 day' THEN
        RAISE EXCEPTION 'A pay token is kept until a day after its end.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END
$$;
CREATE OR REPLACE TRIGGER lives_for_a_day BEFORE INSERT OR DELETE ON wallets_paytoken
    FOR EACH ROW EXECUTE FUNCTION keep_paytoken();
