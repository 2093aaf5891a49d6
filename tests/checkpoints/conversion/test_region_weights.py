"""Released region-based parsers: a thin network written under the released names comes back as it was."""
import re
import runpy
from pathlib import Path

import pytest
import torch
from region_toys import TOYS, toy_config

from mmqanet.apis import init_model
from mmqanet.checkpoints.conversion.region_weights import convert_region_based, translate_region_key
from mmqanet.errors import DataError, InputError

pytest.importorskip('mmdet')
TOOL = Path(__file__).resolve().parents[3] / 'tools/model_converters/convert_parsing_rcnn_checkpoint.py'
# mmqanet's name → the release's: what the converter has to undo.
TO_RELEASED = (
    (r'^backbone\.', 'Conv_Body.'),
    (r'^neck\.lateral_convs\.3\.', 'Conv_Body_FPN.p5_in.'),
    (r'^neck\.fpn_convs\.3\.', 'Conv_Body_FPN.p5_out.'),
    (r'^neck\.lateral_convs\.(\d)\.', lambda m: f'Conv_Body_FPN.fpn_in.{2 - int(m[1])}.'),
    (r'^neck\.fpn_convs\.(\d)\.', lambda m: f'Conv_Body_FPN.fpn_out.{2 - int(m[1])}.'),
    (r'^rpn_head\.rpn_conv\.', 'RPN.head.conv.'),
    (r'^rpn_head\.rpn_cls\.', 'RPN.head.cls_logits.'),
    (r'^rpn_head\.rpn_reg\.', 'RPN.head.bbox_pred.'),
    (r'^roi_head\.bbox_head\.shared_fcs\.(\d)\.', lambda m: f'Fast_RCNN.Head.fc{6 + int(m[1])}.'),
    (r'^roi_head\.bbox_head\.fc_cls\.', 'Fast_RCNN.Output.cls_score.'),
    (r'^roi_head\.bbox_head\.fc_reg\.', 'Fast_RCNN.Output.bbox_pred.'),
    (r'^roi_head\.mask_head\.pooled\.', 'Parsing_RCNN.Head.im_pool.1.'),
    (r'^roi_head\.mask_head\.branches\.', 'Parsing_RCNN.Head.asppv3.'),
    (r'^roi_head\.mask_head\.reduce\.', 'Parsing_RCNN.Head.feat.0.'),
    (r'^roi_head\.mask_head\.non_local\.', 'Parsing_RCNN.Head.feat.1.'),
    (r'^roi_head\.mask_head\.convs\.', 'Parsing_RCNN.Head.conv_after_asppv3.'),
    (r'^roi_head\.mask_head\.classifier\.', 'Parsing_RCNN.Output.parsing_score_lowres.'),
    (r'\.1\.query\.', '.1.theta.'), (r'\.1\.key\.', '.1.phi.'), (r'\.1\.value\.', '.1.g.'), (r'\.1\.project\.', '.1.out.'),
    (r'\.1\.norm\.', '.1.gn.'),
    (r'^roi_head\.rescoring_head\.convs\.(\d)\.conv\.', r'Parsing_RCNN.ParsingIoU.Head.convx.\1.0.'),
    (r'^roi_head\.rescoring_head\.layers\.0\.', 'Parsing_RCNN.ParsingIoU.Head.parsingiou_fc1.'),
    (r'^roi_head\.rescoring_head\.layers\.2\.', 'Parsing_RCNN.ParsingIoU.Head.parsingiou_fc2.'),
    (r'^roi_head\.rescoring_head\.regressor\.', 'Parsing_RCNN.ParsingIoU.Output.parsingiou.'),
    (r'^semantic_head\.laterals\.', 'SemSeg.Head.lateral_convs.'),
    (r'^semantic_head\.convs\.', 'SemSeg.Head.convs.'),
    (r'^semantic_head\.embedding\.', 'SemSeg.Head.conv_embedding.'),
    (r'^semantic_head\.classifier\.', 'SemSeg.Output.conv_logits.'),
)


def released_name(key: str, *, normed: bool) -> str:
    for pattern, replacement in TO_RELEASED:
        key = re.sub(pattern, replacement, key)
    # A convolution with a norm is a pair, one without is itself; the parsing head's are pairs either way.
    if key.startswith('RPN.') or '.feat.1.' in key:
        return key
    pair = normed or key.startswith('Parsing_RCNN.Head.')
    return re.sub(r'\.conv\.(\w+)$', r'.0.\1' if pair else r'.\1', re.sub(r'\.gn\.(\w+)$', r'.1.\1', key))


