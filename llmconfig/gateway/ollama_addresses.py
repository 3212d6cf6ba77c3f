"""Ollama's addresses: `/api/chat`, `/api/generate`, `/api/tags` and what its clients ask beside.

Without a model's name a request is refused, as everywhere; models are neither pulled nor deleted.
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from llmconfig import client
from llmconfig.configuration import snapshot
from llmconfig.gateway import catalogue, embeddings_shape, ollama_shape
from llmconfig.gateway.answer_forms import AnswerForm
from llmconfig.gateway.catalogue import CallableName
from llmconfig.gateway.gateway_request import GatewayRequest, Handler
from llmconfig.gateway.reading import JSON, bad

LINES = ((b"content-type", b"application/x-ndjson"), (b"x-accel-buffering", b"no"))
API_VERSION = "0.12.0"  # of Ollama, whose API this is; clients look whether it is new enough
CHAT = AnswerForm(
    ollama_shape.chat_answer, ollama_shape.ChatLines, stream_headers=LINES, comment=b""
)
GENERATE = AnswerForm(
    ollama_shape.generate_answer, ollama_shape.GenerateLines, stream_headers=LINES, comment=b""
)


async def _chat(request: GatewayRequest) -> None:
    body = await request.body()
    if not body.get("messages"):
        await _load(request, body, {"message": {"role": "assistant", "content": ""}})
        return
    await request.generate(ollama_shape.read_chat(body, request.caller), CHAT)


async def _generate(request: GatewayRequest) -> None:
    body = await request.body()
    if not body.get("prompt"):
        await _load(request, body, {"response": ""})
        return
    await request.generate(ollama_shape.read_generate(body, request.caller), GENERATE)


async def _load(request: GatewayRequest, body: JSON, said: JSON) -> None:
    """What Ollama answers to a request without a prompt, which only loads the model."""
    found = await _find(request, body)
    end = {"created_at": catalogue.BEGINNING, "done": True, "done_reason": "load"}
    await request.reply({"model": found.name, **said, **end})


async def _tags(request: GatewayRequest) -> None:
    configuration = await snapshot.acurrent()
    listed = [_entry(each) for each in catalogue.names(request.caller, configuration)]
    await request.reply({"models": listed})


async def _running(request: GatewayRequest) -> None:
    await request.reply({"models": []})


async def _version(request: GatewayRequest) -> None:
    await request.reply({"version": API_VERSION})


async def _show(request: GatewayRequest) -> None:
    found = await _find(request, await request.body())
    model = found.model
    information: JSON = {"general.architecture": "nodewise"}
    if model is not None and model.context_window is not None:
        information["nodewise.context_length"] = model.context_window
    capabilities = ["embedding"] if found.embeds else ["completion"]
    if model is not None and model.supports_tools and not found.embeds:
        capabilities.append("tools")
    await request.reply(
        {
            "modelfile": "",
            "parameters": "",
            "template": "",
            "modified_at": catalogue.BEGINNING,
            "details": _details(found),
            "model_info": information,
            "capabilities": capabilities,
        }
    )


async def _embed(request: GatewayRequest) -> None:
    body = await request.body()
    vectors, name, tokens = await _vectors(request, body, body.get("input"))
    await request.reply({"model": name, "embeddings": vectors, "prompt_eval_count": tokens})


async def _old_embed(request: GatewayRequest) -> None:
    body = await request.body()
    if not isinstance(body.get("prompt"), str):
        raise bad("prompt", "This is not a text.")
    vectors, _, _ = await _vectors(request, body, body["prompt"])
    await request.reply({"embedding": vectors[0]})


async def _vectors(
    request: GatewayRequest, body: JSON, inputs: object
) -> tuple[list[list[float]], str, int]:
    """The vectors, the name and how many tokens they took."""
    asked: JSON = {"model": ollama_shape.model_name(body, request.caller), "input": inputs}
    if body.get("dimensions") is not None:
        asked["dimensions"] = body["dimensions"]
    call, name, _ = embeddings_shape.read_embedding(asked, request.caller)
    await request.check(name)
    made = await request.while_there(name, client.aembed(call, collect=request.collect))
    return made.vectors, name, sum(each.usage.tokens_input for each in made.records)


async def _find(request: GatewayRequest, body: JSON) -> CallableName:
    name = ollama_shape.model_name(body, request.caller)
    return catalogue.find(name, request.caller, await snapshot.acurrent())


def _entry(each: CallableName) -> JSON:
    return {
        "name": each.name,
        "model": each.name,
        "modified_at": catalogue.BEGINNING,
        "size": 0,
        "digest": hashlib.sha256(each.name.encode()).hexdigest(),
        "details": _details(each),
    }


def _details(each: CallableName) -> JSON:
    return {
        "parent_model": "",
        "format": "",
        "family": each.owner,
        "families": [each.owner],
        "parameter_size": "",
        "quantization_level": "",
    }


HANDLERS: Mapping[str, Mapping[str, Handler]] = MappingProxyType(
    {
        "/api/chat": {"POST": _chat},
        "/api/embed": {"POST": _embed},
        "/api/embeddings": {"POST": _old_embed},
        "/api/generate": {"POST": _generate},
        "/api/ps": {"GET": _running},
        "/api/show": {"POST": _show},
        "/api/tags": {"GET": _tags},
        "/api/version": {"GET": _version},
    }
)
