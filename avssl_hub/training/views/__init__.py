"""Training on views of 360-degree clips: AVSA's pretraining, and what its features are tested by."""
