"""Progressive delivery (F311): a new revision gets its requests step by step, or none (F307)."""
