"""`python -m benchmarks.estimates`: hold estimates of tokens to real tokenizers, and time them.

The tokenizers come in a package of their own (bpe-openai, which ships GPT-4's and GPT-4o's tables),
in an environment that nothing else uses. Prints the table of docs/performance.md.
"""

import json
import subprocess
import time

from benchmarks.estimate_texts import texts
from benchmarks.peers import Peer

TOKENIZERS = Peer("tokenizers", "bpe-openai==0.1.4")
NAMES = ("cl100k_base", "o200k_base")
REPEATED = 200
PROGRAM = """
import json, sys
import bpe_openai
texts = json.load(sys.stdin)
json.dump(
    {name: {key: len(bpe_openai.get_encoding(name).encode(text)) for key, text in texts.items()}
     for name in sys.argv[1:]},
    sys.stdout,
)
"""


def counted(of: dict[str, str]) -> dict[str, dict[str, int]]:
    """The tokens of each text, by tokenizer."""
    TOKENIZERS.install()
    done = subprocess.run(
        [TOKENIZERS.program("python"), "-c", PROGRAM, *NAMES],
        input=json.dumps(of),
        capture_output=True,
        text=True,
        check=True,
        env=TOKENIZERS.environment(),
    )
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return found


def main() -> None:
    """Count, estimate, and print one line a text."""
    import django

    django.setup()
    from llmconfig.client.pipeline.token_estimates import most_tokens

    of = texts()
    found = counted(of)
    print(f"| text | characters | estimate | {' | '.join(NAMES)} | estimate / most | µs/KB |")
    print("| --- " * (5 + len(NAMES)) + "|")
    for name, text in of.items():
        estimate = most_tokens(text)
        began = time.process_time()
        for _ in range(REPEATED):
            most_tokens(text)
        took = (time.process_time() - began) / REPEATED / len(text.encode()) * 1024 * 1e6
        truths = [found[each][name] for each in NAMES]
        print(
            f"| {name} | {len(text):,} | {estimate:,} | {truths[0]:,} | {truths[1]:,}"
            f" | {estimate / max(truths):.2f} | {took:.1f} |"
        )


if __name__ == "__main__":
    main()
