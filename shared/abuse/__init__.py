"""Accounts that listen as no person does (F286): found by their plays, slowed, never silenced."""
