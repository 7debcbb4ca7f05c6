"""The instructor's side: submissions unpacked, checked, and replayed on servers of the grader's own."""
