"""Finding burned-in text in images."""
