-- What somebody is was decided when the account was made, for good: a client, a company or an operator,
-- and of an operator whether it is staff or a platform.
CREATE OR REPLACE FUNCTION keep_role() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'The role of an account and the kind of an operator never change.'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER role_is_kept BEFORE UPDATE ON accounts_user
    FOR EACH ROW
    WHEN ((OLD.role, OLD.operator_kind) IS DISTINCT FROM (NEW.role, NEW.operator_kind))
    EXECUTE FUNCTION keep_role();

-- The release before still makes operators while this one is deployed, and names no kind. Whoever has
-- a password is staff. Django writes one that nobody can have with a leading "!".
CREATE OR REPLACE FUNCTION decide_operator_kind() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    NEW.operator_kind := CASE WHEN NEW.password LIKE '!%' THEN 'platform' ELSE 'staff' END;
    RETURN NEW;
END
$$;
CREATE TRIGGER operator_has_kind BEFORE INSERT ON accounts_user
    FOR EACH ROW WHEN (NEW.role = 'operator' AND NEW.operator_kind IS NULL)
    EXECUTE FUNCTION decide_operator_kind();
