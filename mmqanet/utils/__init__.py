"""What knows nothing of parsing: files, images, threads, processes."""
