-- How good answers were, by day, node and interaction type, for people and reporting tools.
CREATE OR REPLACE VIEW llm_quality_trends AS
SELECT date_trunc('day', created_at, 'UTC') AS day, method_name AS node, node_type,
    count(*) AS answers, count(*) FILTER (WHERE validation_passed) AS passed,
    count(*) FILTER (WHERE user_accepted) AS accepted,
    count(*) FILTER (WHERE NOT user_accepted) AS rejected,
    count(*) FILTER (WHERE manual_edits_required) AS edited,
    avg(quality_score) AS average_quality
FROM llm_generation_history
GROUP BY date_trunc('day', created_at, 'UTC'), method_name, node_type;
