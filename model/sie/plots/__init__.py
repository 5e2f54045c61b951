"""Figures, drawn in one style whatever the user's matplotlib settings."""
