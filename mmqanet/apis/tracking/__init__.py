"""People through a video: who is who from frame to frame, and what that allows."""
from mmqanet.apis.tracking.rules import Tracking
from mmqanet.apis.tracking.stage import TrackingStage

__all__ = ['Tracking', 'TrackingStage']
