"""The ground floor: what the other floors talk about. Imports nothing of the project but itself, and no third party."""
