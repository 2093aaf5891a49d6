"""Parsing more pictures than one machine can, with Ray Data: ``pip install 'mmqanet[ray]'``."""
from mmqanet.apis.batch.parsing import ParsePictures

__all__ = ['ParsePictures']
