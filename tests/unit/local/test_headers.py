import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.headers import NAME, metrics


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        (["value"], ["value"]),
        (["Temp [°C]", "Drehzahl (1/min)"], ["Temp_C", "Drehzahl_1_min"]),
        (["Müller"], ["Muller"]),
        (["a b", "a_b", "a-b"], ["a_b_2", "a_b", "a-b"]),
        (["a b", "a/b", "a_b_2"], ["a_b", "a_b_3", "a_b_2"]),
        (["v", "v", "v"], ["v", "v_2", "v_3"]),
        (["", "温度"], ["column_2", "column_3"]),
        (["x" * 70, "x" * 71], ["x" * 64, "x" * 62 + "_2"]),
        (["temp", "Temp"], ["temp", "Temp"]),
    ],
)
def test_headers_become_names(headers: list[str], names: list[str]) -> None:
    assert metrics(headers) == names


@given(st.lists(st.text(max_size=80), max_size=20))
def test_names_are_always_allowed_and_all_different(headers: list[str]) -> None:
    names = metrics(headers)

    assert len(names) == len(headers)
    assert all(NAME.fullmatch(name) for name in names)
    assert len(set(names)) == len(names)
