"""What each operation of the metrics API does, in words."""

from llmconfig.api.kit.documentation import Operation

BASE = "/api/v1/llm/metrics"
NARROWED = "The parameters narrow time, node, provider, model and the like."

OPERATIONS = {
    "GET /api/v1/llm/usage": Operation(
        "Show usage at a glance",
        "Returns calls, tokens and cost since a day, in total, by model and by node, with the"
        " exact bounds of the time that was counted.",
    ),
    f"GET {BASE}/breakdown": Operation(
        "Break down calls",
        f"Sums calls, tokens, cost and latency over a time, apart by up to three dimensions."
        f" {NARROWED}",
    ),
    f"GET {BASE}/series": Operation(
        "Break down calls by hour or day",
        f"Returns the sums of a breakdown for each hour or day apart. {NARROWED}",
    ),
    f"GET {BASE}/series.csv": Operation(
        "Export a series as CSV",
        "Returns the series as a CSV file that is safe to open in a spreadsheet: no cell starts a"
        " formula.",
    ),
    f"GET {BASE}/alerts/rules": Operation(
        "List alert rules",
        "Returns a page of the rules that say who is told of which events, without their secrets.",
    ),
    f"GET {BASE}/alerts/deliveries": Operation(
        "List alert deliveries",
        "Returns a page of the messages of the last 90 days, newest first, each with its status,"
        " its attempts and why the last one failed.",
    ),
    f"GET {BASE}/savings": Operation(
        "Show savings",
        "Returns what the response cache, providers' prompt caches, provider batches and each"
        " node's cascade saved over a time, in US dollars.",
    ),
    f"GET {BASE}/calls": Operation(
        "List recorded calls",
        f"Returns a page of single calls, newest first, without their texts. {NARROWED}",
    ),
    f"GET {BASE}/calls/{{id}}": Operation(
        "Show a recorded call",
        "Returns one call with each of its attempts: provider, model, outcome, tokens, cost and"
        " why the next one followed.",
    ),
    f"GET {BASE}/experiments/{{name}}": Operation(
        "Compare an experiment's variants",
        "Returns each variant's quality, cost and latency with 95 % confidence intervals, and the"
        " verdict so far. Looking often makes no false winner.",
    ),
    f"GET {BASE}/forecast": Operation(
        "Forecast this month's cost",
        "Returns what this month has cost and what it will have cost at its end, with an interval"
        " from the days before.",
    ),
    f"POST {BASE}/calls/{{id}}/judgement": Operation(
        "Judge an answer",
        "Notes a person's thumb, score and note for the answer of a call, in place of earlier ones."
        " Quality reads them.",
    ),
    f"GET {BASE}/quality": Operation(
        "Show quality",
        "Counts verdicts of checks and reviewers over a time, by model, node, operation or prompt"
        " version, each share with its interval.",
    ),
    f"GET {BASE}/reconciliation": Operation(
        "Compare our records with bills",
        "Returns recorded and billed requests, tokens and cost side by side, by day and model, for"
        " the exports that were imported.",
    ),
    f"POST {BASE}/reconciliation": Operation(
        "Import a provider's usage export",
        "Reads a usage export of OpenAI, Anthropic, OpenRouter or another provider. The same file"
        " again changes nothing; a wrong line is named.",
    ),
    f"GET {BASE}/reports": Operation(
        "List weekly reports",
        "Returns a page of the weekly reports, newest first, with their figures and text.",
    ),
    f"GET {BASE}/unpriced": Operation(
        "List unpriced models",
        "Returns the models whose calls have no known cost over a time, how many calls they"
        " answered, and what a public price list would have made of them.",
    ),
    f"GET {BASE}/what-if": Operation(
        "Price the same calls on another model",
        f"Returns what the recorded tokens would have cost on one other model. {NARROWED}",
    ),
    f"GET {BASE}/what-if/models": Operation(
        "Price the same calls on every model",
        f"Returns what the recorded tokens would have cost on each priced model. {NARROWED}",
    ),
    "GET /metrics": Operation(
        "Expose counters for Prometheus",
        "Returns today's calls, tokens, cost and errors by provider, model and node in"
        " Prometheus' text format.",
    ),
}
