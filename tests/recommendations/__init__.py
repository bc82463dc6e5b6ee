"""How well recommendations find what people liked, on real data.

`python -m tests.recommendations evaluate PATH` prints the table for any data.
"""
