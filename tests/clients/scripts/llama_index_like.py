"""LlamaIndex's OpenAILike."""

import openai
import pydantic
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike
from steps import (
    ASK,
    ASK_WEATHER,
    EMBEDDER,
    KEY,
    MODEL,
    URL,
    expect,
    main,
    raises,
    step,
    used_tool,
    weather,
)

given = {"model": MODEL, "api_base": URL, "is_chat_model": True, "max_retries": 0}
model = OpenAILike(api_key=KEY, is_function_calling_model=True, **given)


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


@step("chat")
def chat():
    expect(model.chat([ChatMessage(role="user", content=ASK)]).message.content, "text")


@step("stream")
def stream():
    expect("".join(piece.delta for piece in model.stream_complete(ASK)), "text")


@step("usage")
def usage():
    expect(model.chat([ChatMessage(role="user", content=ASK)]).raw.usage.total_tokens, "tokens")


@step("tools")
async def tools():
    agent = FunctionAgent(tools=[weather], llm=model, streaming=False)
    expect(str(await agent.run(ASK_WEATHER)), "text")
    used_tool()


@step("structured")
def structured():
    expect(model.as_structured_llm(Dog).complete(ASK).raw, "object")


@step("embeddings")
def embeddings():
    made = OpenAILikeEmbedding(model_name=EMBEDDER, api_base=URL, api_key=KEY)
    expect(made.get_text_embedding("a dog"), "vector")


@step("errors")
def errors():
    wrong = OpenAILike(api_key="nw-wrong", **given)
    raises(openai.AuthenticationError, lambda: wrong.complete(ASK))


main()
