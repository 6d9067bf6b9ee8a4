"""The studio: a page on this machine that shows and tunes the running filter.

Needs the extra ``studio``. Nothing here is imported before ``--studio`` asks for it.
"""
