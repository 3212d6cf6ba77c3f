"""The shipped example: adoption listings of rescues."""
