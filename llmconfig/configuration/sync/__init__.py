"""Nodes from YAML: reading the file by line, comparing three ways, writing, exporting."""
