"""Proof: what was kept is read back, restored and asked, and what came of it is written down so that others can check.

A drill that cannot run, a probe that cannot ask, a verifier that misses what was planted for it: none of them passes.
"""
