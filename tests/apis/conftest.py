"""The inferencer that the tests share; it keeps nothing between calls."""
import pytest

from mmqanet.apis import HumanParsingInferencer


@pytest.fixture(scope='session')
def inferencer(small_parser):
    return HumanParsingInferencer(small_parser / 'config.py', small_parser / 'weights.pth', 'cpu')
