-- As llm_mark.sql, for what is known of answers: a person's verdict or a score changes the sums of
-- quality. With its owner's rights, so that who may write texts needs no right to llm_rollup_dirty.

CREATE OR REPLACE FUNCTION llm_mark_texts_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO llm_rollup_dirty (hour)
    SELECT DISTINCT date_trunc('hour', created_at, 'UTC') FROM new_rows;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER llm_mark_texts_inserted AFTER INSERT ON llm_generation_history
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION llm_mark_texts_inserted();

CREATE OR REPLACE FUNCTION llm_mark_texts_deleted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO llm_rollup_dirty (hour)
    SELECT DISTINCT date_trunc('hour', created_at, 'UTC') FROM old_rows;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER llm_mark_texts_deleted AFTER DELETE ON llm_generation_history
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION llm_mark_texts_deleted();

CREATE OR REPLACE FUNCTION llm_mark_texts_updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO llm_rollup_dirty (hour)
    SELECT DISTINCT date_trunc('hour', created_at, 'UTC') FROM (
        SELECT created_at FROM old_rows UNION ALL SELECT created_at FROM new_rows
    ) AS moved;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER llm_mark_texts_updated AFTER UPDATE ON llm_generation_history
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION llm_mark_texts_updated();

CREATE OR REPLACE FUNCTION llm_mark_texts_emptied() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO llm_rollup_dirty (hour)
    SELECT DISTINCT period_start FROM llm_quality_hourly;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER llm_mark_texts_emptied AFTER TRUNCATE ON llm_generation_history
    FOR EACH STATEMENT EXECUTE FUNCTION llm_mark_texts_emptied();

-- A definer's function finds its tables where this was installed, whatever the caller's path says.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['inserted', 'deleted', 'updated', 'emptied'] LOOP
        EXECUTE format(
            'ALTER FUNCTION %I() SET search_path = %I, pg_temp',
            'llm_mark_texts_' || name, current_schema()
        );
    END LOOP;
END $$;
