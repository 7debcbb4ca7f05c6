"""Sample submissions and rehearsals, with which an instructor tries the grader."""
