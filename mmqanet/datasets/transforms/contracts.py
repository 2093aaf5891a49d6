"""What tools and apis ask of a transform, by its class and not by its name."""
from mmcv.transforms import BaseTransform


class MultiScaleTransform(BaseTransform):
    """Shows the network what it parses at several scales; the model averages its predictions over them.

    Args:
        scales (tuple[float, ...]): factors on the scale that a test without augmentation has.
    """

    def __init__(self, *, scales: tuple[float, ...] = (1.0,)) -> None:
        self.scales = tuple(scales)


class GroundTruthTransform(BaseTransform):
    """Reads what only annotated samples have; pictures from elsewhere go through the pipeline without it."""
