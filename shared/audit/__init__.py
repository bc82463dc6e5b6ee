"""The audit ledger: what was decided about whom, written once and never changed (F277)."""
