-- Writes a row's change to llm_revision_changes. Every history trigger calls it (history_triggers.sql
-- of each app), so that raw SQL is recorded too.
CREATE OR REPLACE FUNCTION llm_record_change() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    -- Not configuration: what a test of the connection found, and when the row was last saved.
    quiet text[] := ARRAY['updated_at', 'validated_at', 'validation_error', 'synced_values', 'last_used_at'];
    -- Never in history: the ciphertext. Its fingerprint stays, so that a new key is seen.
    hidden text[] := ARRAY['api_key', 'key_hash', 'previous_hash'];
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
    IF TG_OP = 'UPDATE' AND old_row - quiet = new_row - quiet THEN
        RETURN NULL;
    END IF;
    -- A ciphertext that is written anew is no revision, but processes must read the configuration
    -- anew. Once a transaction: a rotation rewrites many rows.
    IF TG_OP = 'UPDATE' AND old_row - quiet - hidden = new_row - quiet - hidden THEN
        IF current_setting('nodewise.reread', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
            UPDATE llm_config_version SET token = gen_random_uuid();
            PERFORM set_config('nodewise.reread', pg_current_xact_id()::text, true);
        END IF;
        RETURN NULL;
    END IF;
    INSERT INTO llm_revision_changes (revision_id, table_name, row_key, before, after)
    VALUES (
        llm_open_revision(),
        TG_TABLE_NAME,
        coalesce(new_row, old_row) ->> 'id',
        old_row - hidden,
        new_row - hidden
    );
    RETURN NULL;
END $$;
