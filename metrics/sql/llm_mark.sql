-- Whatever writes calls marks their hours as behind, and rollups are made again. By statement, and
-- with its owner's rights, so that who may write calls needs no right to llm_rollup_dirty.

CREATE OR REPLACE FUNCTION llm_mark_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO llm_rollup_dirty (hour)
    SELECT DISTINCT date_trunc('hour', created_at, 'UTC') FROM new_rows;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER llm_mark_inserted AFTER INSERT ON llm_generation_metrics
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION llm_mark_inserted();

CREATE OR REPLACE FUNCTION llm_mark_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO llm_rollup_dirty (hour)
    SELECT DISTINCT date_trunc('hour', created_at, 'UTC') FROM old_rows;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER llm_mark_deleted AFTER DELETE ON llm_generation_metrics
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION llm_mark_deleted();

CREATE OR REPLACE FUNCTION llm_mark_updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO llm_rollup_dirty (hour)
    SELECT DISTINCT date_trunc('hour', created_at, 'UTC') FROM (
        SELECT created_at FROM old_rows UNION ALL SELECT created_at FROM new_rows
    ) AS moved;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER llm_mark_updated AFTER UPDATE ON llm_generation_metrics
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION llm_mark_updated();

CREATE OR REPLACE FUNCTION llm_mark_emptied() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO llm_rollup_dirty (hour)
    SELECT DISTINCT period_start FROM llm_metrics_hourly;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER llm_mark_emptied AFTER TRUNCATE ON llm_generation_metrics
    FOR EACH STATEMENT EXECUTE FUNCTION llm_mark_emptied();

-- A definer's function finds its tables where this was installed, whatever the caller's path says.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['inserted', 'deleted', 'updated', 'emptied'] LOOP
        EXECUTE format(
            'ALTER FUNCTION %I() SET search_path = %I, pg_temp',
            'llm_mark_' || name, current_schema()
        );
    END LOOP;
END $$;
