"""The lab inside a notebook: displays, the control panel, the notebooks' build."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
