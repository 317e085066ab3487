"""Training of networks that give mono sound of 360-degree video its directions back (arXiv 1809.02587)."""
