"""The report of an audit: its model, and its HTML page."""
