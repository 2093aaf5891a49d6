"""How the people of a test are cut out: decided by the user, the config or the checkpoint, and written into the config."""
import re
from dataclasses import dataclass

from mmengine.config import Config

from mmqanet.datasets.transforms.crop import SAMPLERS, BoxesToCrops, WarpCrops
from mmqanet.engine.config import test_steps
from mmqanet.errors import InputError

STRIDE, LARGEST = 32, 4096  # of a network's input: sides are multiples of one and at most the other


@dataclass(frozen=True)
class CropOptions:
    """What a user asks of the crops.

    Attributes:
        sampler: of ``WarpCrops``; ``None`` leaves it to the config and the checkpoint.
        size: (width, height) in pixels; ``None`` leaves it to the config.
    """

    sampler: str | None = None
    size: tuple[int, int] | None = None

    @classmethod
    def read(cls, text: str | None) -> 'CropOptions':
        """From a sampler, a size as HEIGHTxWIDTH, or both with a comma between them.

        Raises:
            InputError: it is neither, says one of them twice, or the sides are no multiples of 32 from 32 to 4096.
        """
        found: dict[str, object] = {}
        for word in [] if text is None else str(text).split(','):
            size = re.fullmatch(r'([0-9]{1,5})x([0-9]{1,5})', word, flags=re.ASCII)
            if (word not in SAMPLERS and not size) or ('size' if size else 'sampler') in found:
                raise InputError(f'crop is {text!r}, but must be one of {", ".join(SAMPLERS)}, a size as HEIGHTxWIDTH, or '
                                 'both as HEIGHTxWIDTH,SAMPLER')
            if size:
                height, width = map(int, size.groups())
                if height % STRIDE or width % STRIDE or not STRIDE <= min(height, width) <= max(height, width) <= LARGEST:
                    raise InputError(f'crop is {text!r}, but its sides must be multiples of {STRIDE} up to {LARGEST}')
                found['size'] = (width, height)
            else:
                found['sampler'] = word
        return cls(**found)  # type: ignore[arg-type]


def use_test_crops(cfg: Config, *, asked: str | None = None, stored: str | None = None) -> str | None:
    """Decide how the crops of a test are made, in place.

    For the resampling the first of these that says something counts: the user, the config, the checkpoint. Else the crops
    are warped. Their size is the config's unless the user asks for another.

    Args:
        cfg: config with a ``test_dataloader``.
        asked: of ``--crop``, as :meth:`CropOptions.read` takes it.
        stored: ``meta.crop_sampler`` of the checkpoint, which says what its weights were made for.

    Returns:
        str | None: the sampler; ``None`` for a config that cuts no crops.

    Raises:
        InputError: ``asked`` cannot be read, or is for a config that cuts no crops, or one without test data.
    """
    options, steps = CropOptions.read(asked), test_steps(cfg, WarpCrops)
    if asked and not steps:
        raise InputError(f'--crop {asked}: the test pipeline of this config cuts no crops of people')
    for step in test_steps(cfg, BoxesToCrops) if options.size else []:
        step['input_size'] = options.size
    for step in steps:
        wanted = options.sampler or step.get('sampler') or stored
        if wanted:
            step['sampler'] = wanted
    return next((step.get('sampler', 'warp') for step in steps), None)
