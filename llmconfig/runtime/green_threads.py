"""Green threads (gevent, eventlet) are refused: they replace what the event loop stands on."""

import sys

from django.core.exceptions import ImproperlyConfigured

# Of each: the module that patches, its question, and the module that is asked about.
_PATCHERS = (
    ("gevent.monkey", "is_module_patched", "threading"),
    ("eventlet.patcher", "is_monkey_patched", "thread"),
)
REFUSED = (
    "{name} has patched this process, and calls to models would wait for ever in it. Start Celery"
    " with --pool prefork, threads or solo, and web servers with uvicorn or plain threads."
)


def refuse_green_threads() -> None:
    """Raise ImproperlyConfigured in a process whose threads are green ones."""
    for module, question, about in _PATCHERS:
        patcher = sys.modules.get(module)
        if patcher is not None and getattr(patcher, question)(about):
            raise ImproperlyConfigured(REFUSED.format(name=module.partition(".")[0]))
