"""Where a vault's objects lie: one module per kind of place, and wrappers that add one quality each."""
