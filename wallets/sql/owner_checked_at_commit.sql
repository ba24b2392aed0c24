-- Asked at once, as ever. But who makes wallets by the thousand and fills them in one transaction
-- may have them asked once, at its commit, instead of for each version of their rows.
ALTER TABLE wallets_wallet ALTER CONSTRAINT owner_has_that_role DEFERRABLE INITIALLY IMMEDIATE;
