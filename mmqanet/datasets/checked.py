"""What all data sets check of their arguments."""
import os
from collections.abc import Sequence
from typing import Any

from mmengine.dataset import BaseDataset

from mmqanet.errors import InputError
from mmqanet.utils.wording import count_of


class CheckedDataset(BaseDataset):
    """mmengine's ``BaseDataset``, in which unusable ``indices`` and classes are one line.

    Args:
        metainfo (dict, optional): as there.
        indices (int | Sequence[int], optional): as there.
        **options: other arguments, as there.

    Raises:
        InputError: ``indices`` take no sample, or lie beyond the samples; ``classes`` is a string that is no file of names.
    """

    def __init__(self, *, metainfo: dict | None = None, indices: int | Sequence[int] | None = None, **options: Any) -> None:
        if indices is not None and not (indices if isinstance(indices, int) else len(indices)):
            raise InputError(f'indices is {indices!r}, which takes no sample')
        classes = (metainfo or {}).get('classes')
        if isinstance(classes, str) and not os.path.isfile(classes):
            raise InputError(f'classes is the string {classes!r}; a sequence of one is ({classes!r},)')
        super().__init__(metainfo=metainfo, indices=indices, **options)

    def full_init(self) -> None:
        """Read the annotations; raises ``DataError`` where the file cannot be read or holds nothing to train on."""
        try:
            super().full_init()
        except IndexError:
            number = count_of(len(self.data_list), 'sample')
            raise InputError(f'indices: one lies beyond the {number} of {self.ann_file}') from None
