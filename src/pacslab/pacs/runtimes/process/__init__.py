"""Servers as processes, each on a loopback address of its own."""
