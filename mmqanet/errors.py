"""The errors mmqanet raises for bad input: one clear line that names the file, field or argument."""


class MMQANetError(Exception):
    """Base of every error that mmqanet raises on purpose."""


class DataError(MMQANetError):
    """A file or annotation of a data set cannot be used as it is; the message names it."""


class InputError(MMQANetError, ValueError):
    """An argument of a public function is out of its documented range; the message names it."""
