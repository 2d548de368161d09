"""What a drill came to, for people who were not there: as a page for a browser, and as a document for paper.

Both tell one story (``story``) with the same drawings (``plots``), so that neither can say what the other does not.
Names come from files and databases of others, and are shown as text, whatever they hold.
"""
