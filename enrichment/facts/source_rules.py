"""What a source of facts may be: its table, its address and its header."""

from urllib.parse import urlsplit

from django.apps import apps
from django.db.models import JSONField
from django.utils.translation import gettext

from enrichment.enrichments import get, names
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadSource
from enrichment.facts.questions import PREFIX
from enrichment.models import FactSource, Prompt
from enrichment.substitution import compile_text
from llmconfig.configuration import secret_references
from llmconfig.configuration.provider_rules import DEFAULT_PORTS
from llmconfig.errors import ChangeRefused


def tables() -> list[str]:
    """The tables that sources may know something about."""
    return sorted({get(name).target for name in names() if get(name).takes_facts})


def columns_of(target: str) -> frozenset[str]:
    """The columns of a table that may stand in an address."""
    fields = apps.get_model(target)._meta.concrete_fields  # noqa: SLF001 - Django's documented name
    return frozenset(each.attname for each in fields if not isinstance(each, JSONField))


def offered(enrichment: Enrichment) -> frozenset[str]:
    """The names that sources offer to an enrichment's prompts."""
    if not enrichment.takes_facts:
        return frozenset()
    known = FactSource.objects.filter(target=enrichment.target).values_list("name", flat=True)
    return frozenset(f"{PREFIX}{name}" for name in known)


def check_source(*, target: str, url_template: str, header_name: str, secret_ref: str) -> None:
    """The rules for a source's row, for every surface that writes one; raises BadSource."""
    if target not in tables():
        raise BadSource(
            gettext("There is no enrichment of {target!r}; there are {names}.").format(
                target=target, names=", ".join(tables())
            ),
            field="target",
        )
    _check_url(url_template, columns_of(target))
    try:
        secret_references.check(secret_ref)
    except ChangeRefused as refusal:
        raise BadSource(str(refusal), field="secret_ref") from None
    if bool(header_name) != bool(secret_ref):
        blank = "header_name" if secret_ref else "secret_ref"
        raise BadSource(gettext("A header and a secret reference go together."), field=blank)


def refuse_secret_for_new_host(
    stored: FactSource, *, url_template: str, secret_ref: str, reference_given: bool
) -> None:
    """Refuse to keep a reference when its secret would go elsewhere; `stored` is the row as it is.

    Raises BadSource on the field `secret_ref` unless it was given again or removed.
    """
    if not stored.secret_ref or not secret_ref or reference_given:
        return
    if _origin(stored.url_template) != _origin(url_template):
        raise BadSource(
            gettext(
                "The scheme, host or port changes, so the secret that the reference points at "
                "would go to another server: enter the reference again, or remove it."
            ),
            field="secret_ref",
        )


def _origin(template: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address; no part of these comes from a row."""
    compiled = compile_text(template)
    parts = urlsplit(compiled.fill(dict.fromkeys(compiled.names, "x")))
    host = (parts.hostname or "").rstrip(".")
    return parts.scheme, host, parts.port or DEFAULT_PORTS.get(parts.scheme)


def _check_url(template: str, known: frozenset[str]) -> None:
    compiled = compile_text(template)
    unknown = compiled.names - known
    if unknown:
        raise BadSource(
            gettext("{{{{{unknown}}}}} is no column; there are {names}.").format(
                unknown=min(unknown), names=", ".join(sorted(known))
            ),
            field="url_template",
        )
    literal = "".join(compiled.parts[::2])
    if "{" in literal or "}" in literal:
        raise BadSource(
            gettext("Write {{column}}; other braces have no meaning."), field="url_template"
        )
    host, slash, _ = compiled.parts[0].partition("://")[2].partition("/")
    if len(compiled.parts) > 1 and not slash and "?" not in host:
        raise BadSource(
            gettext("No part of the host comes from a row: give the host and a slash first."),
            field="url_template",
        )
    try:
        parts = urlsplit(compiled.fill(dict.fromkeys(compiled.names, "x")))
        _ = parts.port  # only reading it checks it
    except ValueError:
        raise BadSource(gettext("This is not an address."), field="url_template") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not parts.netloc.isascii():
        raise BadSource(gettext("Start with http:// or https:// and a host."), field="url_template")
    if parts.username or parts.password or parts.fragment or "\\" in template:
        raise BadSource(
            gettext("Leave out user name, password and fragment; a key goes into the header."),
            field="url_template",
        )
    if any(not each.isprintable() or each.isspace() for each in template):
        raise BadSource(gettext("An address has no spaces; write %20."), field="url_template")


def uses_of(row: FactSource) -> list[str]:
    """The prompts in force that name it, in words."""
    name = f"{PREFIX}{row.name}"
    return [
        str(prompt)
        for prompt in Prompt.objects.filter(is_active=True)
        if name in compile_text(prompt.system).names | compile_text(prompt.user).names
    ]
