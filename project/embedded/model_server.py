"""A child process that serves a model's weights on loopback in OpenAI's shapes.

Run as `python -m project.embedded.model_server --model FILE --alias NAME`. Its first line on
stdout is `listening on http://127.0.0.1:PORT`; the API key comes in MODEL_SERVER_API_KEY,
because anyone on the machine can read a command line. MODEL_SERVER_SLOTS is how many answers it
makes at once: more take longer each, and less time together.
"""

import argparse
import os
import signal
import sys

LOOPBACK = "127.0.0.1"
SLOTS = int(os.environ.get("MODEL_SERVER_SLOTS", "4"))  # answers at once
CONTEXT_PER_SLOT = 4096
# Prompts that are kept for the next request that starts alike, in MiB of memory.
PROMPT_CACHE_MIB = 256


def serve(model: str, *, alias: str, port: int, api_key: str, embedding: bool) -> str:
    """Load the weights, serve them in background threads and return the server's address.

    Raises RuntimeError when the file isn't a model or the port is taken.
    """
    import xllamacpp  # noqa: PLC0415 - an extra that production doesn't have

    # With as many threads as cores, one busy neighbour makes each token 20 times slower.
    threads = max(1, (os.cpu_count() or 2) - 1)
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {alias}
    params.hostnames = [LOOPBACK]
    params.port = port
    params.api_keys = [api_key]
    params.ui = False
    params.n_parallel = SLOTS
    params.n_ctx = SLOTS * CONTEXT_PER_SLOT
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    if embedding:
        params.embedding = True
        # A text is embedded in one go, so what is read at once must hold a slot's whole window.
        params.n_batch = CONTEXT_PER_SLOT
        params.n_ubatch = CONTEXT_PER_SLOT
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(params)
    _kept.append(server)
    return str(server.listening_address)


# The server stops when its object is collected.
_kept: list[object] = []


def main() -> int:
    """Serve the model until SIGTERM or SIGINT comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="the file with the weights (GGUF)")
    parser.add_argument("--alias", required=True, help="the name that the API gives the model")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--embedding", action="store_true", help="serve embeddings too")
    given = parser.parse_args()
    address = serve(
        given.model,
        alias=given.alias,
        port=given.port,
        api_key=os.environ["MODEL_SERVER_API_KEY"],
        embedding=given.embedding,
    )
    sys.stdout.write(f"listening on {address}\n")
    sys.stdout.flush()
    signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
