"""Scanning pixels: which image of the archive they are, burned-in text (glyphs), faces, overlays and icons."""
