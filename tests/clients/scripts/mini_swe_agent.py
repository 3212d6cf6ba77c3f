"""mini-SWE-agent: a model that has nothing but bash, over LiteLLM."""

import pathlib
import tempfile

import litellm
import yaml
from minisweagent import package_dir
from minisweagent.agents.default import DefaultAgent
from minisweagent.environments.local import LocalEnvironment
from minisweagent.models.litellm_model import LitellmModel
from steps import ASK_WEATHER, KEY, MODEL, URL, expect, main, raises, step

config = yaml.safe_load((package_dir / "config" / "default.yaml").read_text())


def model(key=KEY):
    return LitellmModel(
        model_name=f"openai/{MODEL}",
        model_kwargs={"api_base": URL, "api_key": key},
        cost_tracking="ignore_errors",
        **{each: text for each, text in config.get("model", {}).items() if "template" in each},
    )


@step("tools")
def tools():
    folder = pathlib.Path(tempfile.mkdtemp())
    done = "echo wuff > dog.txt; echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
    agent = DefaultAgent(
        model(), LocalEnvironment(cwd=str(folder)), **config["agent"] | {"step_limit": 3}
    )
    agent.run(f'\nCALL bash {{"command": "{done}"}}')
    expect((folder / "dog.txt").read_text() == "wuff\n", "file")


@step("errors")
def errors():
    asked = [{"role": "user", "content": ASK_WEATHER}]
    raises(litellm.AuthenticationError, lambda: model("nw-wrong").query(asked))


main()
