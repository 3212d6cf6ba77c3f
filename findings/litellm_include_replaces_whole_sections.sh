#!/bin/sh
# Package: litellm 1.110.2 (PyPI), `include` of a proxy's config file, by litellm.proxy.common_utils.config_includes, which the
#   proxy reads its file with; 1.83.14 does the same in ProxyConfig.get_config().
# Behaviour seen: lists of an included file (model_list) are appended to the main file's. A section that is a mapping
#   (litellm_settings, router_settings) replaces the main file's whole section, without a word, wherever `include` stands: of
#   `num_retries`, `fallbacks` and `drop_params` nothing is left once a shared file says `litellm_settings: {set_verbose: false}`.
#   The same name found in two folders is warned of.
# One would guess: that the file which includes has the last word, or that sections are merged key by key, as lists are.
# Why it matters: moving one setting into a shared file switches off fallbacks, retries and dropped parameters; the proxy starts and
#   answers as before, until the first failure. A tool that reads such files has to replace sections as well, or it takes over
#   settings that were never in force.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq litellm==1.110.2
cat > "$work/program.py" <<'PY'
import asyncio
import json
import logging
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path

from litellm.proxy.common_utils.config_includes import resolve_include_file_path, resolve_includes

folder = Path(sys.argv[1])
warned = []


class Warned(logging.Handler):
    def emit(self, record):
        warned.append(record.getMessage())


logging.getLogger("LiteLLM Proxy").addHandler(Warned(logging.WARNING))


def model(name):
    return {"model_name": name, "litellm_params": {"model": f"openai/{name}", "api_key": "k"}}


async def read(place):
    return json.loads(Path(place).read_text())


def whole(main):
    """A main file with what it includes, JSON being YAML, too."""
    place = folder / "main.yaml"
    place.write_text(json.dumps(main))
    find = partial(resolve_include_file_path, root_config_path=str(place))
    return dict(asyncio.run(resolve_includes(config=main, location=str(place), resolve=find, read=read)))


shared = {"model_list": [model("shared")], "litellm_settings": {"set_verbose": False}}
(folder / "shared.yaml").write_text(json.dumps(shared))
own = {
    "model_list": [model("own")],
    "litellm_settings": {"num_retries": 3, "drop_params": True, "fallbacks": [{"own": ["shared"]}]},
    "router_settings": {"routing_strategy": "least-busy"},
}
first = whole({"include": ["shared.yaml"], **own})
last = whole({**own, "include": ["shared.yaml"]})
models = [each["model_name"] for each in first["model_list"]]
print(f"litellm {version('litellm')}")
print("models:", models, "- router_settings:", first["router_settings"])
print("litellm_settings:", first["litellm_settings"], "- with the include last:", last["litellm_settings"])
print("warnings:", warned)
replaced = first["litellm_settings"] == last["litellm_settings"] == {"set_verbose": False}
if models != ["own", "shared"] or first["router_settings"] != own["router_settings"] or not replaced or warned:
    sys.exit("changed: included sections are put together in another way now")
print("as described: lists are appended, an included mapping replaces the whole section")
PY
mkdir "$work/files"
LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_LOG=WARNING "$work/venv/bin/python" "$work/program.py" "$work/files"
