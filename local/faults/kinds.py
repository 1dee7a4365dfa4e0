"""The faults: each does its harm to a running trial and returns when it is done; settling is not its matter.

A fault that needs a precise moment arms the wire and waits for it; `False` says that the moment did not come,
so that nothing is counted that did not happen.
"""

import os
import signal
from collections.abc import Callable, Mapping

import psycopg

from local.faults.processors import TAKEN_OVER, Processor
from local.faults.tap import ARMED_SECONDS, Arm, Message
from local.faults.trial import Trial
from local.faults.world import USER

KILLED = -signal.SIGKILL
SESSIONS = b"""
    SELECT pid FROM pg_stat_activity
    WHERE application_name = 'millrace-processor' AND datname = current_database()"""
END_SESSIONS = b"SELECT pg_terminate_backend(pid) FROM (" + SESSIONS + b") AS sessions"
DAY = 86_400.0

Kind = Callable[[Trial], bool]
Meant = Callable[[Message], bool]


def _commit(message: Message) -> bool:
    return message.from_client and b"COMMIT" in message.body[:32]


def _committed(message: Message) -> bool:
    return not message.from_client and message.kind == b"C" and message.body.startswith(b"COMMIT")


def _copying(message: Message) -> bool:
    return message.from_client and message.kind == b"d"


def _copied(message: Message) -> bool:
    return message.from_client and message.kind == b"c"


def _any_place(trial: Trial) -> Meant:
    place = trial.chance.randint(2, 20)
    return lambda message: message.from_client and message.place == place


MOMENTS: Mapping[str, Callable[[Trial], Meant]] = {
    "before commit": lambda trial: _commit,
    "after commit, before its answer": lambda trial: _committed,
    "within copy": lambda trial: _copying,
    "at copy's end": lambda trial: _copied,
    "anywhere in a transaction": _any_place,
}


def _at(trial: Trial, arm: Arm) -> bool:
    """Arm the wire, send, and wait for the moment."""
    trial.world.database_tap.arm(arm)
    trial.load()
    if arm.fired.wait(0.3):
        return True
    trial.load()  # the first ones were taken in by a transaction that was under way
    came = arm.fired.wait(ARMED_SECONDS)
    trial.world.database_tap.disarm()
    return came


def _cut(moment: str) -> Kind:
    def cut(trial: Trial) -> bool:
        """The session ends; the message is held back, or half of it goes."""
        passed = trial.chance.choice((0.0, 0.5)) if moment == "within copy" else 0.0
        return _at(trial, Arm(MOMENTS[moment](trial), passed=passed, cut=True))

    return cut


def _kill(moment: str) -> Kind:
    def kill(trial: Trial) -> bool:
        """SIGKILL; the message goes on or is lost with the process."""
        reader = trial.reader()
        reader.may_end |= {KILLED}

        def strike() -> None:
            reader.send(signal.SIGKILL)

        passed = float(trial.chance.choice((0, 1)))
        return _at(trial, Arm(MOMENTS[moment](trial), before=strike, passed=passed, cut=passed == 0))

    return kill


def kill_anytime(trial: Trial) -> bool:
    """SIGKILL of the reader at no moment in particular."""
    reader = trial.reader()
    reader.may_end |= {KILLED}
    trial.load(200)
    trial.pause(0.3)
    reader.send(signal.SIGKILL)
    return True


def kill_all(trial: Trial) -> bool:
    """SIGKILL of every processor, as when a host goes."""
    trial.load(100)
    trial.processors.may_all_end(KILLED)
    trial.pause(0.2)
    trial.processors.end()
    trial.load()
    return True


def stop_gently(trial: Trial) -> bool:
    """SIGTERM under load: the batch is finished, another one goes on."""
    reader = trial.reader()
    trial.load(200)
    trial.pause(0.2)
    reader.send(signal.SIGTERM)
    reader.leaves(0)
    return True


def terminate_sessions(trial: Trial) -> bool:
    """The server ends every session of the processors (57P01)."""
    trial.load(200)
    trial.pause(0.2)
    with trial.world.operator() as connection:
        connection.execute(END_SESSIONS)
    return True


def network_away(trial: Trial) -> bool:
    """Sessions are cut and new ones refused for a moment."""
    tap = trial.world.database_tap
    held, tap.target = tap.target, None
    tap.cut_all()
    trial.load(200)
    trial.pause(0.5)
    tap.target = held
    return True


def crash_postgres(trial: Trial) -> bool:
    """A backend is killed, so the server ends all sessions and recovers from its log (57P02, 57P03)."""
    trial.load(200)
    with trial.world.operator() as connection:
        rows = connection.execute(SESSIONS).fetchall()
    if not rows:
        return False
    os.kill(trial.chance.choice(rows)[0], signal.SIGKILL)
    trial.pause(0.3)
    _await_postgres(trial)
    return True


def restart_postgres(trial: Trial) -> bool:
    """Shut down and started again under load."""
    trial.load(200)
    trial.pause(0.2)
    trial.world.restart_postgres()
    return True


def fail_over_read_only(trial: Trial) -> bool:
    """For a while the name leads to a server that only reads (25006), as after a fail-over."""
    with trial.world.operator() as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")
        if trial.chance.random() < 0.5:
            connection.execute(END_SESSIONS)
        trial.load(100)
        trial.pause(0.5)
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        connection.execute("SELECT pg_reload_conf()")
    return True


def redis_away(trial: Trial) -> bool:
    """The cache ends, and is there again some faults later or now."""
    trial.world.stop_redis()
    trial.load()
    if trial.chance.random() < 0.7:
        trial.world.start_redis()
    return True


