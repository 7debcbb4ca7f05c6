"""Synthetic patients: from a recipe and a variant to DICOM files and the answer key."""
