-- The number of this transaction's revision. The first changed row opens it;
-- llmconfig.configuration.revisions.change() says beforehand, in settings that end with the
-- transaction, who writes and why. The row lock on llm_config_version orders revisions by commit.
CREATE OR REPLACE FUNCTION llm_open_revision() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    fresh bigint := nullif(current_setting('nodewise.revision', true), '')::bigint;
    origin text := nullif(current_setting('nodewise.source', true), '');
    -- Of whatever type the project's users have their keys.
    author llm_revisions.user_id%TYPE := nullif(current_setting('nodewise.user', true), '');
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
        author,
        coalesce(origin, 'sql'),
        CASE WHEN origin IS NULL THEN format('Raw SQL by %s.', session_user)
             ELSE coalesce(current_setting('nodewise.message', true), '') END
    );
    PERFORM set_config('nodewise.revision', fresh::text, true);
    RETURN fresh;
END $$;
