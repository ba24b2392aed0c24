-- What a function's names mean is not for its caller to say. This function stands in a file that also
-- grants rights, and so cannot be run again; those of procrastinate are defined by its own migrations.
ALTER FUNCTION for_app_role(text) SET search_path = public, pg_temp;
DO $$
DECLARE
    its_function regprocedure;
BEGIN
    FOR its_function IN
        SELECT oid FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace AND starts_with(proname, 'procrastinate_')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_temp', its_function);
    END LOOP;
END
$$;
