"""Shows a name by everything that shows names, and looks whether it stays a name."""
import json
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from mmqanet.exports.coco import coco_dataset
from mmqanet.exports.label_studio import label_studio_tasks, labelling_config
from mmqanet.exports.report import report
from mmqanet.functional.rle import encode_rle
from mmqanet.structures import LabelSet
from mmqanet.ui.app import as_text


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its scripts."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.data = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))
        self.data.append('')

    def handle_data(self, data):
        if self.data:
            self.data[-1] += data


def record(name: str) -> dict:
    part = dict(label=1, name=name, quality=0.5, pixel_score=0.5, area=16, rle=encode_rle(np.ones((4, 4), bool)))
    person = dict(id=1, quality=0.5, scores=dict(box=1.0, iou=0.5, pixel=0.5), parts=[part])
    return dict(name=name, source=name, width=4, height=4, classes=['background', name], people=[person])


def page_of(name: str) -> Tags:
    label_set = LabelSet(classes=('background', name), palette=((0, 0, 0), (9, 9, 9)), flip_pairs=())
    return Tags(''.join(report([(record(name), None)], label_set=label_set)))


def show(path: Path) -> None:
    """Raise ``AssertionError`` if the name in a file becomes more than text anywhere."""
    name = json.loads(path.read_bytes())
    page, plain = page_of(name), page_of('a')
    assert page.tags == plain.tags
    assert name in (found := json.loads(page.data[[tag for tag, _ in page.tags].index('script')]))['classes'], found
    assert json.loads(''.join(label_studio_tasks([record(name)])))[0]['data']['name'] == name
    for of in ('people', 'parts'):
        assert json.loads(''.join(coco_dataset(lambda: [record(name)], of=of)))['images'][0]['file_name'] == name
    if name.isprintable():  # as the names of classes are
        label_set = LabelSet(classes=('background', name), palette=((0, 0, 0), (9, 9, 9)), flip_pairs=())
        label, = ElementTree.fromstring(labelling_config(label_set)).iter('Label')
        assert label.get('value') == name
    text = as_text(name)
    assert not set('<>"\'`[]()!*_$\\{}') & set(text)
    assert '\0' in name or unescape(text) == name
