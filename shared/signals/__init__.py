"""What people do with music, as features: the newest in Bigtable, all of it in the lake."""
