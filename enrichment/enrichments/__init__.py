"""The contract of an enrichment and one file for each."""
