-- What new wallets are asked, they are asked by the statement: see new_wallets.sql.
DROP TRIGGER starts_right ON wallets_wallet;
DROP FUNCTION check_new_wallet();
CREATE TRIGGER starts_right AFTER INSERT ON wallets_wallet
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION check_new_wallets();

-- Room on each page for a second version of every wallet on it: those that are made by the thousand
-- all get their opening balance at once.
ALTER TABLE wallets_wallet SET (fillfactor = 45);
