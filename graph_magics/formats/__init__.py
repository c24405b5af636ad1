"""Texts to graphs and back: one format a file."""
