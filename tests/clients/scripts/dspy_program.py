"""DSPy."""

import dspy
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
    weather,
)

given = {"api_base": URL, "cache": False, "num_retries": 0}
model = dspy.LM(f"openai/{MODEL}", api_key=KEY, **given)
dspy.configure(lm=model)


@step("chat")
def chat():
    expect(model(ASK)[0], "text")


@step("structured")
def structured():
    expect(dspy.Predict("question -> answer")(question=ASK).answer, "answer")


@step("tools")
def tools():
    agent = dspy.ReAct("question -> answer", tools=[weather], max_iters=2)
    expect(agent(question=ASK_WEATHER), "prediction")


@step("usage")
def usage():
    model(ASK)
    expect(model.history[-1]["usage"], "usage")


@step("embeddings")
def embeddings():
    made = dspy.Embedder(f"openai/{EMBEDDER}", api_base=URL, api_key=KEY, caching=False)
    expect(len(made(["a dog"])), "vectors")


@step("errors")
def errors():
    wrong = dspy.LM(f"openai/{MODEL}", api_key="nw-wrong", **given)
    raises(dspy.LMAuthError, lambda: wrong(ASK))


main()
