"""Runbooks: what to do, step by step, when one of the four disasters has come, written from what is promised here.

A runbook names this policy's own sources, regions and people, gives commands that can be typed as they stand, and says
how long each step took when it was last rehearsed, or that it never was.
"""
