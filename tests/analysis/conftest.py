"""Predicted sets with and without equal scores."""
import pytest
from predicted_sets import PredictedSet, predicted_set


@pytest.fixture(params=[False, True], ids=['distinct', 'tied'])
def predicted(request, tmp_path) -> PredictedSet:
    return predicted_set(tmp_path, ties=request.param)
