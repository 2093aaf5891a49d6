"""Which way of resampling crops a test uses, and who decides it."""
from mmengine.config import Config

from mmqanet.datasets.transforms.crop import WarpCrops
from mmqanet.engine.config import find_class, inner_datasets, scope_of
from mmqanet.errors import InputError
from mmqanet.registry import TRANSFORMS


def use_test_crops(cfg: Config, *, asked: str | None = None, stored: str | None = None) -> str | None:
    """Decide how the crops of a test are resampled, in place.

    The first of these that says something counts: the user, the config, the checkpoint. Else the crops are warped.

    Args:
        cfg: config with a ``test_dataloader``.
        asked: ``'align'`` or ``'warp'``, of ``--crop``.
        stored: ``meta.crop_sampler`` of the checkpoint, which says what its weights were made for.

    Returns:
        str | None: ``'align'`` or ``'warp'``; ``None`` for a config that cuts no crops.

    Raises:
        InputError: ``asked`` for a config that cuts no crops.
    """
    steps = [step for dataset in inner_datasets(cfg.test_dataloader.dataset) for step in dataset.get('pipeline', ())
             if issubclass(find_class(TRANSFORMS, step['type'], scope=scope_of(cfg)) or object, WarpCrops)]
    if asked and not steps:
        raise InputError(f'--crop {asked}: the test pipeline of this config cuts no crops of people')
    for step in steps:
        wanted = asked or step.get('sampler') or stored
        if wanted:
            step['sampler'] = wanted
    return next((step.get('sampler', 'warp') for step in steps), None)
