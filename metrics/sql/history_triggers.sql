-- What is configuration among the metrics' tables; llm_record_change() is llmconfig's.

CREATE OR REPLACE TRIGGER llm_quality_rules_history AFTER INSERT OR UPDATE OR DELETE ON llm_quality_rules
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();
