"""Whole-program tests: what starts, watches and ends real programs."""
