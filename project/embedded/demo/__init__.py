"""`make demo`: real listings through every part, with a readable end."""
