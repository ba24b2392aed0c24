-- An adjustment request never changes, and its decision is final, for every role.
CREATE OR REPLACE FUNCTION keep_adjustment_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR OLD.status <> 'pending'
       OR (NEW.id, NEW.wallet_id, NEW.is_credit, NEW.amount_minor, NEW.reason, NEW.requester_id,
           NEW.request_id, NEW.created_at, NEW.expires_at)
          IS DISTINCT FROM
          (OLD.id, OLD.wallet_id, OLD.is_credit, OLD.amount_minor, OLD.reason, OLD.requester_id,
           OLD.request_id, OLD.created_at, OLD.expires_at) THEN
        RAISE EXCEPTION 'An adjustment that was asked for is decided once: % refused.', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER decided_once BEFORE UPDATE OR DELETE ON commerce_adjustmentrequest
    FOR EACH ROW EXECUTE FUNCTION keep_adjustment_request();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON commerce_adjustmentrequest
    FOR EACH STATEMENT EXECUTE FUNCTION keep_adjustment_request();
