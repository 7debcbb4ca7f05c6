"""The command line: every command, no logic of its own."""
