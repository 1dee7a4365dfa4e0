"""The processor under faults: what is promised of the data path, tried at every kind of moment.

`python -m local.faults` runs it. plant.py makes readings and keeps what must become of each; world.py has the
servers and the processors; tap.py stands between processor and PostgreSQL and knows where a transaction is;
kinds.py has the faults; judge.py compares what stands in the end with what must; alarms.py says what the
rules must have raised, by plain.py, a second judgement reading by reading; inbox.py hears what is told of it.
"""
