"""Commands of the embedded parts."""