def released(model, *, normed: bool) -> dict[str, torch.Tensor]:
    """The state of a network under the released names: folded norms, background first, deltas of both classes."""
    state = {}
    for key, value in model.state_dict().items():
        if not re.search(r'running_|num_batches', key):
            state[f'module.{released_name(key, normed=normed)}'] = value
    for name in ('cls_score', 'bbox_pred'):
        for kind in ('weight', 'bias'):
            key = f'module.Fast_RCNN.Output.{name}.{kind}'
            background = torch.full_like(state[key], 9.0)
            state[key] = state[key].flip(0) if name == 'cls_score' else torch.cat([background, state[key]])
    for level, anchors in enumerate(model.rpn_head.prior_generator.base_anchors):
        state[f'module.RPN.anchor_generator.cell_anchors.{level}'] = anchors
    return state


@pytest.mark.parametrize('name', TOYS)
def test_a_network_comes_back(name, tmp_path, monkeypatch, capsys):
    cfg = toy_config(name, arithmetic='release')
    cfg.dump(tmp_path / 'config.py')
    torch.manual_seed(0)
    model = init_model(cfg)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    state = released(model, normed=name.startswith('rp_'))

    def convert(**changes):
        content = {key: value for key, value in {**state, **changes}.items() if value is not None}
        torch.save(dict(model=content, optimizer={}, scheduler={}), tmp_path / 'released.pth')
        monkeypatch.setattr('sys.argv', ['convert', str(tmp_path / 'released.pth'), str(tmp_path / 'out.pth'), '--config',
                                         str(tmp_path / 'config.py')])
        runpy.run_path(str(TOOL))['main']()

    for changes, error, message in (
            ({'module.RPN.head.conv.weight': None}, InputError, 'rpn_head.rpn_conv.weight'),
            ({'module.Fast_RCNN.Output.cls_score.weight': torch.zeros(3, 4)}, DataError, 'cls_score.weight has the shape'),
            ({'module.SomethingElse.weight': torch.zeros(3)}, DataError, 'SomethingElse.weight is no key'),
            ({'module.RPN.anchor_generator.cell_anchors.0': torch.zeros(3, 4)}, InputError, 'anchors of level 0')):
        with pytest.raises(error, match=rf'released\.pth[\s\S]*{message}'):
            convert(**changes)
        assert not (tmp_path / 'out.pth').exists()
    convert()
    assert 'tensors written to' in capsys.readouterr().out
    again = init_model(None, tmp_path / 'out.pth')  # it carries its config
    assert again.arithmetic is model.arithmetic
    image, boxes = torch.randn(1, 3, 64, 64), [torch.tensor([[5, 5, 40, 50.0]])]
    for one, other in zip(model.eval().forward_rois(image, boxes), again.forward_rois(image, boxes)):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)  # norms are folded
    assert torch.equal(again.roi_head.bbox_head.fc_reg.weight, model.roi_head.bbox_head.fc_reg.weight)


def test_files_of_another_kind_are_refused():
    for content in (dict(model=[1]), dict(model={'a': 1}), dict(model={3: torch.zeros(1)}), {'epoch': 3}):
        with pytest.raises(DataError, match='holds no state dict'):
            convert_region_based(content)
    with pytest.raises(DataError, match=r'RPN\.anchor_generator\.cell_anchors\.x is no key'):
        convert_region_based({'module.RPN.anchor_generator.cell_anchors.x': torch.zeros(3, 4)})
    with pytest.raises(DataError, match=r'has the shape \(\)'):
        convert_region_based({'Fast_RCNN.Output.bbox_pred.bias': torch.tensor(0.0)})


@pytest.mark.parametrize(('key', 'name'), [
    ('Conv_Body_FPN.fpn_in.0.0.weight', 'neck.lateral_convs.2.conv.weight'),
    ('Conv_Body_FPN.fpn_out.2.bias', 'neck.fpn_convs.0.conv.bias'),
    ('Parsing_RCNN.Head.asppv3.3.1.bias', 'roi_head.mask_head.branches.3.gn.bias'),
    ('Parsing_RCNN.Head.feat.1.gn.weight', 'roi_head.mask_head.non_local.norm.weight'),
    ('SemSeg.Head.conv_embedding.0.weight', 'semantic_head.embedding.conv.weight')])
def test_names(key, name):
    assert translate_region_key(key) == name
