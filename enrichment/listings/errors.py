"""What listings raise beside enrichment's own errors."""

from enrichment.errors import EnrichmentError


class BadListings(EnrichmentError):
    """A file can't be imported; the message names the line, `field` the option concerned."""

    code = "bad_listings"
