"""Signs users in and hands out their identities. Never on the measured path, and no token ever leaves the process."""
