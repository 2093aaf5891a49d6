"""The network's components; importing this registers them."""
from .efficientnet_lite import EfficientNetLite0

__all__ = ['EfficientNetLite0']
