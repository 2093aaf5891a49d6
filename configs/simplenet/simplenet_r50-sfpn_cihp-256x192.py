# Table 3, second row: the third without Lovász loss.
_base_ = './simplenet_r50-sfpn-lovasz_cihp-256x192.py'

model = dict(parsing_head=dict(loss_lovasz=None))
