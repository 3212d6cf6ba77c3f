"""The configuration's API, and what all of our APIs share."""
