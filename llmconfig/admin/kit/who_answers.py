"""Whether a call from a page would be answered, and who may change that."""

from django.http import HttpRequest

from llmconfig.configuration import snapshot


def who_answers(request: HttpRequest) -> dict[str, bool]:
    """Whether calls are on, whether a provider is, and whether this person may change that."""
    state = snapshot.current()
    return {
        "enabled": state.allows_calls,
        "providers": any(each.is_enabled for each in state.providers.values()),
        "may_change": request.user.has_perm("llmconfig.change_llmconfig"),
    }
