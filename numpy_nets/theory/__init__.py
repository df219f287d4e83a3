"""Closed forms with their derivations; tests and figures compare with them."""
