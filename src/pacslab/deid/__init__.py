"""De-identification: the audit against the answer key, and the reference recipe."""
