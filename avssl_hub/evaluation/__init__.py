"""Evaluation: scores of frozen features, and of fine-tuning."""
