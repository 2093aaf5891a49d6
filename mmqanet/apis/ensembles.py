"""From the checkpoints of several parsers to one config, and one set of weights, of their ensemble."""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmcv.transforms import LoadImageFromFile
from mmengine.config import Config

from mmqanet.apis.sources import ModelSource, check_meta, dataset_meta
from mmqanet.datasets.transforms.contracts import GroundTruthTransform
from mmqanet.datasets.transforms.loading import LoadImage
from mmqanet.engine.config import find_class, model_type, require_parser, scope_of
from mmqanet.engine.crop_options import use_test_crops
from mmqanet.errors import InputError
from mmqanet.models.parsers.ensemble import ParserEnsemble, check_member_weights
from mmqanet.models.parsers.topdown import TopdownParser
from mmqanet.registry import TRANSFORMS

READERS = (LoadImage, LoadImageFromFile, GroundTruthTransform)  # steps that all members share


@dataclass(frozen=True, kw_only=True)
class Member:
    """A parser of an ensemble.

    Attributes:
        checkpoint: its weights.
        config: a config file, or ``None`` for the config that ``checkpoint`` carries.
        weight: what it weighs in the mean.
    """

    checkpoint: str | Path
    config: str | Path | None = None
    weight: float = 1.0

    @classmethod
    def of(cls, given: Any) -> 'Member':
        """A member as callers give it: a checkpoint, or a mapping with the attributes of this class."""
        if isinstance(given, Member):
            return given
        if isinstance(given, str | Path):
            return cls(checkpoint=given)
        if not isinstance(given, Mapping) or not set(given) <= {'checkpoint', 'config', 'weight'}:
            raise InputError(f'members: {str(given)[:80]} is no checkpoint and no dict with checkpoint, config and weight')
        if not given.get('checkpoint'):
            raise InputError(f'members: {given.get("config") or "one"} has no checkpoint, and an ensemble needs weights')
        return cls(**given)


def files_of(members: Sequence[Any]) -> list[str | Path]:
    """The files that members are read from."""
    return [file for member in map(Member.of, members) for file in (member.checkpoint, member.config) if file is not None]


def members_in(cfg: Config) -> list[Member]:
    """The members that the config of an ensemble names by their checkpoints; none where it describes them or is no ensemble.

    Raises:
        InputError: it names some of them only.
    """
    given = cfg.model.get('members') or () if model_type(cfg).split('.')[-1] == ParserEnsemble.__name__ else ()
    if not isinstance(given, Sequence) or not all(isinstance(member, Mapping) for member in given):
        raise InputError(f'members: {str(given)[:80]} is no list of members, each a dict')
    if all('type' in member for member in given):
        return []
    weights = [member.get('weight', 1.0) for member in given]
    check_member_weights(weights, len(given))
    return [Member.of(member) for member in given]


def members_asked_for(given: Sequence[Any], base: Config, *, checkpoint: str | None) -> list[Any]:
    """The members of a command's ensemble: those ``given``, else those that the config ``base`` names; none for one parser.

    Raises:
        InputError: there is an ensemble and a ``checkpoint`` besides, or neither.
    """
    members = list(given) or members_in(base)
    if members and checkpoint:
        raise InputError(f'{checkpoint}: an ensemble names all of its members; this checkpoint is not used')
    if not members and not checkpoint:
        raise InputError('checkpoint: give one, or several after --ensemble')
    return members


