"""Re-identification attacks: linkage of released studies with public background knowledge."""
