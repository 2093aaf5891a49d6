#!/usr/bin/env python
"""What the quality-aware module brings: the paper's ablations of a trained model, from one forward pass.

Parses the test set with the annotated boxes, with detected ones where given, and, if the parser can find people itself, with
the people it finds. Keeps the predictions and reports: metrics with and without the module (the paper's Tables 2 and 6),
under eight quality weights (Table 1), over thresholds of the pixel score, a search for the best weights, and how well each
score predicts the true IoU.

Of an ensemble it reports the same, and a table with its members and the first member with as much augmentation.
"""
import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction
from rich.console import Console

from mmqanet.analysis.ablation import PooledScores, check_map_paths, work_out
from mmqanet.analysis.forward import ablation_config, box_sources, build_dataset, predict_images, prediction_origin
from mmqanet.analysis.predictions import PredictionCache
from mmqanet.analysis.report import shown_tables, source_table, write_reliability, write_tables
from mmqanet.analysis.studies import GOALS, WITHOUT, Plan, Study, module_table, weights_text
from mmqanet.analysis.tables import Table, print_tables
from mmqanet.apis.ensembles import files_of, members_asked_for, read_ensemble
from mmqanet.apis.sources import ModelSource
from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.cli.arguments import CROP_HELP, crop_option
from mmqanet.datasets import HumanParsingDataset
from mmqanet.datasets.class_sets import FULL
from mmqanet.engine.changes import prepare_config, set_test_options, use_class_set
from mmqanet.engine.config import read_config
from mmqanet.engine.crop_options import use_test_crops
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError, InputError
from mmqanet.functional.merging import MergingRules
from mmqanet.utils.processes import progress_bar
from mmqanet.utils.wording import count_of

console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, kw_only=True)
class Network:
    """What is tested: ``title`` in tables, ``key`` in names of folders, its config, the files of its weights and what they
    hold, and how it cuts people out."""

    title: str
    key: str = ''
    cfg: Config
    files: list[str]
    content: dict
    crop_sampler: str | None


@dataclass(frozen=True)
class Source:
    """Boxes to test a network on: ``name``, the config that tests on them, what is asked, the data set, the records of its
    images, predictions."""

    name: str
    network: Network
    plan: Plan
    cfg: Config
    dataset: HumanParsingDataset
    infos: list[dict]
    cache: PredictionCache


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file; none where --ensemble or the config names the '
                        'members of an ensemble')
    parser.add_argument('--ensemble', nargs='+', metavar='CKPT', default=[], help='study several parsers as one: '
                        'checkpoints that carry their configs, the best first')
    parser.add_argument('--detections', metavar='JSON',
                        help="COCO detections of the people (default: the config's detection_file, if it has one)")
    parser.add_argument('--out', metavar='DIR', help='folder of predictions and results (default: '
                        'work_dirs/CONFIG_NAME/ablation); a second run goes on from the predictions in it')
    parser.add_argument('--replace', action='store_true',
                        help='discard predictions of another checkpoint, config or data set in DIR instead of refusing them')
    parser.add_argument('--split', choices=['test', 'train'], default='test',
                        help='"train": the images of the training set, to choose weights on')
    parser.add_argument('--crop', type=crop_option, metavar='HOW', help=CROP_HELP)
    parser.add_argument('--classes', default=FULL, metavar='NAME', help='merge the classes into a coarser label set, as in '
                        'tools/test.py')
    parser.add_argument('--limit', type=int, metavar='N', help='the first N images only')
    parser.add_argument('--grid-steps', type=int, default=18, metavar='N',
                        help='search the weights in shares of 1/N; 0 for no search (default: 18)')
    parser.add_argument('--goal', choices=GOALS, default='APr', help='what the search maximises (default: APr)')
    parser.add_argument('--workers', type=int, default=2, metavar='N', help='processes that compare with the annotation')
    parser.add_argument('--no-progress', action='store_true', help='show no progress bars')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override config entries, e.g. model.flip_test=False')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.grid_steps < 0 or args.workers < 1 or (args.limit is not None and args.limit < 1):
        raise InputError('--grid-steps must not be negative, --workers and --limit must be at least 1')
    if args.split == 'train' and args.classes != FULL:
        raise InputError(f'--classes {args.classes}: the training set is not merged; give its files to the test set')
    out = Path(args.out or f'work_dirs/{Path(args.config).stem}/ablation')
    members = members_asked_for(args.ensemble, read_config(args.config), checkpoint=args.checkpoint)
    networks = [joined_network(args, out, members), *compared_networks(args, out, members)] if members else [
        single_network(args, out)]
    cfg = networks[0].cfg
    rules = cfg.model.get('postprocessor') or {}
    plan = Plan(weights=tuple(map(float, rules.get('quality_weights', (1.0, 0.5, 3.0)))),
                threshold=float(rules.get('pixel_score_thr', 0.2)), steps=args.grid_steps,
                baseline=tuple(map(float, cfg.get('baseline_weights', WITHOUT))))
    # All sources before the first forward pass: what is wrong with one shows at once.
    sources = [prepare_source(network, args, plan if network is networks[0] else replace(plan, steps=0), out, name=name,
                              boxes=boxes)
               for network in networks for name, boxes in box_sources(cfg, args.detections).items()]
    studies = {(source.network.title, source.name): study_source(source, args) for source in sources}
    report({boxes: study for (title, boxes), study in studies.items() if title == networks[0].title}, args, out,
           crop_sampler=networks[0].crop_sampler, comparison=compare(studies) if members else None)


