from pathlib import Path

from processor.engine import launch


def test_java_has_the_heap_that_it_is_told_and_writes_where_the_properties_are() -> None:
    made = launch.command(Path("/run/millrace/children/engine.properties"), heap_mib=480)

    assert "-Xmx480m" in made
    assert "-Djava.io.tmpdir=/run/millrace/children" in made
    assert made[-2:] == [launch.MAIN, "/run/millrace/children/engine.properties"]


def test_options_come_before_the_class() -> None:
    made = launch.command(Path("/run/engine.properties"))

    assert all(word.startswith("-") or word == made[made.index("-cp") + 1] for word in made[1:-2])
