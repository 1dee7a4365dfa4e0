from topology.page import Section, differences, markdown, table


def test_a_section_is_a_heading_a_text_and_a_table() -> None:
    section = Section("Roles", ("may", "on"), (("a", "`b|c`"), ("d", "")), "Text.")
    assert list(markdown(section)) == [
        "",
        "## Roles",
        "",
        "Text.",
        "",
        "| may | on |",
        "|---|---|",
        "| a | `b\\|c` |",
        "| d |  |",
    ]
    assert list(markdown(Section("Empty", (), (), level=3))) == ["", "### Empty"]


def test_a_table_has_its_columns() -> None:
    assert list(table(("a", "b", "c"), ()))[1] == "|---|---|---|"


def different(ours: tuple[str, ...], theirs: tuple[str, ...]) -> list[tuple[str, ...]]:
    prod, dev = (
        [Section("S", ("c",), tuple((row,) for row in rows)), Section("T", ("c",), (("same",),))]
        for rows in (ours, theirs)
    )
    return [row for section in differences(prod, dev, "prod", "dev") for row in section.rows]


def test_rows_that_only_one_has_are_different() -> None:
    assert different(("a", "b"), ("b", "c")) == [("prod", "a"), ("dev", "c")]


def test_an_environment_s_own_name_is_no_difference() -> None:
    assert different(("/millrace/prod/x",), ("/millrace/dev/x",)) == []
    assert different(("arn:aws:s3:::prod-layers",), ("arn:aws:s3:::prod-layers",)) == []
    assert different(("[docs](https://x/latest/dev/y) a",), ("[docs](https://x/latest/dev/y) a",)) == []
    assert different(("[d](https://x/dev/y) prod",), ("[d](https://x/dev/y) dev",)) == []


def test_another_environment_s_name_is_one() -> None:
    assert different(("/millrace/prod/x",), ("/millrace/prod/x-dev",)) != []
    assert different(("/millrace/dev/x",), ("/millrace/prod/x",)) == [
        ("prod", "/millrace/dev/x"),
        ("dev", "/millrace/prod/x"),
    ]


def test_a_section_that_only_one_has_is_different() -> None:
    only = [Section("New", ("c",), (("a",),))]
    assert [section.rows for section in differences([], only, "prod", "dev")] == [(("dev", "a"),)]
