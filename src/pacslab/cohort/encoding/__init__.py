"""From attributes and pixels to the bytes of a Part 10 file (PS3.5, PS3.10)."""
