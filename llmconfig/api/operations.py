"""What each operation of the configuration's API does, in words."""

from llmconfig.api.kit.documentation import Operation

BASE = "/api/v1/llm"


def crud(path: str, row: str, one: str, many: str, about: str, *, key: str) -> dict[str, Operation]:
    """The five operations of a table that people edit.

    `path` lists the rows and `row` addresses one by `key`; `about` says what a row is for.
    """
    return {
        f"GET {path}": Operation(
            f"List {many}",
            f"{about} Returns a page of {many}; the parameters below filter and order them.",
        ),
        f"POST {path}": Operation(
            f"Add {one}",
            f"Stores {one} as one revision of the configuration and returns it as stored. Calls"
            " follow it within two seconds, in every process.",
        ),
        f"GET {row}": Operation(
            f"Show {one}",
            f"Returns {one}, found by its {key}. The ETag is the revision that changed it last; a"
            " write may send it back as If-Match.",
        ),
        f"PATCH {row}": Operation(
            f"Change {one}",
            f"Changes the named fields of {one}, found by its {key}, as one revision. Fields that"
            " the body leaves out stay as they are.",
        ),
        f"DELETE {row}": Operation(
            f"Remove {one}",
            f"Removes {one}, found by its {key}, with what belongs to it, as one revision. A"
            " rollback brings it back. Records of calls stay.",
        ),
    }


