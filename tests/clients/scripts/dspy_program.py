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
    used_tool,
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
    asked = f"{ASK}\nSAY [[ ## answer ## ]]\nSAY a terrier\nSAY [[ ## completed ## ]]"
    expect(dspy.Predict("question -> answer")(question=asked).answer == "a terrier", "answer")


@step("tools")
def tools():
    agent = dspy.ReAct("question -> answer", tools=[weather], max_iters=2)
    fields = {
        "next_thought": "ask",
        "next_tool_name": "weather",
        "next_tool_args": '{"city": "Bonn"}',
        "reasoning": "asked",
        "answer": "sunny",
    }
    script = [f"SAY [[ ## {name} ## ]]\nSAY {value}" for name, value in fields.items()]
    done = agent(question="\n".join([ASK_WEATHER, *script, "SAY [[ ## completed ## ]]"]))
    expect(done.answer == "sunny", "answer")
    used_tool()


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
