"""The same vault in several regions: written side by side, read from the nearest, caught up, healed, failed over."""
