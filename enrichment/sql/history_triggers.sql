-- What is configuration among enrichment's tables; llm_record_change() is llmconfig's.

CREATE OR REPLACE TRIGGER enrichment_fact_sources_history AFTER INSERT OR UPDATE OR DELETE ON enrichment_fact_sources
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();

CREATE OR REPLACE TRIGGER enrichment_declared_history AFTER INSERT OR UPDATE OR DELETE ON enrichment_declared
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();
