"""Coarser label sets (:mod:`mmqanet.datasets.class_sets`) written into configs."""
from collections.abc import Mapping

from mmengine.config import Config

from mmqanet.datasets.class_sets import FULL, find_class_set
from mmqanet.engine.config import require_parser
from mmqanet.registry import DATASETS


def merge_classes_in(cfg: Config, meta: Mapping, name: str) -> dict:
    """Let the parser of a config merge its classes, in place.

    Args:
        cfg: of a parser.
        meta: ``classes`` and more of what it was trained on.
        name: of the label set; ``'full'`` changes nothing.

    Returns:
        dict: ``classes``, ``palette`` and ``flip_pairs`` of what it then predicts.

    Raises:
        InputError: there is no such label set, or the parser cannot merge.
    """
    if name == FULL:
        return dict(meta)
    class_set = find_class_set(meta['classes'], name)
    parser = require_parser(cfg, f'classes {name}')
    parser.set_merging(cfg.model, table=class_set.table, flip_pairs=class_set.flip_pairs)
    return dict(class_set.dataset.METAINFO)


def use_class_set(cfg: Config, name: str) -> None:
    """Let a parser predict, and its test set hold, a coarser label set, in place.

    Raises:
        InputError: as :func:`merge_classes_in`, or the config is of no parser.
    """
    if name == FULL:
        return
    require_parser(cfg, '--classes')
    dataset = cfg.test_dataloader.dataset
    meta = {**DATASETS.get(dataset.type).METAINFO, **(dataset.get('metainfo') or {})}
    merge_classes_in(cfg, meta, name)
    dataset.type = find_class_set(meta['classes'], name).dataset.__name__
