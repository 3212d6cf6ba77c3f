"""The functions that judge answers, which are loaded with the first one."""

from functools import cache
from types import SimpleNamespace


@cache
def judging() -> SimpleNamespace:
    """Each by its name: the gates' expressions take 0.1 s, and each row asks for these."""
    from enrichment.quality.gates.asking import check_failed  # noqa: PLC0415
    from enrichment.quality.gates.contract import Checked, texts_in, too_large  # noqa: PLC0415
    from enrichment.quality.wrapping import bare, wrapped  # noqa: PLC0415

    return SimpleNamespace(
        Checked=Checked,
        bare=bare,
        check_failed=check_failed,
        texts_in=texts_in,
        too_large=too_large,
        wrapped=wrapped,
    )
