"""The reference recipe: from a study to a de-identified one (PS3.15 Annex E)."""