def single_network(args: argparse.Namespace, out: Path) -> Network:
    """The network of the config, with the checkpoint."""
    cfg = prepare(read_config(args.config), args, out)
    content = load_checkpoint_file(args.checkpoint)
    sampler = use_test_crops(cfg, asked=args.crop, stored=(content.get('meta') or {}).get('crop_sampler'))
    return Network(title='', cfg=cfg, files=[args.checkpoint], content=content, crop_sampler=sampler)


def joined_network(args: argparse.Namespace, out: Path, members: Sequence[Any], *, title: str = 'ensemble', key: str = '',
                   scales: Sequence[float] | None = None) -> Network:
    """The ensemble of some members on the config's data; with ``scales``, these augment every member, besides the mirror."""
    samplers = set()

    def configure(member: ModelSource) -> None:
        samplers.add(use_test_crops(member.cfg, asked=args.crop) or 'none')
        if scales:
            set_test_options(member.cfg, flip=True, scales=scales)

    source = read_ensemble(members, base=read_config(args.config), configure=configure)
    return Network(title=title, key=key, cfg=prepare(source.cfg, args, out), files=list(map(str, files_of(members))),
                   content=source.content, crop_sampler=' and '.join(sorted(samplers)))


def compared_networks(args: argparse.Namespace, out: Path, members: Sequence[Any]) -> list[Network]:
    """Each member alone, and the first augmented: it passes at one scale for each member, those nearest to 1."""
    files = [str(files_of([member])[0]) for member in members]
    alone = [joined_network(args, out, [member], title=file, key=f'member{index}_')
             for index, (member, file) in enumerate(zip(members, files), 1)]
    scales = [1 + 0.1 * ((index + 1) // 2) * (1 if index % 2 == 0 else -1) for index in range(len(members))]
    shown = ', '.join(f'{scale:g}' for scale in sorted(scales))
    return [*alone, joined_network(args, out, members[:1], title=f'{files[0]} at {shown}', key='augmented_', scales=scales)]


def prepare(cfg: Config, args: argparse.Namespace, out: Path) -> Config:
    """The config with the changes that the command line asks for, in place."""
    prepare_config(cfg, name=Path(args.config).stem, work_dir=str(out / 'log'), launcher='none', overrides=args.cfg_options)
    use_class_set(cfg, args.classes)
    return cfg


def compare(studies: Mapping[tuple[str, str], Study]) -> Table:
    """The table of an ensemble, its members and the augmented member, on all sources of boxes."""
    several = len({boxes for _, boxes in studies}) > 1
    named = {f'{network}, {boxes} boxes' if several else network: study for (network, boxes), study in studies.items()}
    return replace(module_table(named, key='network'), name='members', title='Ensemble, members, an augmented member')


def prepare_source(network: Network, args: argparse.Namespace, plan: Plan, out: Path, *, name: str, boxes: dict) -> Source:
    cfg = ablation_config(network.cfg, checkpoint=network.files[0], boxes=boxes, split=args.split)
    dataset = build_dataset(cfg)
    infos = [dataset.get_data_info(index) for index in range(min(len(dataset), args.limit or len(dataset)))]
    if not infos:
        raise DataError(f'{dataset.ann_file}: holds no images')
    check_map_paths(infos[0])
    origin = prediction_origin(cfg, thresholds=plan.thresholds, files=network.files)
    cache = PredictionCache(out / f'predictions_{network.key}{args.split}_{name}', origin, replace=args.replace)
    return Source(name, network, plan, cfg, dataset, infos, cache)


def study_source(source: Source, args: argparse.Namespace) -> Study:
    """Predict what is missing, compare it with the annotation, and be ready to answer."""
    cfg, infos, cache, plan = source.cfg, source.infos, source.cache, source.plan
    names = [info['name'] for info in infos]
    start = time.perf_counter()
    number = predict_images(cfg, source.dataset, names, cache, thresholds=plan.thresholds,
                            content=source.network.content, progress=not args.no_progress)
    network = f'{source.network.title}, ' if source.network.title else ''
    console.print(f'{network}{source.name} boxes: {number} of {len(names)} images parsed in '
                  f'{time.perf_counter() - start:.0f} s, the others were in {cache.folder}')
    start = time.perf_counter()
    scores = PooledScores([cache.scores(name) for name in names], plan.thresholds)
    rules = {key: value for key, value in cfg.model.postprocessor.items() if key in MergingRules.__annotations__}
    images = work_out(cache, infos, scores, plan.settings(), classes=source.dataset.metainfo['classes'],
                      rules=MergingRules(**rules), workers=args.workers, progress=not args.no_progress)
    orders = sum(len(image.outcomes) for image in images)
    people = count_of(len(scores.box), 'person', 'people')
    console.print(f'{source.name} boxes: {people} compared under {len(plan.settings())} settings, which put them '
                  f'into {count_of(orders, "order")}, in {time.perf_counter() - start:.0f} s')
    return Study(plan, images, scores, missing=missing_reading(cfg))


def missing_reading(cfg: Config) -> str:
    """How the config's metric counts images without prediction."""
    evaluators = cfg.get('test_evaluator') or {}
    evaluators = evaluators if isinstance(evaluators, list | tuple) else [evaluators]
    return next((evaluator['missing'] for evaluator in evaluators if 'missing' in evaluator), 'release')


def report(studies: dict[str, Study], args: argparse.Namespace, out: Path, *, crop_sampler: str | None,
           comparison: Table | None = None) -> None:
    """Print and write all tables and pictures."""
    start = time.perf_counter()
    tables, reliability = [*([comparison] if comparison else []), module_table(studies)], {}
    for source, study in studies.items():
        found = [study.weights_table(), study.thresholds_table()]
        if args.grid_steps:
            with progress_bar(not args.no_progress) as bar:
                found.append(study.search_table(track=lambda grid, bar=bar: bar.track(grid, description='Searching')))
        tables += [source_table(table, source, alone=len(studies) == 1) for table in found]
        reliability[source] = write_reliability(out, source, study.reliability())
    first = next(iter(studies.values()))
    about = dict(config=args.config, checkpoint=args.checkpoint or args.ensemble, classes=args.classes, split=args.split,
                 images=len(first.images), crop_sampler=crop_sampler, weights=weights_text(first.plan.weights),
                 threshold=first.plan.threshold, metrics={source: study.all_metrics() for source, study in studies.items()},
                 reliability=reliability)
    write_tables(out, tables, goal=args.goal, about=about,
                 given=[args.config, args.checkpoint, *args.ensemble, args.detections])
    print_tables(shown_tables(tables, goal=args.goal))
    crops = f'crops: {crop_sampler}; ' if crop_sampler else ''  # a parser of whole images has none
    console.print(f'{crops}figures in percent; scored in {time.perf_counter() - start:.0f} s; tables and plots: {out}')


if __name__ == '__main__':
    run_tool(main)
