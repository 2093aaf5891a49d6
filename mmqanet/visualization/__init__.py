from mmqanet.visualization.overlay import (
    add_legend,
    blend,
    draw_arrays,
    draw_parsing,
    jpeg,
    outline,
    palette_image,
    with_legend,
)

__all__ = ['add_legend', 'blend', 'draw_arrays', 'draw_parsing', 'jpeg', 'outline', 'palette_image', 'with_legend']
