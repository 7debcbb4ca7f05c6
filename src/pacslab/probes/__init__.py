"""Attack and clinic probes against a running deployment."""
