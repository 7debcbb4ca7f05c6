"""Searching text and bytes for identifiers."""
