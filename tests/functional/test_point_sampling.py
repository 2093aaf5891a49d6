"""Reading maps at points, against torch's sampler."""
import torch
from torch.nn import functional as F

from mmqanet.functional.point_sampling import on_the_map, sample_points


def test_it_reads_as_grid_sample_does():
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(3, 4, 7, 5, generator=generator, dtype=torch.float64)
    points = torch.rand(200, 2, generator=generator, dtype=torch.float64) * torch.tensor([7.0, 9.0]) - 1.5
    images = torch.randint(0, 3, (200,), generator=generator)
    found = sample_points(maps, images, points)
    grid = (2 * points / torch.tensor([4.0, 6.0]) - 1).view(1, 200, 1, 2).expand(3, -1, -1, -1)
    everywhere = F.grid_sample(maps, grid, align_corners=True, padding_mode='border')[..., 0]
    near = (points >= -1).all(1) & (points[:, 0] <= 5) & (points[:, 1] <= 7)
    expected = everywhere[images, :, torch.arange(200)] * near[:, None]
    torch.testing.assert_close(found, expected)
    assert 0 < near.sum() < 200
    inside = on_the_map(points, (7, 5))
    assert inside.tolist() == [0 <= x <= 4 and 0 <= y <= 6 for x, y in points.tolist()]


def test_the_edges_belong_to_the_border():
    maps = torch.arange(6.0).view(1, 1, 2, 3)
    points = torch.tensor([[-1.0, 0.0], [-1.001, 0.0], [3.0, 1.0], [3.001, 1.0], [1.0, -1.0], [1.0, 2.001]])
    assert sample_points(maps, torch.zeros(6, dtype=torch.int64), points).flatten().tolist() == [0, 0, 5, 0, 1, 0]
