"""Results of many pictures in one file: for annotation tools, and to look at."""
