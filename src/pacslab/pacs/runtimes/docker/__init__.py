"""Servers as containers of a Docker engine."""
