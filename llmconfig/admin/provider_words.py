"""What a provider's pages say of it: its state, its key, and what a discovery did."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from llmconfig import provider_types
from llmconfig.admin.kit.presentation import NOTHING, badge, few
from llmconfig.diagnostics import discovery
from llmconfig.models import Provider


def masked(provider: Provider) -> str:
    """How a stored key is named: by its end."""
    return f"••••{provider.key_last4}"


def status_badge(provider: Provider) -> SafeString:
    """One word for a provider's state."""
    if not provider.is_enabled:
        return badge(gettext("off"))
    if provider.validation_error:
        return badge(gettext("failed"), "danger")
    if not (
        provider.api_key
        or provider.secret_ref
        or not provider_types.get(provider.provider_type).needs_key
    ):
        return badge(gettext("no key"), "warning")
    return (
        badge(gettext("works"), "good")
        if provider.validated_at
        else badge(gettext("not tested"), "info")
    )


def key_state(provider: Provider) -> SafeString:
    """`••••1234`, the reference, or a dash."""
    if provider.api_key:
        return format_html("<code>{}</code>", masked(provider))
    if provider.secret_ref:
        return format_html("<code>{}</code>", provider.secret_ref)
    return NOTHING


def discovery_summary(provider: Provider, found: discovery.Discovered) -> str:
    """What a discovery did, in sentences."""
    parts = [
        ngettext(
            "{provider} lists {number} model.", "{provider} lists {number} models.", found.seen
        ).format(provider=provider, number=found.seen)
    ]
    for sentence, names in (
        (gettext("Added: {models}."), found.added),
        (gettext("Updated: {models}."), found.updated),
        (gettext("In this catalogue but no longer listed there: {models}."), found.missing),
    ):
        if names:
            parts.append(sentence.format(models=few(names)))
    if not (found.added or found.updated):
        parts.append(gettext("No new models."))
    return " ".join(parts)
