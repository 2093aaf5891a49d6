"""By which suffixes files of pictures are known."""
IMAGE_SUFFIXES = (
    '.jpg', '.jpeg', '.jfif', '.jpe', '.jif', '.mpo', '.png', '.apng', '.webp', '.bmp', '.dib', '.tif', '.tiff', '.gif',
    '.ppm', '.pgm', '.pbm', '.pnm', '.pfm', '.jp2', '.j2k', '.jpx', '.avif', '.heic', '.heif', '.hif', '.tga')
