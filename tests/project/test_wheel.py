"""The wheel: it carries the apps whole, and nothing of this repository's own site."""

import zipfile

import pytest

from tests.project.conftest import APPS, ROOT

pytestmark = pytest.mark.xdist_group("wheel")


@pytest.mark.timeout(300)
def test_the_wheel_holds_every_file_of_the_apps_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as opened:
        held = {name for name in opened.namelist() if ".dist-info/" not in name}
    wanted = {
        str(path.relative_to(ROOT))
        for app in APPS
        for path in (ROOT / app).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == wanted
    assert {f"{app}/py.typed" for app in APPS} <= held
    assert "llmconfig/templates/nodewise/playground.html" in held
