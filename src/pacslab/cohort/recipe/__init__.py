"""A hospital as data: the recipe of a cohort, its name lists, number formats and phrases."""
