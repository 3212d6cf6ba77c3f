"""Alerts: what happens is told to whom the rules name, once, by mail, webhook or Slack."""
