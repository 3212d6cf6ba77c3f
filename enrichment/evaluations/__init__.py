"""Sets of rows, runs over them, and what may be said of the difference between two."""
