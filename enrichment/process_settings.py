"""The settings of batches; each enrichment registers its own switch."""

from django.utils.translation import gettext_lazy as _

from llmconfig.configuration.process_settings import ProcessSetting

DEFINITIONS = (
    ProcessSetting(
        "LLM_BATCH_DEFAULT_SIZE",
        5,
        _("Results that start a write."),
        column="batch_size",
        least=1,
        most="LLM_BATCH_MAX_SIZE",
        in_development=3,
        in_production=10,
    ),
    ProcessSetting("LLM_BATCH_MAX_SIZE", 25, _("The most that the size may be."), least=1),
    ProcessSetting("LLM_BATCH_COMMIT_FREQUENCY", 1, _("Sizes that make one write."), least=1),
    ProcessSetting("LLM_BATCH_CONCURRENT", 10, _("Calls in flight in one lane."), least=1),
    ProcessSetting(
        "LLM_BATCH_ERROR_BUDGET", 0.5, _("Share of failed rows above which a batch pauses.")
    ),
    ProcessSetting(
        "LLM_BATCH_MAX_REPAID",
        500,
        _("Answers paid twice, since it was let go on, at which a batch pauses."),
        least=1,
    ),
    ProcessSetting(
        "LLM_JUDGE_CALLS_PER_BATCH",
        0,
        _(
            "Texts of a batch, such as translations, that the"
            " node's calibrated judge looks at before"
            " they are applied; 0: none."
        ),
        least=0,
    ),
    ProcessSetting(
        "LLM_PROMPT_LABEL",
        "",
        _(
            "The label of the prompts that this process uses"
            " where a version has it, such as staging;"
            " blank or production: the versions in use."
        ),
    ),
    ProcessSetting(
        "LLM_AUTO_BATCH_ROWS", 500, _("The most rows of a batch that starts by itself."), least=1
    ),
)
