"""The topology on Google Cloud: what `pulumi up` makes of `shared/topology.py`."""
