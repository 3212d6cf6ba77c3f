-- The tables whose rows are configuration: each change of a row is recorded with its revision.
-- A new table of configuration gets its trigger here.

CREATE OR REPLACE TRIGGER llm_config_history AFTER INSERT OR UPDATE OR DELETE ON llm_config
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();

CREATE OR REPLACE TRIGGER llm_providers_history AFTER INSERT OR UPDATE OR DELETE ON llm_providers
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();

CREATE OR REPLACE TRIGGER llm_provider_models_history AFTER INSERT OR UPDATE OR DELETE ON llm_provider_models
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();

CREATE OR REPLACE TRIGGER llm_model_prices_history AFTER INSERT OR UPDATE OR DELETE ON llm_model_prices
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();

CREATE OR REPLACE TRIGGER llm_global_config_history AFTER INSERT OR UPDATE OR DELETE ON llm_global_config
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();

CREATE OR REPLACE TRIGGER llm_node_configuration_history AFTER INSERT OR UPDATE OR DELETE ON llm_node_configuration
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();

CREATE OR REPLACE TRIGGER llm_user_config_history AFTER INSERT OR UPDATE OR DELETE ON llm_user_config
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();

CREATE OR REPLACE TRIGGER llm_experiments_history AFTER INSERT OR UPDATE OR DELETE ON llm_experiments
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();

CREATE OR REPLACE TRIGGER llm_experiment_arms_history AFTER INSERT OR UPDATE OR DELETE ON llm_experiment_arms
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();

CREATE OR REPLACE TRIGGER llm_budgets_history AFTER INSERT OR UPDATE OR DELETE ON llm_budgets
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();

CREATE OR REPLACE TRIGGER llm_gateway_keys_history AFTER INSERT OR UPDATE OR DELETE ON llm_gateway_keys
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();

CREATE OR REPLACE TRIGGER llm_refused_parameters_history AFTER INSERT OR UPDATE OR DELETE ON llm_refused_parameters
    FOR EACH ROW EXECUTE FUNCTION llm_record_change();
