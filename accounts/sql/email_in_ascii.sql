-- An address in canonical form is ASCII. A trigger and no CHECK: an old address that has no such form
-- stays, and its account must go on working.
CREATE OR REPLACE FUNCTION refuse_email_not_in_ascii()
RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'an email address is stored in its canonical form'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'email_in_ascii', TABLE = TG_TABLE_NAME;
END
$$;
CREATE TRIGGER email_in_ascii BEFORE INSERT OR UPDATE OF email ON accounts_user
    FOR EACH ROW WHEN (octet_length(NEW.email) <> char_length(NEW.email))
    EXECUTE FUNCTION refuse_email_not_in_ascii();
