"""Saving what can be saved of a damaged vault.

In this order: ``index`` (the blobs listed anew from the packs), ``packs`` (whole blobs of damaged packs stored anew),
``snapshots`` (new snapshots without what is lost). Each makes a plan first, a value that says what will be written
and removed and why; nothing is removed before what replaces it is durable.

Letting go belongs to ``safeguard`` alone. What repair removes is no such thing: index files whose content has been
written anew, packs and snapshots whose readable part has been; it takes away nothing that can still be read from
elsewhere in the vault only by way of it.
"""
