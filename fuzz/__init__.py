"""Input that nobody would send, judged twice: by the processor, and by the contract as a person reads it.

contract.py is that second reader, slow and plain; check.py compares the two, reading by reading; seeds.py
makes the records that a fuzzer begins with; `python -m fuzz` lets one loose.
"""
