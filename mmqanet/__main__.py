"""The command ``mmqanet`` as ``python -m mmqanet``."""
import sys

from mmqanet.cli.main import main

sys.exit(main())
