"""History and version by trigger, so that raw SQL is seen too, and seed 4's view of the tiers."""

from django.db import migrations

# Every table whose rows are configuration. Their triggers write llm_revision_changes.
CONFIG_TABLES = (
    "llm_providers",
    "llm_provider_models",
    "llm_model_prices",
    "llm_global_config",
    "llm_node_configuration",
    "llm_user_config",
    "llm_config",
)

# The first changed row opens the revision; change() says beforehand, in settings that end with the
# transaction, who writes and why. The row lock on llm_config_version orders revisions by commit.
FUNCTIONS = """
CREATE FUNCTION llm_open_revision() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    fresh bigint := nullif(current_setting('nodewise.revision', true), '')::bigint;
    origin text := nullif(current_setting('nodewise.source', true), '');
BEGIN
    IF fresh IS NOT NULL THEN
        RETURN fresh;
    END IF;
    INSERT INTO llm_config_version AS v (id, revision, token) VALUES (1, 1, gen_random_uuid())
    ON CONFLICT (id) DO UPDATE SET revision = v.revision + 1, token = gen_random_uuid()
    RETURNING v.revision INTO fresh;
    INSERT INTO llm_revisions (number, created_at, user_id, source, message)
    VALUES (
        fresh,
        clock_timestamp(),
        nullif(current_setting('nodewise.user', true), '')::bigint,
        coalesce(origin, 'sql'),
        CASE WHEN origin IS NULL THEN format('Raw SQL by %s.', session_user)
             ELSE coalesce(current_setting('nodewise.message', true), '') END
    );
    PERFORM set_config('nodewise.revision', fresh::text, true);
    RETURN fresh;
END $$;

CREATE FUNCTION llm_record_change() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    -- Not configuration: what a test of the connection found, and when the row was last saved.
    quiet text[] := ARRAY['updated_at', 'validated_at', 'validation_error', 'synced_values'];
    -- Never in history: the ciphertext. Its fingerprint stays, so that a new key is seen.
    hidden text[] := ARRAY['api_key'];
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
    IF TG_OP = 'UPDATE' AND old_row - quiet = new_row - quiet THEN
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
"""

DROP_FUNCTIONS = """
DROP FUNCTION llm_record_change();
DROP FUNCTION llm_open_revision();
"""

VIEW = """
CREATE VIEW llm_context_windows AS
SELECT
    m.id,
    m.tier,
    m.model_id AS model_name,
    m.context_window AS max_tokens,
    price.input_per_1m AS cost_per_1m_input_usd,
    price.output_per_1m AS cost_per_1m_output_usd,
    m.supports_streaming,
    m.is_active,
    m.updated_at
FROM (
    SELECT DISTINCT ON (tier) * FROM llm_provider_models
    WHERE tier IS NOT NULL
    ORDER BY tier, is_active DESC, updated_at DESC
) m
LEFT JOIN LATERAL (
    SELECT p.input_per_1m, p.output_per_1m FROM llm_model_prices p
    WHERE p.model_id = m.id AND p.valid_from <= now()
    ORDER BY (p.source = 'manual') DESC, p.valid_from DESC
    LIMIT 1
) price ON true;
"""


def triggers() -> list[migrations.RunSQL]:
    return [
        migrations.RunSQL(
            f"CREATE TRIGGER {table}_history AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION llm_record_change();",
            f"DROP TRIGGER {table}_history ON {table};",
        )
        for table in CONFIG_TABLES
    ]


class Migration(migrations.Migration):
    dependencies = [("llmconfig", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        *triggers(),
        migrations.RunSQL(VIEW, "DROP VIEW llm_context_windows;"),
    ]
