import sys

from mmqanet.cli.main import main

sys.exit(main())
