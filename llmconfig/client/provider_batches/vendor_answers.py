"""What a vendor says of a batch: the id that it gave, and what its refusals mean.

Knows no SDK: whoever looks after batches may be loaded where none is installed.
"""

from llmconfig.client.provider_batches import MAX_ID, SubmissionFailed


def id_of(batch: object) -> str:
    """The id of a batch that was just made; raises SubmissionFailed where it can't be one."""
    found = getattr(batch, "id", None)
    if isinstance(found, str) and found.strip() and len(found) <= MAX_ID and found.isprintable():
        return found
    raise SubmissionFailed(
        "It took the batch and gave no id by which it can be asked for.",
        refused=False,
        nameless=True,
    )


def failure_of(status: int, said: str, *, queue_full: bool = False) -> SubmissionFailed:
    """What a vendor's status means; `said` is its error in words without secrets."""
    passing = status >= 500 or status in {408, 409, 429}
    return SubmissionFailed(
        said,
        refused=not passing,
        gone=status in {404, 410},
        queue_full=queue_full,
    )
