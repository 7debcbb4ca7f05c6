"""The checks of an audit besides its search for leaks: UIDs and dates, conformance, utility."""
