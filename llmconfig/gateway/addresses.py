"""What each address of the endpoint answers."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import unquote

from llmconfig import client
from llmconfig.configuration import snapshot
from llmconfig.gateway import (
    anthropic_requests,
    anthropic_shape,
    betas,
    caller_labels,
    catalogue,
    completions_shape,
    crossed_chats,
    custom_tools,
    embeddings_shape,
    old_functions,
    ollama_addresses,
    openai_shape,
    response_addresses,
    unserved_addresses,
)
from llmconfig.gateway.answer_forms import AnswerForm
from llmconfig.gateway.gateway_request import GatewayRequest, Handler
from llmconfig.gateway.reading import ParsedRequest
from llmconfig.gateway.refusals import RequestRefused
from llmconfig.runtime.records import replace

CHAT = AnswerForm(openai_shape.chat_answer, openai_shape.ChatEvents, choice=openai_shape.ChatEvents)
OLD_CHAT = AnswerForm(
    old_functions.chat_answer,
    old_functions.CalledFunctionEvents,
    choice=old_functions.CalledFunctionEvents,
)
CUSTOM_TOOLS_CHAT = AnswerForm(
    custom_tools.chat_answer,
    custom_tools.CustomToolEvents,
    choice=custom_tools.CustomToolEvents,
)
COMPLETIONS = AnswerForm(
    completions_shape.completion_answer,
    completions_shape.CompletionEvents,
    choice=completions_shape.CompletionEvents,
)
MESSAGES = AnswerForm(anthropic_shape.message_answer, anthropic_shape.MessageEvents)
PREFIX = "/v1"
RESPONSES, MODELS = f"{PREFIX}/responses/", f"{PREFIX}/models"
DEPLOYMENTS = "/openai/deployments/"
RENAMED = (f"{PREFIX}/openai/", f"{PREFIX}/api/", f"{PREFIX}{PREFIX}/", "/openai/")
DEPLOYED = ("/chat/completions", "/completions", "/embeddings")  # behind a name


def canonical(path: str) -> str:
    """A path as the handlers know it.

    Azure's and Ollama's addresses are also found below `/v1`, for sites whose own `/api` or
    `/openai` they would stand in the way of; Azure's newer ones are OpenAI's below `/openai`. `/v1`
    stands twice where a base URL has it and the client adds it.
    """
    if not path.startswith(RENAMED):
        return path
    if path.startswith(PREFIX):
        path = path.removeprefix(PREFIX)
    if path.startswith("/openai/") and not path.startswith(DEPLOYMENTS):
        path = f"{PREFIX}/{path.removeprefix('/openai/').removeprefix('v1/')}"
    return path


def is_at_root(path: str) -> bool:
    """Whether Azure's or Ollama's clients ask at this address of a server."""
    return path.startswith((DEPLOYMENTS, "/openai/v1/")) or path in ollama_addresses.HANDLERS


def handler_of(method: str, path: str) -> Handler:
    """What answers a request at a canonical path; raises RequestRefused (404, 405)."""
    methods = HANDLERS.get(path)
    if methods is None:
        return _handler_beside(method, path)
    return methods.get(method) or _handler_among(methods, method)


def _handler_beside(method: str, path: str) -> Handler:
    """The same at an address that is none of the fixed ones."""
    if path.startswith(DEPLOYMENTS):
        action = next((each for each in DEPLOYED if path.endswith(each)), "")
        deployment = path.removeprefix(DEPLOYMENTS).removesuffix(action)
        return _deployed(unquote(deployment), handler_of(method, f"{PREFIX}{action}"))
    if path.startswith(RESPONSES):
        _, _, action = path.removeprefix(RESPONSES).partition("/")
        methods = response_addresses.ACTIONS.get(path) or response_addresses.ACTIONS.get(action)
    elif path == MODELS or path.startswith(f"{MODELS}/"):
        methods = {"GET": _models}
    else:
        path = path.removesuffix("/")
        methods = HANDLERS.get(path) or ollama_addresses.HANDLERS.get(path)
    if methods is None:
        known = ", ".join(each.removeprefix("/v1/") for each in (*HANDLERS, MODELS))
        raise unserved_addresses.refusal(path, known)
    return _handler_among(methods, method)


def _handler_among(methods: Mapping[str, Handler], method: str) -> Handler:
    handler = methods.get("GET" if method == "HEAD" else method)  # the server sends no body then
    if handler is None:
        told = f"Use {' or '.join(methods)}."
        allow = (*methods, "HEAD") if "GET" in methods else methods
        raise RequestRefused(405, "method_not_allowed", told, allow=allow)
    return handler


def _deployed(deployment: str, handler: Handler) -> Handler:
    """The same for the name that Azure's clients put into the path."""

    async def handle(request: GatewayRequest) -> None:
        if not request.caller.node:  # a caller that is bound to a node stays so
            request.caller = replace(request.caller, node=deployment)
        await handler(request)

    return handle


