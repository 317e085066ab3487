"""Training of networks that see and hear a scene at once: alignment, recognition, separation (arXiv 1804.03641)."""
