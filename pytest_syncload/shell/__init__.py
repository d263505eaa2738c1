"""The only floor that knows pytest: options, collection, selection, items, fixtures, xdist."""
