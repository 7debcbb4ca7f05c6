"""The attack: who is in a de-identified set, from what was left in it and what everybody outside may know."""
