"""The report: what it holds, and how it behaves in a browser."""
import json
import re
import shutil
from base64 import b64decode

import cv2
import numpy as np
import pytest
from records import LABELS, described, random_parts

from mmqanet.exports.report import report

SIZE = (60, 80)
PARTS = random_parts(0, size=SIZE)
EVIL = '</script><script>document.title = "taken"</script>'
BROWSER = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')


def image(size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def pictures_of(page):
    found = re.findall(r'<script type="application/json" class="picture">(.*?)</script>', page)
    return [json.loads(text) for text in found]


def decode(runs, size):
    numbers, values = [], list(b64decode(runs))
    while values:
        number = shift = 0
        while True:
            byte = values.pop(0)
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        numbers.append(number)
    return np.repeat(numbers[::2], numbers[1::2]).reshape(size)


def test_it_holds_picture_masks_and_scores():
    page = ''.join(report([(described('a', PARTS, size=SIZE), image(SIZE))], label_set=LABELS))
    picture, = pictures_of(page)
    numbers = sum(number * mask for number, (_, _, _, mask) in enumerate(PARTS, start=1))
    assert (decode(picture['runs'], SIZE) == numbers).all()
    assert [(picture['people'][part['person']]['id'], part['label'], part['quality']) for part in picture['parts']] == [
        part[:3] for part in PARTS]
    jpeg = cv2.imdecode(np.frombuffer(b64decode(picture['jpeg']), np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(jpeg.astype(int) - image(SIZE)).mean() < 60
    assert jpeg.shape == (*SIZE, 3)
    assert 'src="http' not in page
    assert 'href=' not in page


def test_large_pictures_are_shown_smaller():
    mask = np.zeros((2000, 1000), bool)
    mask[500:1500, :500] = True
    page = ''.join(report([(described('a', [(1, 1, 0.5, mask)], size=mask.shape), None)], label_set=LABELS))
    picture, = pictures_of(page)
    assert (picture['height'], picture['width']) == (720, 360)
    numbers = decode(picture['runs'], (720, 360))
    assert (numbers[180:540, :180] == 1).all()
    assert numbers.sum() == 360 * 180


def test_names_end_no_script():
    page = ''.join(report([(described('a', PARTS, size=SIZE, source=EVIL), None)], label_set=LABELS))
    assert EVIL not in page
    assert pictures_of(page)[0]['source'] == EVIL


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    """The report in a browser, and what its console said."""
    sync_api = pytest.importorskip('playwright.sync_api')
    if BROWSER is None:
        pytest.skip('no Chromium is installed')
    left, right = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    left[:, :40], right[:, 40:] = True, True
    records = [(described('good', [(1, 1, 0.9, left), (1, 2, 0.8, right)], size=SIZE), image(SIZE)),
               (described('bad', [(1, 1, 0.2, left), (2, 3, 0.7, right)], size=SIZE, source=EVIL), image(SIZE, 1)),
               (described('nobody', [], size=SIZE), image(SIZE, 2))]
    for person in records[1][0]['people']:  # as of a calibrated parser
        person['expected_iou'] = person['parts'][0]['expected_iou'] = 0.33
    path = tmp_path_factory.mktemp('report') / 'report.html'
    path.write_text(''.join(report(records, label_set=LABELS)), encoding='utf-8')
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=['--no-sandbox'])
        tab = browser.new_page(viewport=dict(width=1000, height=700))
        said = []
        tab.on('console', lambda message: message.type == 'error' and said.append(message.text))
        tab.on('pageerror', lambda error: said.append(str(error)))
        tab.goto(path.as_uri())
        tab.said = said
        yield tab
        browser.close()


def colour(tab, name, x):
    """RGBA of the canvas of a picture at a share of its width."""
    return tab.locator(f'button[aria-label="Enlarge {name}"] canvas').evaluate(
        '(canvas, x) => [...canvas.getContext("2d").getImageData(canvas.width * x, canvas.height / 2, 1, 1).data]', x)


def names(tab):
    return tab.locator('article b').all_inner_texts()


def test_pictures_are_sorted_and_coloured(page):
    assert names(page) == ['bad', 'good', 'nobody']
    page.locator('#order').select_option('high')
    assert names(page) == ['good', 'bad', 'nobody']
    page.locator('#order').select_option('name')
    assert names(page) == ['bad', 'good', 'nobody']
    assert colour(page, 'good', 0.25)[:3] == [255, 0, 0]
    assert colour(page, 'good', 0.25)[3] == round(0.6 * 255)
    assert '3 pictures, 3 people, 4 parts' in page.locator('h1').inner_text()
    assert page.title() == 'Human parsing report'
    assert page.said == []


def test_sliders_hide_the_doubtful_in_place(page):
    page.locator('#parts').fill('0.5')
    assert colour(page, 'bad', 0.25)[3] == 0
    assert colour(page, 'bad', 0.75)[3] > 0
    assert '3 of 4 parts' in page.locator('h1').inner_text()
    page.locator('#parts').fill('0')
    page.locator('#people').fill('0.52')
    assert [colour(page, 'bad', x)[3] > 0 for x in (0.25, 0.75)] == [False, True]
    page.locator('#people').fill('0')
    page.locator('#alpha').fill('1')
    assert colour(page, 'good', 0.75) == [0, 128, 255, 255]
    page.locator('#alpha').fill('0')
    assert colour(page, 'good', 0.75)[3] == 0
    page.locator('#alpha').fill('0.6')


def test_classes_can_be_hidden(page):
    page.locator('summary').click()
    box = page.get_by_label('coat & <tie>')
    box.uncheck()
    assert [colour(page, 'good', x)[3] > 0 for x in (0.25, 0.75)] == [True, False]
    box.check()
    assert colour(page, 'good', 0.75)[3] > 0


def test_a_part_tells_its_scores(page):
    view = page.locator('button[aria-label="Enlarge good"]')
    size = view.bounding_box()
    view.hover(position=dict(x=size['width'] * 0.75, y=size['height'] / 2))
    told = page.locator('#tip').inner_text()
    assert told.split('\n') == [
        'coat & <tie> 0.80', 'pixel score 0.40, 2,400 pixels', 'person 1: quality 0.51', 'box 0.90, IoU 0.80, pixel 0.70']
    page.mouse.move(2, 2)
    assert page.locator('#tip').is_hidden()


def test_expected_ious_are_told_where_there_are_some(page):
    view = page.locator('button[aria-label="Enlarge bad"]')
    size = view.bounding_box()
    view.hover(position=dict(x=size['width'] * 0.25, y=size['height'] / 2))
    assert page.locator('#tip').inner_text().split('\n')[1:3] == [
        'pixel score 0.10, 2,400 pixels, expected IoU 0.33', 'person 1: quality 0.51, expected IoU 0.33']
    page.mouse.move(2, 2)
    view.click()
    assert page.locator('dialog small').first.inner_text() == 'box 0.90, IoU 0.80, pixel 0.70, expected IoU 0.33'
    page.keyboard.press('Escape')


def test_a_picture_is_enlarged(page):
    page.locator('button[aria-label="Enlarge bad"]').click()
    assert page.locator('dialog h2').inner_text() == 'bad'
    assert [row.split('\t')[1:] for row in page.locator('dialog tr').all_inner_texts()] == [
        ['hat', '2,400 px', '0.20'], ['shoe', '2,400 px', '0.70']]
    page.keyboard.press('ArrowRight')
    assert page.locator('dialog h2').inner_text() == 'good'
    page.keyboard.press('Escape')
    assert not page.locator('dialog').is_visible()
    assert page.said == []
