"""What a phase used, through the price tiers: a million jobs, and a month. It reads nothing and judges nothing."""