def read_ensemble(members: Sequence[Any], *, base: Config | None = None, one_at_a_time: bool | None = None,
                  configure: Callable[[ModelSource], None] | None = None) -> ModelSource:
    """Read the members of an ensemble and join their configs and weights.

    Args:
        members: checkpoints, or what :meth:`Member.of` takes besides.
        base: config that the ensemble is tested by: its data, loaders and classes stay; of the test pipeline the steps that
            read. A ``model`` of the type ``ParserEnsemble`` in it may give the post-processor. The first member's otherwise.
        one_at_a_time: of :class:`ParserEnsemble`; ``None`` leaves it to ``base``.
        configure: changes the config of each member, which is of one parser, before they are joined.

    Returns:
        ModelSource: config and weights of the :class:`ParserEnsemble`.

    Raises:
        DataError: a checkpoint is missing, broken or would execute code.
        InputError: a member is no top-down parser, or has other classes than the first or than ``base``; names both.
    """
    given = [Member.of(member) for member in members]
    weights = check_member_weights([member.weight for member in given], len(given))
    sources = [ModelSource.find(member.config, member.checkpoint, purpose='an ensemble') for member in given]
    metas = [_member_meta(source) for source in sources]
    tested = [] if base is None else [(str(base.filename or 'config'), dataset_meta(base))]
    (first, expected), *others = [*tested, *((str(source.checkpoint), meta) for source, meta in zip(sources, metas))]
    for name, meta in others:
        _check_same_classes(meta, expected, name=name, first=first)
    for source in sources:
        use_test_crops(source.cfg, stored=source.meta.get('crop_sampler'))
        if configure:
            configure(source)
    cfg = _joined(base or sources[0].cfg, [source.cfg for source in sources], weights, one_at_a_time)
    state = {f'members.{index}.{key.removeprefix("module.")}': value for index, source in enumerate(sources)
             for key, value in source.content.get('state_dict', source.content).items()}
    defaults = {source.meta.get('default_classes') for source in sources}
    meta = dict(dataset_meta=metas[0], **(dict(default_classes=defaults.pop()) if len(defaults) == 1 else {}))
    return ModelSource(cfg=cfg, checkpoint=' + '.join(str(source.checkpoint) for source in sources),
                       content=dict(state_dict=state), meta=meta,
                       carries_config=all(source.carries_config for source in sources))


def _member_meta(source: ModelSource) -> dict:
    """classes, palette and flip_pairs of a member."""
    parser = require_parser(source.cfg, f'{source.checkpoint}: an ensemble')
    if not issubclass(parser, TopdownParser):
        raise InputError(f'{source.checkpoint}: a {parser.__name__} cuts no crops of people, as members of an ensemble do')
    meta = dataset_meta(source.cfg, stored=source.meta.get('dataset_meta'))
    check_meta(meta, parser.classes_in(source.cfg.model), where=str(source.checkpoint))
    return meta


def _check_same_classes(meta: Mapping, expected: Mapping, *, name: str, first: str) -> None:
    """Raise ``InputError`` that names the first difference between the classes of two members."""
    ours, theirs = list(meta['classes']), list(expected['classes'])
    if len(ours) != len(theirs):
        raise InputError(f'{name}: has {len(ours)} classes, and {first} has {len(theirs)}')
    for index, (own, other) in enumerate(zip(ours, theirs)):
        if own != other:
            raise InputError(f'{name}: class {index} is {own!r}, and that of {first} is {other!r}')
    if {tuple(pair) for pair in meta['flip_pairs']} != {tuple(pair) for pair in expected['flip_pairs']}:
        raise InputError(f'{name}: flip_pairs are {meta["flip_pairs"]}, and those of {first} are {expected["flip_pairs"]}')


def _joined(base: Config, cfgs: Sequence[Config], weights: list[float], one_at_a_time: bool | None) -> Config:
    """The config of an ensemble on the test data of ``base``."""
    scopes = {scope_of(cfg) for cfg in cfgs}
    if len(scopes) > 1:
        raise InputError(f'members: their configs have several default_scopes, {", ".join(sorted(scopes))}')
    cfg = base.copy()
    asked = cfg.model if model_type(cfg).split('.')[-1] == ParserEnsemble.__name__ else {}
    networks = [cfg.model.to_dict() for cfg in cfgs]
    processors = [network.pop('postprocessor', None) for network in networks]
    limits = [limit for network in networks if (limit := network.pop('max_crops_per_batch', None))]
    processor = dict(asked.get('postprocessor') or processors[0] or {}) or None
    if processor and len(networks) > 1 and not asked.get('postprocessor'):
        processor.pop('calibration', None)  # it is that of the first member's qualities
    model = dict(type=ParserEnsemble.__name__, members=networks, weights=weights, postprocessor=processor,
                 max_crops_per_batch=asked.get('max_crops_per_batch') or min(limits, default=None),
                 one_at_a_time=bool(asked.get('one_at_a_time') if one_at_a_time is None else one_at_a_time))
    cfg.pop('model')
    cfg.model = model
    head = [step for step in cfg.test_dataloader.dataset.pipeline if _reads(step, cfg)]
    tails = [[step.to_dict() for step in member.test_dataloader.dataset.pipeline if not _reads(step, member)]
             for member in cfgs]
    cfg.test_dataloader.dataset.pipeline = [*head, dict(type='MemberInputs', pipelines=tails)]
    return cfg


def _reads(step: Mapping[str, Any], cfg: Config) -> bool:
    """Whether a step of a pipeline reads the image or its annotation."""
    return issubclass(find_class(TRANSFORMS, step['type'], scope=scope_of(cfg)) or object, READERS)
