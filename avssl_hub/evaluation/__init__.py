"""Evaluation: scores of frozen features."""
