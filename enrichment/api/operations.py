"""What each operation of the enrichment API does, in words."""

from llmconfig.api.kit.documentation import Operation
from llmconfig.api.operations import crud

BASE = "/api/llm"
BATCH = f"{BASE}/batches/{{id}}"
SOURCE = f"{BASE}/fact-sources/{{name}}"

OPERATIONS = {
    f"GET {BASE}/cache-stats": Operation(
        "Show the response cache's counts for enrichments",
        "Returns size, hit rate and requests of the response cache, in the shape that enrichment"
        " clients read.",
    ),
    f"GET {BASE}/batches": Operation(
        "List batches",
        "Returns a page of batches, newest first, each with how far it is.",
    ),
    f"POST {BASE}/batches": Operation(
        "Start a batch",
        "Selects rows by filter and staleness, cuts them into chunks and starts workers. Answers"
        " at once; the batch's own address tells how it goes. A batch without rows to do is"
        " completed and says why.",
    ),
    f"POST {BASE}/batches/forecast": Operation(
        "Forecast a batch",
        "Returns rows, tokens and cost (P10, P50, P90) of the batch that this body would start,"
        " at live and provider-batch prices. Nobody is called.",
    ),
    f"GET {BASE}/calibration": Operation(
        "Show how often confidences were right",
        "Returns, for each model that an enrichment was made by, how many of its parts were right"
        " by how sure it was, from reviewers' decisions, and the lowest threshold that holds the"
        " wanted precision. The processing settings take it as `min_confidence_tagging` or"
        " `min_confidence_entity`.",
    ),
    f"GET {BATCH}": Operation(
        "Show a batch",
        "Returns one batch: its status and the reason for it, rows done, failed and left, rows a"
        " second, cost, calls paid twice.",
    ),
    f"GET {BATCH}/events": Operation(
        "Follow a batch",
        "Streams server-sent events: `progress` with the batch's progress as JSON each second,"
        " and `end` as the last one. A batch that stands still sends comments. The stream ends"
        " after ten minutes: connect again.",
    ),
    f"GET {BATCH}/failures": Operation(
        "List a batch's failed rows",
        "Returns a page of the rows that failed, each with its reason.",
    ),
    f"POST {BATCH}/pause": Operation(
        "Pause a batch",
        "Sends nothing more; what is in flight is still written. It can be resumed.",
    ),
    f"POST {BATCH}/resume": Operation(
        "Resume a paused batch",
        "Goes on where it stopped. A batch whose cap is spent needs a higher one in the body.",
    ),
    f"POST {BATCH}/cancel": Operation(
        "Cancel a batch",
        "Ends it for good; what was written stays and can be undone.",
    ),
    f"POST {BATCH}/retry": Operation(
        "Retry a batch's failed rows",
        "Puts the failed rows of a completed batch into new chunks and goes on with them.",
    ),
    f"POST {BATCH}/undo": Operation(
        "Undo a batch",
        "Puts the values from before back. Rows that somebody has edited since are left as they"
        " are, and named.",
    ),
    f"GET {BASE}/evaluations/sets": Operation(
        "List sets",
        "Returns a page of sets: each version, how many rows it has, and of how many the wanted"
        " answer is known.",
    ),
    f"POST {BASE}/evaluations/sets": Operation(
        "Make a set",
        "Takes rows as they say now, drawn by chance or named, with the wanted answers from"
        " reviewers, the rows or a CSV text; or recorded calls of a node with their answers. A"
        " known name gets its next version; older ones stay.",
    ),
    f"GET {BASE}/evaluations/runs": Operation(
        "List runs",
        "Returns a page of runs over sets, newest first, each with how far it is and its cost.",
    ),
    f"POST {BASE}/evaluations/runs": Operation(
        "Start a run",
        "Tries a model, a node or a version of a prompt over a set, with the same gates as"
        " batches. Nothing is written to rows; the calls are recorded and cost what they cost.",
    ),
    f"POST {BASE}/evaluations/runs/forecast": Operation(
        "Forecast a run",
        "Returns the calls, tokens and cost of the run that this body would start. Nothing is"
        " written and no model is asked.",
    ),
    f"POST {BASE}/evaluations/runs/{{id}}/continue": Operation(
        "Continue a stopped run",
        "Asks about the rows that have no answer yet; one whose cap is spent needs a higher"
        " `max_cost_usd`.",
    ),
    f"GET {BASE}/evaluations/runs/{{id}}": Operation(
        "Show a run",
        "Returns one run: what it tries, how many rows are answered, how many pass the gates.",
    ),
    f"POST {BASE}/evaluations/runs/{{id}}/stop": Operation(
        "Stop a run",
        "Asks about no further row; the answers that there are stay.",
    ),
    f"GET {BASE}/evaluations/judges": Operation(
        "List calibrations of judges",
        "Returns a page of calibrations, newest first: how far a judge agrees with reviewers, as"
        " kappa with an interval, and in how many pairs the place of an answer decided.",
    ),
    f"POST {BASE}/evaluations/judges": Operation(
        "Calibrate a judge",
        "Asks the judge of an enrichment's node about answers that reviewers decided on. It decides"
        " nothing before the lower end of its kappa is 0.4.",
    ),
    f"POST {BASE}/evaluations/comparison": Operation(
        "Have the judge compare two runs",
        "Asks the judge about the rows that differ and that it hasn't seen, each in both orders."
        " Its preference becomes a measure of the comparison if it may decide.",
    ),
    f"GET {BASE}/evaluations/comparison": Operation(
        "Compare two runs",
        "Returns the rows whose answers differ first, and for each measure the difference with an"
        " interval; all intervals hold together in 19 of 20 comparisons. Nothing is called higher"
        " whose interval holds 0.",
    ),
    f"GET {BASE}/review": Operation(
        "List suggestions to review",
        "Returns a page of answers that a gate held back, each beside its row's present value.",
    ),
    f"POST {BASE}/review/{{id}}/accept": Operation(
        "Accept a suggestion",
        "Writes the suggested value to its row and records the verdict.",
    ),
    f"POST {BASE}/review/{{id}}/edit": Operation(
        "Edit and apply a suggestion",
        "Writes the value of the body to the row instead of the suggested one and records both.",
    ),
    f"POST {BASE}/review/{{id}}/reject": Operation(
        "Reject a suggestion",
        "Leaves the row as it is and records the verdict with its reason.",
    ),
    **crud(
        f"{BASE}/fact-sources",
        SOURCE,
        "a fact source",
        "fact sources",
        "A fact source is an HTTP address that knows something about rows; prompts use its answer"
        " as `{{fact_name}}`.",
        key="name",
    ),
    **crud(
        f"{BASE}/declared-enrichments",
        f"{BASE}/declared-enrichments/{{name}}",
        "a declared enrichment",
        "declared enrichments",
        "A declared enrichment says, without code, what is to be done with each row of a table:"
        " columns, wording, schema, gates and limits.",
        key="name",
    ),
    f"POST {SOURCE}/try": Operation(
        "Try a fact source",
        "Asks the source about one row and returns what it would give a prompt. Nothing is kept.",
    ),
    f"POST {SOURCE}/refresh": Operation(
        "Refresh a source's facts",
        "Asks anew for facts past their time to live; rows whose facts changed become stale.",
    ),
    f"GET {BASE}/animals": Operation(
        "List listings with their enrichments",
        "Returns a page of listings: what was published, and what models made of it. The ETag of"
        " an answer, sent back as If-None-Match, gets 304 while nothing has changed. With"
        " LLM_LISTINGS_PUBLIC_SECONDS anybody may read, and caches may keep the answer so long.",
    ),
    f"GET {BASE}/animals/{{id}}": Operation(
        "Show a listing with its enrichments",
        "Returns one listing: what was published, and what models made of it, with an ETag.",
    ),
    f"POST {BASE}/enrich": Operation(
        "Enrich one listing",
        "Asks the model about one listing and waits for it. Where that fails, the listing stays"
        " as it was and the answer says why.",
    ),
    f"POST {BASE}/batch-enrich": Operation(
        "Enrich listings in a batch",
        "Starts a batch over the named listings and answers at once with its id.",
    ),
    f"POST {BASE}/translate": Operation(
        "Translate a text or listing",
        "Asks the model for a translation and waits. Nothing is written. Where that fails, the"
        " text comes back as it was, with the reason. `needs_review` says whether a listing's"
        " translation would wait for a reviewer, and `findings` say why.",
    ),
    f"GET {BASE}/stats": Operation(
        "Count enriched listings",
        "Returns how many listings have each enrichment, in total or for one organization.",
    ),
    f"POST {BASE}/respond": Operation(
        "Draft an answer to a question",
        "Asks the model to answer a question about a listing and waits. An answer that fails a"
        " gate is held back for review.",
    ),
}
