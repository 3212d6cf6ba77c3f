"""What can go wrong while the embedded parts start.

NotStarted          a part can't run here; the text is one line that ends with the way out
└── NotFetched      model weights could not be had from one source; the next may have them
"""


class NotStarted(Exception):
    """A part could not be started. The message is one line for the person at the terminal."""


class NotFetched(NotStarted):
    """One source of model weights failed; another source may still work."""