def redis_flushed(trial: Trial) -> bool:
    """The cache forgets all values and scripts."""
    trial.world.start_redis()
    client = trial.world.cache()
    client.flushall()
    client.script_flush()
    client.close()
    trial.load()
    return True


def redis_cut(trial: Trial) -> bool:
    """Sessions with the cache end under load."""
    trial.load(200)
    trial.pause(0.1)
    trial.world.cache_tap.cut_all()
    return True


def sent_again(trial: Trial) -> bool:
    """A producer's retry: records of before come again, in another order, as new records."""
    again = trial.chance.sample(trial.sent, min(len(trial.sent), 60))
    trial.put(again)
    return bool(again)


def out_of_order(trial: Trial) -> bool:
    """Records in any order of time, the newest first."""
    made = list(trial.plant.parcels(60))
    trial.put(reversed(made))
    return True


def poison(trial: Trial) -> bool:
    """Bad records among good ones."""
    made = [*trial.plant.parcels(20), *(trial.plant.poison() for _ in range(12))]
    trial.chance.shuffle(made)
    trial.put(made)
    return True


def positions_back(trial: Trial) -> bool:
    """The progress is an earlier one, as in a database restored without its readings being gone: all is read
    again by whoever starts next."""
    trial.settle()
    reader = trial.reader()
    with trial.world.operator() as connection:
        connection.execute(
            "UPDATE millrace.shard_progress SET sequence_number = NULL WHERE stream = %s", [trial.stream]
        )
    trial.progress.forget()
    reader.send(signal.SIGKILL)
    reader.may_end |= {KILLED}
    trial.load()
    return True


def zombie(trial: Trial) -> bool:
    """The reader stands still, another one takes over, then it wakes and must leave."""
    asleep = _overtaken(trial)
    trial.load(100)
    trial.pause(0.3)
    asleep.send(signal.SIGCONT)
    return True


def zombie_with_the_turn(trial: Trial) -> bool:
    """It wakes when nobody has the turn: it gets it, reads on, and only the shards' epochs keep it out."""
    asleep = _overtaken(trial)
    trial.load(100)
    trial.settle()
    trial.processors.end(but=asleep)
    trial.load(100)
    asleep.send(signal.SIGCONT)
    trial.processors.await_leaving()
    return True


def _overtaken(trial: Trial) -> Processor:
    """A reader that has read and is stopped, when another one has written what came since."""
    trial.load()
    trial.settle()
    reader = trial.reader()
    trial.load(100)
    trial.pause(0.1)
    reader.send(signal.SIGSTOP)
    with trial.world.operator() as connection:
        connection.execute(END_SESSIONS)
    reader.leaves(TAKEN_OVER)
    trial.load(100)
    trial.settle()
    return reader


def host_clock_steps(trial: Trial) -> bool:
    """The processors' time of day jumps, by up to twenty days."""
    trial.world.step_clock(trial.chance.choice((0, 0, 3_600, -3_600, DAY, -DAY, 20 * DAY, -20 * DAY)))
    trial.load()
    return True


def device_clock_steps(trial: Trial) -> bool:
    """A plant's clock goes back by up to 55 minutes, and on from there, mostly until it is put right."""
    by = trial.chance.randint(1, 55) * 60_000
    trial.plant.step(-by)
    trial.load()
    if trial.chance.random() < 0.7:
        trial.plant.step(by)
        trial.load()
    return True


def rule_changed(trial: Trial) -> bool:
    """A version of a rule begins, and every processor is a new one, which knows it."""
    trial.settle()
    with trial.world.operator() as connection:
        trial.change_rule(connection)
    trial.processors.may_all_end(KILLED)
    trial.processors.end()
    trial.load(100)
    return True


def password_changed(trial: Trial) -> bool:
    """Rotated under load: first in the database, with the new one pending, then the current one."""
    world = trial.world
    world.password = f"rotated-{trial.chance.randrange(10**9)}"
    trial.load(100)
    world.keep_secret(world.password, "AWSPENDING")
    with world.operator() as connection:
        connection.execute(f"ALTER ROLE {USER} PASSWORD '{world.password}'".encode())
        connection.execute(END_SESSIONS)
    trial.load(100)
    trial.pause(0.3)
    world.keep_secret(world.password)
    return True


def _await_postgres(trial: Trial) -> None:
    while True:
        try:
            trial.world.operator().close()
            return
        except psycopg.OperationalError:
            trial.pause(0.05)


# Each kind with its share of all faults; the slow ones have a small one.
KINDS: Mapping[str, tuple[Kind, int]] = {
    **{f"session cut {moment}": (_cut(moment), 5) for moment in MOMENTS},
    **{f"killed {moment}": (_kill(moment), 5) for moment in MOMENTS},
    "killed at any time": (kill_anytime, 5),
    "all killed": (kill_all, 2),
    "told to stop": (stop_gently, 3),
    "sessions terminated": (terminate_sessions, 4),
    "network away": (network_away, 4),
    "PostgreSQL crashed": (crash_postgres, 3),
    "PostgreSQL restarted": (restart_postgres, 2),
    "failed over, read-only": (fail_over_read_only, 4),
    "Redis away": (redis_away, 4),
    "Redis flushed": (redis_flushed, 4),
    "Redis sessions cut": (redis_cut, 4),
    "sent again": (sent_again, 5),
    "out of order": (out_of_order, 5),
    "poison": (poison, 6),
    "positions put back": (positions_back, 2),
    "zombie": (zombie, 2),
    "zombie with the turn": (zombie_with_the_turn, 2),
    "host's clock stepped": (host_clock_steps, 4),
    "devices' clock stepped": (device_clock_steps, 4),
    "rule changed": (rule_changed, 2),
    "password changed": (password_changed, 4),
}
