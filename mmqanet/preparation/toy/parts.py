"""The twenty part classes of the toy people, CIHP's in CIHP's order, and the fourteen of their faces."""
from enum import IntEnum


class Part(IntEnum):
    """Part class of a pixel. Left and right are the person's own."""

    BACKGROUND = 0
    HAT = 1
    HAIR = 2
    GLOVE = 3
    SUNGLASSES = 4
    UPPER_CLOTHES = 5
    DRESS = 6
    COAT = 7
    SOCKS = 8
    PANTS = 9
    TORSO_SKIN = 10
    SCARF = 11
    SKIRT = 12
    FACE = 13
    LEFT_ARM = 14
    RIGHT_ARM = 15
    LEFT_LEG = 16
    RIGHT_LEG = 17
    LEFT_SHOE = 18
    RIGHT_SHOE = 19


NUM_CLASSES = len(Part)


class FacePart(IntEnum):
    """Class of a pixel in the label set of faces, that of iBugMask with 14 classes. Left and right are the viewer's."""

    BACKGROUND = 0
    SKIN = 1
    LEFT_BROW = 2
    RIGHT_BROW = 3
    LEFT_EYE = 4
    RIGHT_EYE = 5
    NOSE = 6
    UPPER_LIP = 7
    INNER_MOUTH = 8
    LOWER_LIP = 9
    HAIR = 10
    LEFT_EAR = 11
    RIGHT_EAR = 12
    GLASSES = 13
