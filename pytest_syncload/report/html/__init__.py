"""A run → one page that opens anywhere: no network, no second file, and without JavaScript still every verdict.

`page.html_of` is the entry. The page is a pure function of the report; the files beside this one are parts of it.
"""
