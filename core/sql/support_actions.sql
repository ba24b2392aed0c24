-- What operators did is written once: nobody changes or deletes it, the tables' owner included.
CREATE FUNCTION refuse_change_of_support_actions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Support actions are append-only: % refused.', TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON core_supportaction
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_support_actions();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON core_supportaction
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_support_actions();
DO $$
BEGIN
    IF to_regrole('wallet_app') IS NULL OR current_user = 'wallet_app' THEN
        RETURN;
    END IF;
    REVOKE UPDATE, DELETE ON core_supportaction FROM wallet_app;
END
$$;