async def _models(request: GatewayRequest) -> None:
    configuration = await snapshot.acurrent()
    # A slash in an id may have come encoded.
    wanted = unquote(request.scope["path"].removeprefix(MODELS).strip("/"))
    if wanted:
        found = catalogue.entry(wanted, request.caller, configuration, anthropic=request.anthropic)
    elif request.anthropic:
        found = catalogue.anthropic_list(request.caller, configuration)
    else:
        found = catalogue.openai_list(request.caller, configuration)
    await request.reply(found)


async def _chat(request: GatewayRequest) -> None:
    body, form = await request.body(), CHAT
    if old_functions.are_asked(body):
        body, form = old_functions.as_tools(body), OLD_CHAT
    headers = request.scope["headers"] if betas.OPENAI in request.names else ()
    if crossed_chats.is_response(body):
        asked = crossed_chats.read_response(body, request.caller, headers)
        await request.generate(asked, CUSTOM_TOOLS_CHAT if asked.tools else CHAT)
        return
    if body.get("tools"):
        body = crossed_chats.as_chat(body)
    asked = openai_shape.read_chat(body, request.caller, headers)
    if custom_tools.are_offered(body):
        asked, form = custom_tools.noted(asked, body), CUSTOM_TOOLS_CHAT
    await request.generate(asked, form)


async def _complete(request: GatewayRequest) -> None:
    asked = completions_shape.read_completion(await request.body(), request.caller)
    await request.generate(asked, COMPLETIONS)


async def _message(request: GatewayRequest) -> None:
    await request.generate(await _read_message(request), MESSAGES)


async def _read_message(request: GatewayRequest) -> ParsedRequest:
    body = await request.body()
    return anthropic_requests.read_messages(body, request.caller, request.scope["headers"])


async def _count_tokens(request: GatewayRequest) -> None:
    asked = await _read_message(request)
    await request.check(asked.name)
    counted = await request.while_there(asked.name, client.acount_tokens(asked.call))
    how = b"estimated" if counted.estimated else b"provider"
    told = {"estimated": True} if counted.estimated else {}
    reply = {"input_tokens": counted.tokens, **told}
    await request.reply(reply, headers=[(b"x-nodewise-counted-by", how)])


async def _embed(request: GatewayRequest) -> None:
    call, name, as_base64 = embeddings_shape.read_embedding(await request.body(), request.caller)
    await request.check(name)
    call = caller_labels.with_tags(call, request.scope["headers"])
    made = await request.while_there(name, client.aembed(call, collect=request.collect))
    await request.reply(embeddings_shape.embedding_answer(name, made, as_base64=as_base64))


HANDLERS: Mapping[str, Mapping[str, Handler]] = MappingProxyType(
    {
        "/v1/chat/completions": {"POST": _chat},
        "/v1/completions": {"POST": _complete},
        "/v1/embeddings": {"POST": _embed},
        "/v1/messages": {"POST": _message},
        "/v1/messages/count_tokens": {"POST": _count_tokens},
        "/v1/responses": {"POST": response_addresses.respond},
    }
)
