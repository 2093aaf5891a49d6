"""The command ``mmqanet`` and its subcommands."""
