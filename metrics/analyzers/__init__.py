"""What past calls tell: one question a module. All read; none calls a model."""
