import pytest
import torch

from mmqanet.checkpoints.conversion.split_classes import CLASSIFIER, split_classes
from mmqanet.errors import DataError, InputError
from mmqanet.models import ParsingHead


def state_of(head: ParsingHead) -> dict:
    return {f'parsing_head.{key}': value for key, value in head.state_dict().items()} | {'neck.weight': torch.ones(3)}


def test_the_parts_of_a_class_share_its_probability():
    torch.manual_seed(0)
    old, new = ParsingHead(in_channels=5, num_classes=3), ParsingHead(in_channels=5, num_classes=6)
    torch.nn.init.normal_(old.classifier.weight)
    torch.nn.init.normal_(old.classifier.bias)
    state = split_classes(state_of(old), [0, 1, 1, 2, 1, 2])
    new.load_state_dict({key.removeprefix('parsing_head.'): value for key, value in state.items() if 'head' in key})
    feature = torch.randn(2, 5, 4, 3)
    before, after = old(feature).softmax(1), new(feature).softmax(1)
    torch.testing.assert_close(after[:, 0], before[:, 0])
    torch.testing.assert_close(after[:, [1, 2, 4]].sum(1), before[:, 1])
    torch.testing.assert_close(after[:, 3], before[:, 2] / 2)
    assert torch.equal(state['neck.weight'], torch.ones(3))


def test_half_precision_weights_become_float32():
    state = {key: value.half() for key, value in state_of(ParsingHead(in_channels=5, num_classes=2)).items()}
    assert split_classes(state, [0, 1, 1])[f'{CLASSIFIER}.weight'].dtype == torch.float32


@pytest.mark.parametrize('origins', [[0, 1], [0, 1, 3], [1, 2]])
def test_every_class_needs_a_part(origins):
    with pytest.raises(InputError, match='0 to 2, all of them'):
        split_classes(state_of(ParsingHead(in_channels=5, num_classes=3)), origins)


def test_weights_of_something_else():
    with pytest.raises(DataError, match=r'parsing_head.classifier.weight is missing'):
        split_classes({'neck.weight': torch.ones(3)}, [0])
