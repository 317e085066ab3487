"""What the pictures of results look like, all of them."""

FONT = 13  # points that stay legible when the picture is as wide as a phone
INK, LINE, BEST = "#222222", "#1f77b4", "#d62728"
