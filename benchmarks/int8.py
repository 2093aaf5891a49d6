"""What coarser features cost: scores and time of the shipped parser by torch, there in bfloat16, by onnxruntime, and
there in 8 bits.

    python benchmarks/int8.py data/CCP --out DIR [--photos 48] [--calibration 48]

parses the first photos of the validation set in their annotated boxes, each way into a folder DIR/WAY of its own, and scores
it with ``mmqanet evaluate``. The ranges of the features are seen on the first training photos. Seconds are those of the
processor for all but reading the weights and writing the results, with one thread.
"""
import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from common import header

from mmqanet.apis import HumanParsingInferencer
from mmqanet.apis.export import person_crops
from mmqanet.apis.inputs import Picture
from mmqanet.apis.outputs import ResultWriter
from mmqanet.deployment.backends import crop_runner, start_engine
from mmqanet.deployment.export import PARSER_OUTPUTS, export_parser
from mmqanet.deployment.quantization import to_int8
from mmqanet.structures.coco_people import load_coco

MAPS = 'Category_ids', 'Human_ids', 'Instance_ids'


def annotated_boxes(root: Path, number: int) -> dict[str, list[list[float]]]:
    """xyxy boxes of the first photos by file name."""
    content = load_coco(root / 'annotations/CCP_val.json')
    names = {image['id']: image['file_name'] for image in content['images']}
    boxes: dict[str, list[list[float]]] = {}
    for person in content['annotations']:
        x, y, width, height = person['bbox']
        boxes.setdefault(names[person['image_id']], []).append([x, y, x + width, y + height])
    return {name: boxes[name] for name in sorted(boxes)[:number]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('data', type=Path)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--photos', type=int, default=48)
    parser.add_argument('--calibration', type=int, default=48)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(header('8 bits'), flush=True)
    boxes = annotated_boxes(options.data, options.photos)
    for kind in MAPS:
        (options.out / 'truth' / kind).mkdir(parents=True)
        for file in sorted((options.data / 'Validation' / kind).iterdir()):
            if f'{file.stem}.jpg' in boxes:
                shutil.copy(file, options.out / 'truth' / kind)
    inferencer = HumanParsingInferencer(None, None, 'cpu')
    model = inferencer.model
    content, _ = export_parser(model)
    small = to_int8(content, person_crops(model, sorted((options.data / 'Training/Images').iterdir())[:options.calibration]))
    print(f'parser.onnx {len(content) / 2**20:.1f} MiB, in 8 bits {len(small) / 2**20:.1f} MiB', flush=True)
    items = [Picture(name=name[:-4], source=name, content=options.data / 'Validation/Images' / name) for name in boxes]
    onnx, int8 = (crop_runner(start_engine('onnx', file, outputs=PARSER_OUTPUTS)) for file in (content, small))
    runners = dict(torch=None, bfloat16=None, onnx=onnx, int8=int8)
    maps: dict[str, list[np.ndarray]] = {}
    for way, runner in runners.items():
        model.runner, model.precision = runner, 'bfloat16' if way == 'bfloat16' else 'float32'
        writer = ResultWriter(options.out / way, label_set=inferencer.label_set, kinds=('submission',))
        start = time.process_time()
        results = list(inferencer.stream(items, 4, boxes=boxes))
        spent = time.process_time() - start
        for result in results:
            writer.write(result)
        maps[way] = [result.sample.pred_maps.category.numpy() for result in results]
        same = np.mean([(one == other).mean() for one, other in zip(maps[way], maps['torch'], strict=True)])
        print(f'{way}: {1e3 * spent / sum(map(len, boxes.values())):.0f} ms a person, {same:.2%} of the labels', flush=True)
        subprocess.run([sys.executable, '-m', 'mmqanet', 'evaluate', '--pred', options.out / way / 'submission', '--gt',
                        options.out / 'truth', '--num-classes', str(len(inferencer.label_set.classes))], check=True)


if __name__ == '__main__':
    main()
