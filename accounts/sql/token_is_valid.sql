-- Whether a token, known by its digest, is good for a call of this user at this moment. The same is
-- asked in `api.http.authentication`, which also wants to know who that is.
CREATE FUNCTION token_is_valid(token_digest varchar, its_user uuid)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM knox_authtoken t JOIN accounts_user u ON u.id = t.user_id
         WHERE t.digest = token_digest AND t.user_id = its_user AND t.expiry > now() AND u.is_active
    );
END
$$;
