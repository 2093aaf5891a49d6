"""``mmqanet parse``: label the people of pictures, given their boxes or taking each picture as one person."""
import argparse
import io
import json
import sys
from pathlib import Path

import numpy as np

from mmqanet.errors import DataError, InputError, MMQANetError
from mmqanet.files import write_bytes


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        'parse', help='label body parts and garments in pictures',
        description='Write, for every picture: NAME.png (palette PNG, class per pixel) and NAME_overlay.jpg.')
    parser.add_argument('images', nargs='+', metavar='IMAGE', help='picture files')
    parser.add_argument('--config', required=True, help='config file of the model')
    parser.add_argument('--checkpoint', required=True, help='its weights')
    parser.add_argument('--out', default='parsed', metavar='DIR', help='folder to write to (default: parsed)')
    parser.add_argument(
        '--boxes', metavar='JSON',
        help='boxes of the people: {"file name": [[x1, y1, x2, y2], ...]} or a COCO-style JSON with images and '
        'annotations; without it each picture is one person')
    parser.add_argument('--device', default='cpu', help='e.g. cpu or cuda:0 (default: cpu)')
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Parse every picture; a picture that fails is named and does not stop the others. Exit status 1 if any failed."""
    from mmqanet.apis import init_model  # here, so that --help answers at once

    boxes = read_boxes(args.boxes) if args.boxes else None
    out = Path(args.out)
    check_outputs([Path(image) for image in args.images], out)
    model = init_model(args.config, args.checkpoint, device=args.device)
    failed = 0
    for path in map(Path, args.images):
        try:
            people = parse_one(model, path, boxes, out)
            print(f'{path}: {people} {"person" if people == 1 else "people"} -> {out / path.stem}.png')
        except MMQANetError as error:
            failed += 1
            print(f'failed: {error}', file=sys.stderr)
    return 1 if failed else 0


def output_files(image: Path, out: Path) -> tuple[Path, Path]:
    """The palette PNG and the overlay of a picture."""
    return out / f'{image.stem}.png', out / f'{image.stem}_overlay.jpg'


def check_outputs(images: list[Path], out: Path) -> None:
    """Refuse, before anything is written, runs that would overwrite a picture given or one of their own files."""
    given = {image.resolve() for image in images}
    written: dict[Path, Path] = {}
    for image in images:
        for path in output_files(image, out):
            if path.resolve() in given:
                raise InputError(f'{path}: the output would overwrite this picture; choose another --out')
            if path in written:
                raise InputError(f'{image} and {written[path]} would both be written to {path}; parse them apart')
            written[path] = image


def parse_one(model, path: Path, boxes: dict | None, out: Path) -> int:
    """Parse one picture and write its files; returns the number of people."""
    from mmqanet.apis import inference_topdown
    from mmqanet.datasets.transforms.loading import read_image
    from mmqanet.visualization import draw_parsing, jpeg, palette_image

    if boxes is not None and path.name not in boxes:
        raise InputError(f'{path}: no boxes are given for {path.name}')
    image = read_image(str(path))
    sample, = inference_topdown(model, path, None if boxes is None else boxes[path.name])
    meta = model.dataset_meta
    labels = palette_image(sample.pred_maps.category[0].cpu().numpy().astype(np.uint8), meta['palette'])
    overlay = draw_parsing(image, sample, palette=meta['palette'], classes=meta['classes'])
    buffer = io.BytesIO()
    labels.save(buffer, format='PNG')
    png_path, overlay_path = output_files(path, out)
    write_bytes(png_path, buffer.getvalue())
    write_bytes(overlay_path, jpeg(overlay))
    return len(sample.pred_instances)


def read_boxes(path: str) -> dict[str, np.ndarray]:
    """Boxes by file name, (N, 4) xyxy: from {"name": [[x1, y1, x2, y2]]} or a COCO-style JSON (xywh)."""
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
        if 'images' in content and 'annotations' in content:
            names = {image['id']: Path(image['file_name']).name for image in content['images']}
            boxes: dict = {name: [] for name in names.values()}
            for annotation in content['annotations']:
                x, y, w, h = annotation['bbox']
                boxes[names[annotation['image_id']]].append([x, y, x + w, y + h])
        else:
            boxes = content
        return {name: np.array(rows, dtype=np.float32).reshape(-1, 4) for name, rows in boxes.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f'{path}: not a readable file of boxes ({error!r})') from None
