-- A revoked pay token stays revoked, and an approval that ended stays so, for every role.
CREATE OR REPLACE FUNCTION refuse_revival() RETURNS trigger LANGUAGE plpgsql AS $$
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
