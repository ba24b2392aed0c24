-- What expires is compared with this: the database's clock, which all hosts share, and not `now()`,
-- which is older than a wait for a lock. Tests replace it to move the time.
CREATE OR REPLACE FUNCTION current_moment() RETURNS timestamptz LANGUAGE sql VOLATILE
AS 'SELECT clock_timestamp()';
