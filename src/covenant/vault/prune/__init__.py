"""Taking away what no snapshot needs: surveyed, decided as a plan, and then carried out.

For ``safeguard`` alone, which is the one door out.
"""

from covenant.vault.prune.apply import apply_prune
from covenant.vault.prune.fate import Action, Fate, PackUse
from covenant.vault.prune.options import PruneOptions
from covenant.vault.prune.plan import Held, PrunePlan, Totals
from covenant.vault.prune.survey import plan_prune

__all__ = ["Action", "Fate", "Held", "PackUse", "PruneOptions", "PrunePlan", "Totals", "apply_prune", "plan_prune"]
