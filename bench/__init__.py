"""Benchmarks, and the letters that demo, tests and benchmarks share. Not part of the installed product."""
