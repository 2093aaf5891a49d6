#!/usr/bin/env python
"""Let a parser label the photos of Clothing Co-Parsing that have tags only; docs/shipped_models.md.

    python tools/dataset_converters/pseudo_labels.py clothing-co-parsing data/CCP_tagged \\
        --checkpoint work_dirs/sides/epoch_4.pth

Classes that a photo's tags do not name are impossible; photos where a tagged garment does not appear are left out; parts
whose quality is below --quality-thr are ignored (255), 0 keeps all; limbs and shoes on whose side the body parts of bodypix/
disagree keep a partial label. Each threshold gets a training split in the prepared
layout, DST/qQ. A run with another checkpoint labels anew.
"""
import argparse
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from mmqanet.apis import init_model
from mmqanet.apis.restricted import parse_restricted
from mmqanet.datasets.ccp_sides import CCP_SIDES_CLASSES, CCP_SIDES_PARTIAL_LABELS
from mmqanet.engine.launch import run_tool
from mmqanet.errors import InputError
from mmqanet.models import TopdownParser
from mmqanet.preparation.converters.batch import UnusableSample
from mmqanet.preparation.converters.ccp_tagged import TaggedPhoto, load_tagged, tagged_names
from mmqanet.preparation.converters.prepared import write_coco_json, write_sample
from mmqanet.preparation.pseudo_labels import IGNORE, agree_on_sides, keep_sure, missing_classes, possible_classes
from mmqanet.utils.wording import count_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, metavar='SRC', help='folder with photos_tagged/, annotations/ and bodypix/')
    parser.add_argument('target', type=Path, metavar='DST', help='folder to write')
    parser.add_argument('--config', help='config of the parser (default: the one in the checkpoint)')
    parser.add_argument('--checkpoint', required=True, help='checkpoint of a parser of the classes of CCPSidesDataset')
    parser.add_argument('--quality-thr', type=float, nargs='+', default=[0.7], metavar='Q',
                        help='least quality of a part (default: 0.7)')
    parser.add_argument('--limit', type=int, metavar='N', help='the first N photos only')
    args = parser.parse_args()
    for threshold in args.quality_thr:
        if not 0 <= threshold <= 1:
            raise InputError(f'--quality-thr is {threshold}, but qualities lie in [0, 1]')
    model = init_model(args.config, args.checkpoint)
    if not isinstance(model, TopdownParser) or tuple(model.dataset_meta['classes']) != CCP_SIDES_CLASSES:
        raise InputError(f'{args.checkpoint}: no top-down parser of the {len(CCP_SIDES_CLASSES)} classes of CCPSidesDataset')
    splits = [Split(args.target / f'q{threshold:g}', threshold) for threshold in args.quality_thr]
    left_out: Counter[str] = Counter()
    for name in track(tagged_names(args.source)[:args.limit], description='labelling'):
        try:
            photo = load_tagged(args.source, name)
            labels, qualities = label(model, photo)
            missing = missing_classes(labels, photo.tags)
            if missing:
                raise UnusableSample(f'no {missing[0]}')
        except UnusableSample as fault:
            left_out[str(fault)] += 1
            continue
        for split in splits:
            split.add(name, photo, labels, qualities)
    print('left out: ' + (', '.join(f'{count} {fault}' for fault, count in left_out.most_common()) or 'none'))
    for split in splits:
        print(split.finish())


class Split:
    """The training split of one threshold."""

    def __init__(self, folder: Path, quality_thr: float) -> None:
        self.folder, self.quality_thr = folder, quality_thr
        self.images: list[dict] = []
        self.people: list[list[dict]] = []
        self.sure: list[float] = []

    def add(self, name: str, photo: TaggedPhoto, labels: np.ndarray, qualities: np.ndarray) -> None:
        """Write a photo with its labels (H, W), unless nothing of its person is sure."""
        sure = keep_sure(labels, qualities, quality_thr=self.quality_thr) != IGNORE
        kept = np.where(sure, agree_on_sides(labels, photo.parts), IGNORE).astype(np.uint8)
        jpeg = cv2.imencode('.jpg', photo.image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
        found = write_sample(self.folder / 'Training', name, image=jpeg, category=kept, human=(kept > 0).astype(np.uint8),
                             num_classes=len(CCP_SIDES_CLASSES) + len(CCP_SIDES_PARTIAL_LABELS))
        if found:
            self.images.append(dict(file_name=f'{name}.jpg', height=labels.shape[0], width=labels.shape[1]))
            self.people.append(found)
            self.sure.append(float((kept[labels > 0] != IGNORE).mean()))

    def finish(self) -> str:
        """Write the JSON; says in a line what there is."""
        write_coco_json(self.folder / 'annotations/CCP_tagged.json', self.images, self.people)
        share = 100 * np.mean(self.sure or [0])
        return (f'{self.folder}: {count_of(len(self.images), "photo")}, {share:.0f} % of the pixels of a person in parts '
                f'of a quality of {self.quality_thr:g} and more')


def label(model: TopdownParser, photo: TaggedPhoto) -> tuple[np.ndarray, np.ndarray]:
    """The classes of a photo's pixels (H, W) uint8, tags respected, and the qualities (C - 1,) of its person's parts."""
    sample = parse_restricted(model, photo.image, photo.box, possible_classes(photo.tags))
    return sample.pred_maps.category[0].numpy().astype(np.uint8), sample.pred_instances.part_qualities[0].numpy()


if __name__ == '__main__':
    run_tool(main)