OPERATIONS = {
    **crud(
        f"{BASE}/providers",
        f"{BASE}/providers/{{id}}",
        "a provider",
        "providers",
        "A provider is an account at a server that serves models. Keys are never returned.",
        key="id",
    ),
    f"POST {BASE}/providers/{{id}}/validate": Operation(
        "Test a provider's connection",
        "Asks the provider for its list of models, which no provider bills, and stores whether it"
        " answered. The answer says in words what is wrong.",
    ),
    f"GET {BASE}/providers/{{id}}/models": Operation(
        "List a provider's models",
        "Returns a page of the models that are in the catalogue for this provider.",
    ),
    f"POST {BASE}/providers/{{id}}/models": Operation(
        "Discover a provider's models",
        "Reads the provider's own list, which is free: new models are added, blank values are"
        " filled in, and values that a person entered stay. Models that the provider no longer"
        " lists are named.",
    ),
    **crud(
        f"{BASE}/models",
        f"{BASE}/models/{{id}}",
        "a model",
        "models",
        "A model is an entry of a provider's catalogue: its limits, abilities and tier.",
        key="id",
    ),
    f"GET {BASE}/models/{{id}}/refused-parameters": Operation(
        "List what a model refuses",
        "Returns the parameters that calls leave out or send in another form: those that its vendor"
        " names, and those that it was found to refuse, in the provider's words.",
    ),
    f"DELETE {BASE}/models/{{id}}/refused-parameters": Operation(
        "Clear what a model was found to refuse",
        "Has all of it sent again. What is refused again comes back; what the vendor names stays.",
    ),
    **crud(
        f"{BASE}/prices",
        f"{BASE}/prices/{{id}}",
        "a price",
        "prices",
        "Prices are dated: the newest that has begun counts, and one that a person entered wins"
        " over one from a list. Calls that were made keep their cost.",
        key="id",
    ),
    f"POST {BASE}/prices/take-over": Operation(
        "Use suggested prices",
        "Stores the public list prices of the named models, in one revision, as the prices in"
        " force. Models without a public price are named in the answer.",
    ),
    f"GET {BASE}/tiers": Operation(
        "List tiers",
        "Returns each tier (local, cloud_fast, cloud_premium or one of yours) with its model.",
    ),
    f"GET {BASE}/tiers/{{tier}}": Operation(
        "Show a tier's model",
        "Returns the model that a reference such as `tier:cloud_fast` stands for.",
    ),
    f"PUT {BASE}/tiers/{{tier}}": Operation(
        "Give a tier to a model",
        "Makes the named model the tier's, in one revision; the model that had it loses it.",
    ),
    f"DELETE {BASE}/tiers/{{tier}}": Operation(
        "Empty a tier",
        "Takes the tier from the model that has it. References to it then resolve to nothing,"
        " with a warning.",
    ),
    f"GET {BASE}/config": Operation(
        "List interaction types",
        "Returns the default model and parameters of every interaction type.",
    ),
    f"GET {BASE}/config/{{interaction_type}}": Operation(
        "Show an interaction type's defaults",
        "Returns the model, parameters and fallbacks of one interaction type, with its version as"
        " ETag.",
    ),
    f"PUT {BASE}/config/{{interaction_type}}": Operation(
        "Replace an interaction type's defaults",
        "Replaces all values of one interaction type: a field that the body leaves out becomes"
        " blank and is inherited again.",
    ),
    f"PATCH {BASE}/config/{{interaction_type}}": Operation(
        "Change an interaction type's defaults",
        "Changes the named values of one interaction type and leaves the others as they are.",
    ),
    f"GET {BASE}/config/summary": Operation(
        "Summarize what each interaction type resolves to",
        "Returns one line for the master switch and one for each interaction type: the model that"
        " would answer now, or why none would.",
    ),
    f"GET {BASE}/config/validate": Operation(
        "Validate the whole configuration",
        "Resolves every interaction type and node and reads every key, without calling anybody."
        " Each finding says what is wrong and where.",
    ),
    **crud(
        f"{BASE}/nodes",
        f"{BASE}/nodes/{{node_name}}",
        "a node",
        "nodes",
        "A node is a named place in an application that calls a model. What it leaves blank comes"
        " from its interaction type.",
        key="name",
    ),
    **crud(
        f"{BASE}/user-configs",
        f"{BASE}/user-configs/{{id}}",
        "a user override",
        "user overrides",
        "An override lets one user use another model for a node or interaction type.",
        key="id",
    ),
    **crud(
        f"{BASE}/budgets",
        f"{BASE}/budgets/{{id}}",
        "a budget",
        "budgets",
        "A budget limits what calls may cost: all of them, or those of a provider, node,"
        " organization, batch or account. Each is shown with what is spent and held.",
        key="id",
    ),
    **crud(
        f"{BASE}/experiments",
        f"{BASE}/experiments/{{name}}",
        "an experiment",
        "experiments",
        "An experiment divides a node's calls among variants, or lets one answer and others"
        " listen.",
        key="name",
    ),
    f"POST {BASE}/experiments/{{name}}/start": Operation(
        "Start an experiment",
        "From now on the node's calls are divided among the variants; a key keeps its variant."
        " Refused while another experiment runs on the node.",
    ),
    f"POST {BASE}/experiments/{{name}}/stop": Operation(
        "Stop an experiment",
        "Gives the node's own values back to all its calls. What was measured stays.",
    ),
    f"POST {BASE}/experiments/{{name}}/promote": Operation(
        "Promote a variant",
        "Makes the variant's values the node's own and stops the experiment, in one revision.",
    ),
    f"GET {BASE}/explain/{{name}}": Operation(
        "Explain a resolution",
        "Resolves a node, interaction type or model reference as a call would, also while calls"
        " are switched off: the targets in order, and for each field which layer gave its value"
        " and what the others held.",
    ),
    **crud(
        f"{BASE}/keys",
        f"{BASE}/keys/{{id}}",
        "an API key",
        "API keys",
        "An API key opens `/v1` to an application, for everything or for named nodes and models.",
        key="id",
    ),
    f"POST {BASE}/keys": Operation(
        "Create an API key",
        "Makes a key for `/v1` and returns it. It is shown this one time; only its hash is kept.",
    ),
    f"POST {BASE}/keys/{{id}}/rotate": Operation(
        "Rotate an API key",
        "Makes another key for the same row and returns it this one time. The key before goes on"
        " opening `/v1` for `overlap_hours`.",
    ),
    f"GET {BASE}/settings": Operation(
        "Show the processing settings",
        "Returns the master switch, the models of each task, the batches' settings, and every"
        " process setting with the value in force and where it comes from.",
    ),
    f"PATCH {BASE}/settings": Operation(
        "Change the processing settings",
        "Changes the named settings in one revision. A setting that the environment fixes is"
        " refused with the variable's name.",
    ),
    f"GET {BASE}/revisions": Operation(
        "List revisions",
        "Returns a page of the changes of the configuration, newest first: who, when, how and why.",
    ),
    f"GET {BASE}/revisions/{{number}}": Operation(
        "Show a revision",
        "Returns one revision with each row that it changed, before and after. Secrets are never"
        " in it.",
    ),
    f"POST {BASE}/revisions/{{number}}/rollback": Operation(
        "Roll back to a revision",
        "Puts the configuration back to how it was after this revision, as a new revision. With"
        " `dry_run` it only shows what would change.",
    ),
    f"GET {BASE}/cache/stats": Operation(
        "Show the response cache's counts",
        "Returns the sizes, hits and misses of the response cache as of now, in this process and"
        " shared.",
    ),
    f"POST {BASE}/cache/clear": Operation(
        "Clear the caches",
        "Reads the configuration anew in this process and forgets all cached answers everywhere."
        " Other processes compare their configuration every second anyhow.",
    ),
}
