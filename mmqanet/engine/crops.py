"""Which way of resampling crops a test uses, and who decides it."""
from mmengine.config import Config

from mmqanet.datasets.transforms.crop import WarpCrops
from mmqanet.engine.config import test_steps
from mmqanet.errors import InputError


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
        InputError: ``asked`` for a config that cuts no crops, or one without test data.
    """
    steps = test_steps(cfg, WarpCrops)
    if asked and not steps:
        raise InputError(f'--crop {asked}: the test pipeline of this config cuts no crops of people')
    for step in steps:
        wanted = asked or step.get('sampler') or stored
        if wanted:
            step['sampler'] = wanted
    return next((step.get('sampler', 'warp') for step in steps), None)
