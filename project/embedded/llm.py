"""The local provider of a run: a real model on this machine, or the simulator."""

import ctypes
import json
import os
import platform
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from project.embedded.children import ChildServer, start
from project.embedded.errors import NotStarted
from project.embedded.ports import LOOPBACK
from project.embedded.readiness import START_SECONDS, wait_until
from project.embedded.state import ROOT, RunState, new_secret
from project.embedded.weights import QWEN_0_5B, QWEN_1_5B, SMOLLM2_135M, Weights, first_available

ANNOUNCEMENT = "listening on "
# A laptop's disk may need a while for a gigabyte of weights.
LOAD_SECONDS = 180.0
SIMULATOR_MODEL = "simulator"
SIMULATOR_LABEL = "simulator: texts are simulated"


class Mode(StrEnum):
    """Which local provider a run brings along."""

    NONE = "none"
    SIMULATOR = "simulator"
    SMALL = "small"
    DEMO = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalModel:
    """The server of the local provider and what its users need to know."""

    part: ChildServer
    url: str
    api_key: str
    model: str
    label: str

    def variables(self) -> dict[str, str]:
        """The environment by which a command finds it."""
        return {
            "LLM_LOCAL_URL": self.url,
            "LLM_LOCAL_API_KEY": self.api_key,
            "LLM_LOCAL_MODEL": self.model,
            "LLM_LOCAL_MODEL_LABEL": self.label,
        }


def start_llm(mode: Mode, state: RunState) -> LocalModel:
    """Start the local provider of `mode` (not NONE); raises NotStarted with one line."""
    if mode is Mode.SIMULATOR:
        return _start_simulator(state)
    if find_spec("xllamacpp") is None:
        raise NotStarted(
            "The model server isn't installed: run `make env` (or install the extra `demo`),"
            " or use --llm simulator, or set LLM_LOCAL_URL."
        )
    weights, file = first_available(candidates(mode, os.environ), state.models)
    return _start_model_server(weights, file, state)


def candidates(mode: Mode, environment: Mapping[str, str]) -> Sequence[Weights]:
    """The weights to try for `mode`, best first.

    NODEWISE_DEMO_MODEL=0.5b takes the middle one where memory or time is short.
    """
    if mode is Mode.SMALL:
        return (SMOLLM2_135M,)
    wanted = environment.get("NODEWISE_DEMO_MODEL", "1.5b").lower()
    if wanted not in {"0.5b", "1.5b"}:
        raise NotStarted(f"NODEWISE_DEMO_MODEL is {wanted!r}; it can be 1.5b or 0.5b.")
    by_quality = (QWEN_1_5B, QWEN_0_5B, SMOLLM2_135M)
    return by_quality[1:] if wanted == "0.5b" else by_quality


def _start_simulator(state: RunState) -> LocalModel:
    key = "simulator"  # it guards nothing and takes any key
    command = ["-m", "project.embedded.simulator", "--host", LOOPBACK, "--port", "0"]
    command += ["--whole"]
    part = _start("the simulator", [sys.executable, *command], os.environ, state.log("simulator"))
    return LocalModel(
        part=part,
        url=_address_once_ready(part, key, seconds=START_SECONDS),
        api_key=key,
        model=SIMULATOR_MODEL,
        label=SIMULATOR_LABEL,
    )


def _start_model_server(weights: Weights, file: Path, state: RunState) -> LocalModel:
    key = new_secret()
    command = ["-m", "project.embedded.model_server", "--model", str(file), "--embedding"]
    environment = {**os.environ, **_libraries(), "MODEL_SERVER_API_KEY": key}
    part = _start(
        "the model server",
        [sys.executable, *command, "--alias", weights.name],
        environment,
        state.log("model"),
    )
    return LocalModel(
        part=part,
        url=_address_once_ready(part, key, seconds=LOAD_SECONDS),
        api_key=key,
        model=weights.name,
        label=weights.label,
    )


def _start(name: str, command: Sequence[str], env: Mapping[str, str], path: Path) -> ChildServer:
    with path.open("wb") as log:
        process = start(command, env=env, cwd=ROOT, output=log, at_parents_death=signal.SIGKILL)
    return ChildServer(name=name, process=process, log=path, stop_with=signal.SIGTERM)


def _libraries() -> dict[str, str]:
    """LD_LIBRARY_PATH with an OpenMP runtime for a machine that has none installed."""
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError:
        cmeel = find_spec("cmeel")
        if cmeel is None or cmeel.origin is None:
            raise NotStarted(
                f"The model server needs libgomp.so.1, which this {platform.system()} lacks:"
                " install libgomp1 (or the extra `demo`), or use --llm simulator."
            ) from None
        libraries = Path(cmeel.origin).parents[1] / "cmeel.prefix" / "lib"
        before = os.environ.get("LD_LIBRARY_PATH")
        return {"LD_LIBRARY_PATH": f"{libraries}:{before}" if before else str(libraries)}
    return {}


def _address_once_ready(part: ChildServer, key: str, *, seconds: float) -> str:
    """The base URL, ending in /v1, once the server lists its models."""
    wait_until(lambda: _lists_models(part.log, key), part, seconds=seconds)
    return f"{_announced(part.log)}/v1"


def _announced(log: Path) -> str | None:
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith(ANNOUNCEMENT):
            return line.removeprefix(ANNOUNCEMENT).strip()
    return None


def _lists_models(log: Path, key: str) -> bool:
    address = _announced(log)
    if address is None:
        return False
    request = urllib.request.Request(  # noqa: S310 - an address that our own child printed
        f"{address}/v1/models", headers={"Authorization": f"Bearer {key}"}
    )
    # A proxy from the environment has no business between us and our own child.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            return bool(json.load(answer)["data"])
    except (urllib.error.URLError, OSError, ValueError, KeyError):
        return False
