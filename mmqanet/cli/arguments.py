"""Types of arguments: numbers in a range, names of files."""
import argparse

from mmqanet.errors import InputError, printable

CROP_HELP = (
    'how people are cut out: align (averaged over each pixel of the crop, as the release tests), warp (interpolated at its '
    'centre) or auto (align for people who are much larger than the crop, else warp); or the size of the crops as '
    'HEIGHTxWIDTH; refine, a second look at those who are much larger, in tiles; or several with commas, as '
    '1024x768,auto,refine (default: as the config says, else the checkpoint, else warp)')
MOST = 2**31 - 1  # of what is counted


def fraction(given: str) -> float:
    """A number in [0, 1], as a type of argparse."""
    value = float(given)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f'{given} does not lie in [0, 1]')
    return value


def seconds(given: str) -> float:
    """A time of 0 or more seconds, as a type of argparse."""
    value = float(given)
    if not 0 <= value <= MOST:
        raise argparse.ArgumentTypeError(f'{given} is no time of 0 or more seconds')
    return value


def at_least_one(given: str) -> int:
    """A whole number of 1 or more, as a type of argparse."""
    if not given.isascii() or not given.isdecimal() or not 0 < int(given[:20]) <= MOST:
        raise argparse.ArgumentTypeError(f'{given} is no whole number from 1 to {MOST:,}')
    return int(given)


def output_path(given: str) -> str:
    """The name of a file or folder to write, as a type of argparse."""
    if not given or '\0' in given:
        raise argparse.ArgumentTypeError(f"'{printable(given)}' names no file or folder")
    return given


def crop_option(given: str) -> str:
    """What ``CropOptions.read`` takes, as a type of argparse."""
    from mmqanet.engine.crop_options import CropOptions  # here, so that --help answers at once
    try:
        CropOptions.read(given)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return given
