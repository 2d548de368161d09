"""The recovery kit: what people must have in their hands when everything else is gone, on paper and as a file.

It opens the vaults with a password of its own, which can be taken away again, and may be split among several people so
that any ``k`` of them can act and fewer know nothing.
"""
