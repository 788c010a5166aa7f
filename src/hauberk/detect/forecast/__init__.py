"""Forecasts of how much devices send and receive, each with an interval whose coverage was measured, or the reason for none."""
