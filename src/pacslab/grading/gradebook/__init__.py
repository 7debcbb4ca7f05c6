"""From replayed submissions to points, marks, pages and tables."""
