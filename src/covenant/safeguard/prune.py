"""The way to prune: from here, and from nowhere else."""

from covenant.vault.prune import Action, Fate, Held, PackUse, PruneOptions, PrunePlan, Totals, apply_prune, plan_prune

__all__ = ["Action", "Fate", "Held", "PackUse", "PruneOptions", "PrunePlan", "Totals", "apply_prune", "plan_prune"]
