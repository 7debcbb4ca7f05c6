"""What was achieved: points for objectives."""
