-- The words of a call's texts, for search: the first 50,000 characters of each, which a tsvector holds.
CREATE OR REPLACE FUNCTION llm_text_words(prompt text, answer text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_tsvector('simple'::regconfig, left(prompt, 50000) || ' ' || left(answer, 50000))
$$;
