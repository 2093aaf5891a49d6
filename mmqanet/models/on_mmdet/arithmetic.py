"""The two arithmetics of the region-based parsers: that of the released code, and mmdet's."""
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmqanet.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """What differs between the released code and mmdet beside the weights.

    Attributes:
        substitutes: types of mmdet → types that stand in for them.
        roi_align: options of every ``RoIAlign``.
        last_pixel: how far a box ends before the end of its last pixel: 1 where boxes name that pixel, else 0.
        pads_after_normalizing: at test, padding is 0 in the network; else it is 0 in the image, minus the mean in the
            network.
        padding_label: of the semantic labels in the padding; 255 is ignored.
        pads_regions: a region's probabilities are pasted with a margin of one sample into whole pixels.
        semantics_of_padding: the semantic map of the padded input is stretched over the image.
    """

    substitutes: Mapping[str, str] = field(default_factory=dict)
    roi_align: Mapping[str, Any] = field(default_factory=dict)
    last_pixel: int = 0
    pads_after_normalizing: bool = True
    padding_label: int = 255
    pads_regions: bool = False
    semantics_of_padding: bool = False

    def configure(self, node: Any) -> Any:
        """A copy of a config of mmdet's parts in this arithmetic."""
        if isinstance(node, Mapping):
            copied = {key: self.configure(value) for key, value in node.items()}
            kind = copied.get('type')
            if isinstance(kind, str) and kind in self.substitutes:
                copied['type'] = self.substitutes[kind]
            if kind == 'RoIAlign':
                copied.update(self.roi_align)
            if kind in ('nms', 'soft_nms') and self.last_pixel:
                copied['offset'] = self.last_pixel
            return copied
        if isinstance(node, list | tuple):
            return [self.configure(child) for child in node]
        return node


MODERN = Arithmetic()
RELEASE = Arithmetic(
    substitutes={
        'AnchorGenerator': 'mmqanet.DetectronAnchorGenerator',
        'DeltaXYWHBBoxCoder': 'mmqanet.DetectronBoxCoder',
        'MaxIoUAssigner': 'mmqanet.DetectronAssigner',
        'RPNHead': 'mmqanet.DetectronRPNHead',
        'SingleRoIExtractor': 'mmqanet.DetectronRoIExtractor',
    },
    roi_align=dict(aligned=False, sampling_ratio=2),
    last_pixel=1,
    pads_after_normalizing=False,
    padding_label=0,
    pads_regions=True,
    semantics_of_padding=True,
)
ARITHMETICS = dict(modern=MODERN, release=RELEASE)


def arithmetic_named(name: str) -> Arithmetic:
    """``'modern'`` or ``'release'``.

    Raises:
        InputError: another name.
    """
    if name not in ARITHMETICS:
        raise InputError(f'arithmetic is {name!r}, but must be one of {tuple(ARITHMETICS)}')
    return ARITHMETICS[name]
