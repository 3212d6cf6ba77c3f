"""How good an answer is: checks, the rules that choose them, and a score from 0 to 1.

Quick checks are told by whoever made the call, with its record. Slow ones run later, over the
texts in the history (`metrics.quality.scoring`), and only where a rule asks for them.
"""
