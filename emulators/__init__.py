"""The local cloud: the topology turned into processes of this machine."""
