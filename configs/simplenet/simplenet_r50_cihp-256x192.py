# SimpleNet, Table 3, first row: the second with transposed convolutions in the place of FPN and semantic FPN.
_base_ = './simplenet_r50-sfpn_cihp-256x192.py'

model = dict(neck=dict(_delete_=True, type='DeconvNeck', in_channels=2048))
