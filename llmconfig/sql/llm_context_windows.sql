-- One row a tier: the model that serves it and its price in force, without conditions.
CREATE OR REPLACE VIEW llm_context_windows AS
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
    SELECT DISTINCT ON (tier)
        id, tier, model_id, context_window, supports_streaming, is_active, updated_at
    FROM llm_provider_models
    WHERE tier IS NOT NULL
    ORDER BY tier, is_active DESC, updated_at DESC
) m
LEFT JOIN LATERAL (
    SELECT p.input_per_1m, p.output_per_1m FROM llm_model_prices p
    WHERE p.model_id = m.id AND p.valid_from <= now()
        AND p.service_tier = '' AND p.above_prompt_tokens = 0 AND p.hours_from IS NULL
    ORDER BY (p.source = 'manual') DESC, p.valid_from DESC
    LIMIT 1
) price ON true;
