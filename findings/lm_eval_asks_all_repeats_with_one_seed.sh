#!/bin/sh
# Package: lm-eval 0.4.13 (PyPI, lm-evaluation-harness), its models for servers: local-completions, local-chat-completions and
#   OpenAI's, which send alike; seen with local-chat-completions, one and four requests at a time.
# Behaviour seen: `repeats: 8` with `do_sample: true` and a temperature asks each question eight times with `"seed": 1234` in every
#   request. A server that keeps to seeds (vLLM, SGLang, llama.cpp; OpenAI tries to) gives the same answer eight times: the majority
#   of eight is a vote of one. The shipped task gsm8k_cot_self_consistency does so 64 times a question.
# One would guess: that each repeat has a seed of its own (1234, 1235, …) or none, since repeats are asked for their differences.
# Why it matters: self-consistency, maj@k and pass@k come out as single answers do, at k times the price; nothing in the results
#   says so, and the same task on a local model (`--model hf`), which draws eight times from one generator, gives other figures.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'lm-eval[api]==0.4.13'
cat > "$work/program.py" <<'PY'
import json
import logging
import os
import random
import sys
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread

os.environ |= {"HF_DATASETS_OFFLINE": "1", "OPENAI_API_KEY": "k", "TQDM_DISABLE": "1"}
from lm_eval import simple_evaluate, tasks
from lm_eval.models.openai_completions import LocalChatCompletion

folder = Path(sys.argv[1])
logging.disable(logging.CRITICAL)
asked = []


class Server(BaseHTTPRequestHandler):
    """Right six times in ten, by the seed of the request where it has one."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        asked.append(body)
        answer = 7 if random.Random(body.get("seed")).random() < 0.6 else 8
        message = {"role": "assistant", "content": f"The answer is {answer}."}
        told = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
Thread(target=server.serve_forever, daemon=True).start()
(folder / "sums.jsonl").write_text(json.dumps({"ask": "3 + 4?", "answer": "7"}))
(folder / "sums.yaml").write_text(f"""
task: sums
dataset_path: json
dataset_kwargs: {{data_files: {{test: "{folder}/sums.jsonl"}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{ask}}}}"
doc_to_target: "{{{{answer}}}}"
repeats: 8
generation_kwargs: {{do_sample: true, temperature: 0.7, until: ["Q:"]}}
filter_list:
  - name: maj@8
    filter: [{{function: regex, regex_pattern: 'The answer is (\\d+)'}}, {{function: majority_vote}}, {{function: take_first}}]
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
""")
print("lm-eval", version("lm-eval"))
seen = []
for concurrent in (1, 4):
    asked.clear()
    url = f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    model = LocalChatCompletion(base_url=url, model="m", num_concurrent=concurrent)
    known = tasks.TaskManager(include_path=str(folder), include_defaults=False)
    done = simple_evaluate(
        model, tasks=["sums"], task_manager=known, apply_chat_template=True, log_samples=True, bootstrap_iters=0
    )
    seeds = Counter(body.get("seed") for body in asked)
    answers = Counter(done["samples"]["sums"][0]["resps"][0])
    heats = {body["temperature"] for body in asked}
    print(f"{concurrent} at a time: {len(asked)} requests at temperature {heats}, seeds {dict(seeds)}, answers {dict(answers)}")
    seen.append((dict(seeds), heats, len(answers)))
shipped = Path(tasks.__file__).parent / "gsm8k" / "gsm8k-cot-self-consistency.yaml"
print("shipped:", [line for line in shipped.read_text().splitlines() if line.startswith("repeats")])
if seen != [({1234: 8}, {0.7}, 1)] * 2 or "repeats: 64" not in shipped.read_text():
    sys.exit("changed: repeats are asked with other seeds now")
print("as described: eight repeats are one answer, paid eight times")
PY
mkdir "$work/files"
cd "$work/files"
"$work/venv/bin/python" "$work/program.py" "$work/files" 2>"$work/said" || { tail -3 "$work/said"; exit 1; }
