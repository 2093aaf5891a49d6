"""Which files are opened as videos: those of pictures and nothing else. Of libav's other formats some open further files or
addresses that they name (playlists, lists of parts, session descriptions), under whatever suffix they come."""

#: How a file of each format begins: bytes at an offset.
BEGINNINGS = (
    *((4, kind) for kind in (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip', b'pnot')),  # MP4, QuickTime, 3GP
    (0, b'\x1aE\xdf\xa3'),  # Matroska, WebM
    (8, b'AVI '),
    (0, b'\x00\x00\x01\xba'), (0, b'\x00\x00\x01\xb3'),  # MPEG-1 and 2: program stream, bare video
    (0, b'FLV'), (0, b'OggS'), (0, b'\x30\x26\xb2\x75\x8e\x66\xcf\x11'),  # the last: ASF, WMV
    (0, b'\x06\x0e\x2b\x34'),  # MXF
    (0, b'G'), (4, b'G'))  # MPEG transport stream, in cameras' files each packet after a time of four bytes
HEAD = 16  # bytes that tell


def is_container(head: bytes) -> bool:
    """Whether a file that begins with ``head`` (``HEAD`` bytes of it) is a video by itself."""
    return any(head[offset:].startswith(mark) for offset, mark in BEGINNINGS)
