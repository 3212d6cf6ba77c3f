"""What past answers teach: patterns mined from the history, and what they propose for prompts."""
