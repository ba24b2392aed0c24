-- What expires is compared with this: the database's clock, which all hosts share, and not `now()`,
-- which is older than a wait for a lock. Tests replace it to move the time. A body that is parsed when it is
-- defined knows no search path, and PostgreSQL puts it in the place of the call.
CREATE OR REPLACE FUNCTION current_moment() RETURNS timestamptz LANGUAGE sql VOLATILE
RETURN clock_timestamp();
