"""The authorization server's decisions, on Authlib: plain calls over one unit of work."""
