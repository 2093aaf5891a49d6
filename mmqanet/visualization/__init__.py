from mmqanet.visualization.overlay import draw_parsing, jpeg, palette_image

__all__ = ['draw_parsing', 'jpeg', 'palette_image']
