-- Whether the token with this digest is valid for this user now. `api.http.authentication` makes the
-- same check when it looks up the user of a token.
CREATE OR REPLACE FUNCTION token_is_valid(token_digest varchar, caller uuid)
RETURNS boolean LANGUAGE plpgsql STABLE
SET search_path = public, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM knox_authtoken t JOIN accounts_user u ON u.id = t.user_id
         WHERE t.digest = token_digest AND t.user_id = caller AND t.expiry > now() AND u.is_active
    );
END
$$;
