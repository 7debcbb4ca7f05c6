"""The reference recipe (PS3.15 Annex E): begin with ``study.py``, whose methods are the steps in order."""
