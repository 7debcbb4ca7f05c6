"""The lab inside a notebook: displays, the control panel, the notebooks' build."""
