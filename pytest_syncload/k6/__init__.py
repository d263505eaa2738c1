"""k6 in place of our own engine: the script it runs, what it prints as our own counts, and what it cannot say.

It offers a load as `generator` does, in a child process of the conductor's, so it stands beside that one.
"""
