"""Models as ONNX files, and running them: with torch nearby (backends) and without (runtime)."""
