"""Pictures of parsings and plots of metrics."""
from mmqanet.visualization.arrays import annotated, predicted
from mmqanet.visualization.overlay import (
    add_legend,
    blend,
    draw_panels,
    draw_parsing,
    outline,
    palette_image,
    with_legend,
)
from mmqanet.visualization.visualizer import ParsingLocalVisualizer

__all__ = [
    'ParsingLocalVisualizer', 'add_legend', 'annotated', 'blend', 'draw_panels', 'draw_parsing',
    'outline', 'palette_image', 'predicted', 'with_legend']
