"""A course on disk: its key, its students, and the cells of its tables."""
