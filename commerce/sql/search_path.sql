-- What a function's names mean is not for its caller to say. These stand in files that also make
-- triggers.
ALTER FUNCTION keep_adjustment_request() SET search_path = public, pg_temp;
ALTER FUNCTION keep_refunds() SET search_path = public, pg_temp;
