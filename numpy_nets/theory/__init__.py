"""Closed forms with their derivations: what tests and figures are held against."""
