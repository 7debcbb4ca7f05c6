"""Limits of the Safe Harbor method (45 CFR 164.514(b)(2))."""

from __future__ import annotations

OLDEST = 90
"""Ages above 89 are few enough to identify (45 CFR 164.514(b)(2)(i)(C)); all of them become 90."""
