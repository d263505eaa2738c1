"""pytest-syncload: load phases are fixtures, SLO rows are tests, green means proven.

Importing this package must stay free: pytest loads the plugin in every session, also where no slo.yaml exists.
"""
