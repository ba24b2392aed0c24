-- Workers need no right to change or delete procrastinate's events: triggers add them, and a foreign
-- key, which runs as the owner, deletes them with their job.
SELECT for_app_role(statement) FROM unnest(ARRAY[
    'REVOKE ALL ON procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers,'
        ' procrastinate_workers FROM wallet_app',
    'GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_periodic_defers,'
        ' procrastinate_workers TO wallet_app',
    'GRANT SELECT, INSERT ON procrastinate_events TO wallet_app',
    'GRANT USAGE ON procrastinate_jobs_id_seq, procrastinate_events_id_seq,'
        ' procrastinate_periodic_defers_id_seq TO wallet_app'
]) AS statement;
