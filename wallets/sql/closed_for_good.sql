-- Closed is for good, whoever asks. Balances change without this: it looks only where a statement
-- names the status.
CREATE FUNCTION keep_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A closed wallet stays closed.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER closed_for_good BEFORE UPDATE OF status ON wallets_wallet
    FOR EACH ROW WHEN (OLD.status = 'closed' AND NEW.status <> 'closed')
    EXECUTE FUNCTION keep_closed();
