"""Addresses that vendors' clients know and nobody answers here: what to do instead.

Sources: the resources of OpenAI's and Anthropic's SDKs, and what editors and chat programs ask of
vLLM, LiteLLM and their like.
"""

from collections.abc import Mapping
from types import MappingProxyType

from llmconfig.gateway.refusals import RequestRefused

KEEPS_TURNS = "Send the conversation to /v1/responses with previous_response_id."
NO_FILES = "No files are kept here: put a file's data into the request itself."
NO_BATCHES = (
    "Requests aren't taken in batches here: send them side by side, or let an enrichment ask for a"
    " table's rows."
)
NO_SOUND = "Sound isn't offered here: ask its provider."
NO_PICTURES = "Pictures and videos aren't made here: ask their provider."
NO_AGENTS = "Agents don't run here: run the loop in the client and send it to /v1/messages."
NO_TUNING = "Models aren't trained here: do it at their provider, and call them here afterwards."
COUNTED = "Tokens are counted at /v1/messages/count_tokens and /v1/responses/input_tokens."
OLLAMAS_MODELS = "Models are set up in the admin; /api/tags lists those that a key may call."
IN_THE_ADMIN = "Keys, models and limits are set in the admin, or by the API of the configuration."
# By the path below /v1, or by its beginning.
WAYS_OUT: Mapping[str, str] = MappingProxyType(
    {
        "chat/completions": "Chats aren't kept here; answers of /v1/responses are.",
        "messages/batches": NO_BATCHES,
        "batches": NO_BATCHES,
        "complete": "Use /v1/messages.",
        "edits": "Use /v1/chat/completions.",
        "engines": "Name the model in the body of /v1/completions.",
        "conversations": KEEPS_TURNS,
        "assistants": KEEPS_TURNS,
        "threads": KEEPS_TURNS,
        "chatkit": KEEPS_TURNS,
        "files": NO_FILES,
        "uploads": NO_FILES,
        "vector_stores": "Nothing is searched here: keep vectors of /v1/embeddings in a database.",
        "memory_stores": NO_FILES,
        "rerank": "Nothing is ranked here: compare vectors of /v1/embeddings, or ask a model.",
        "score": "Nothing is ranked here: compare vectors of /v1/embeddings, or ask a model.",
        "moderations": "Nothing is moderated here: ask a model, or the provider.",
        "audio": NO_SOUND,
        "realtime": NO_SOUND,
        "images": NO_PICTURES,
        "videos": NO_PICTURES,
        "fine_tuning": NO_TUNING,
        "fine-tunes": NO_TUNING,
        "evals": "Evaluations of enrichments are made by manage.py llm_evaluate.",
        "containers": "Nothing runs here: offer the model a function tool.",
        "skills": "Nothing runs here: offer the model a function tool.",
        "agents": NO_AGENTS,
        "sessions": NO_AGENTS,
        "environments": NO_AGENTS,
        "deployments": NO_AGENTS,
        "api/pull": OLLAMAS_MODELS,
        "api/push": OLLAMAS_MODELS,
        "api/create": OLLAMAS_MODELS,
        "api/copy": OLLAMAS_MODELS,
        "api/delete": OLLAMAS_MODELS,
        "tokenize": COUNTED,
        "detokenize": COUNTED,
        "model": "The models that a key may call are listed at /v1/models.",
        "key": IN_THE_ADMIN,
        "user": IN_THE_ADMIN,
        "team": IN_THE_ADMIN,
        "spend": IN_THE_ADMIN,
        "organization": IN_THE_ADMIN,
        "organizations": IN_THE_ADMIN,
    }
)


def refusal(path: str, known: str) -> RequestRefused:
    """Why nobody answers at a path, with the way out; `known` lists the addresses that do."""
    below = path.removeprefix("/v1/").strip("/")
    for name, way_out in WAYS_OUT.items():
        if below == name or below.startswith(f"{name}/"):
            told = f"{path} is not offered. {way_out}"
            return RequestRefused(404, "not_offered", told)
    told = f"There is nothing at this address; below /v1 are {known}."
    return RequestRefused(404, "not_found", told)
