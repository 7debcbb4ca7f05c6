"""The audit: which planted identifiers are left in an output, and what the output is still good for."""
