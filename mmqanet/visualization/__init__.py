from mmqanet.visualization.overlay import draw_parsing, palette_image

__all__ = ['draw_parsing', 'palette_image']
