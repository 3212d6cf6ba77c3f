"""lm-evaluation-harness with a task of its own, by local-chat-completions."""

import json
import os
import tempfile
from pathlib import Path

os.environ["HF_DATASETS_OFFLINE"] = "1"

import requests
from lm_eval import simple_evaluate
from lm_eval.models.openai_completions import LocalChatCompletion
from lm_eval.tasks import TaskManager
from steps import ASK, KEY, MODEL, URL, expect, main, raises, step

folder = Path(tempfile.mkdtemp())
(folder / "dogs.jsonl").write_text(json.dumps({"ask": ASK, "answer": "dog"}), encoding="utf-8")
(folder / "dogs.yaml").write_text(
    f"""
task: dogs
dataset_path: json
dataset_kwargs: {{data_files: {{test: "{folder}/dogs.jsonl"}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{ask}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["\\n\\n", "Q:"], max_gen_toks: 60}}
metric_list: [{{metric: exact_match}}]
""",
    encoding="utf-8",
)


def evaluated(key=KEY, concurrent=1):
    os.environ["OPENAI_API_KEY"] = key
    model = LocalChatCompletion(
        base_url=f"{URL}/chat/completions", model=MODEL, num_concurrent=concurrent, max_retries=1
    )
    tasks = TaskManager(include_path=str(folder), include_defaults=False)
    done = simple_evaluate(
        model, tasks=["dogs"], task_manager=tasks, apply_chat_template=True, log_samples=True,
        bootstrap_iters=0,
    )  # fmt: skip
    return done["samples"]["dogs"][0]["resps"][0][0]


@step("chat")
def chat():
    expect(evaluated(), "text")
    expect(evaluated(concurrent=4), "text of those asked at a time")


@step("errors")
def errors():
    raises(requests.HTTPError, lambda: evaluated("nw-wrong"))


main()
