"""How good is what was learned?"""
