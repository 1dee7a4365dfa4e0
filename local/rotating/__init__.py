"""Credentials that rotate under load, every few seconds, with nobody noticing.

`python -m local.rotating` runs it: the deployed platform, two processors on full load, and the deployed
function rotating both logins all the while. ceremonies.py has them rotated; sessions.py watches who is logged
in; readers.py keeps the processors and reads their log; needles.py knows every password, verifier and token
of the run, haystack.py where none of them may be found; verdict.py says what is not as it must be.
"""
