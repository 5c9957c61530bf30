"""Prices: exact arithmetic, bounds that hold, and where a price comes from."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage as TableUsage
from genai_prices import calc_price
from genai_prices.data import providers
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TimeOfDateConstraint,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from graphdsl.errors import InputError
from graphdsl.ir.entities import EnvVar, ModelSpec
from graphdsl.plan import Budget
from graphdsl.price_table import entry_of, sought
from graphdsl.prices import Price, Tier, dollars, flops_of, patience, pico, price_of
from graphdsl.values import PICO, Usage

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)


def spec(backend: str, model: str = "m", **options: Any) -> ModelSpec:
    return ModelSpec("m", backend, model, options)


def known(backend: str, model: str = "m", **options: Any) -> Price:
    price = price_of(spec(backend, model, **options))
    assert price is not None
    return price


OWN: dict[str, Any] = {
    "usd_per_mtok_in": 0.15,
    "usd_per_mtok_cached": 0.075,
    "usd_per_mtok_out": 0.6,
}

# ---- arithmetic


def test_a_million_tokens_cost_exactly_what_the_file_says() -> None:
    price = known("openai", **OWN)
    assert price.cost(Usage(1, 10**6)) == 15 * PICO // 100
    assert price.cost(Usage(1, 0, 0, 10**6)) == 6 * PICO // 10
    assert Usage(1, 10**6, cost=price.cost(Usage(1, 10**6))).usd == 0.15


def test_cached_tokens_are_part_of_the_prompt_and_have_their_own_price() -> None:
    price = known("openai", **OWN, usd_per_call=0.01)
    usage = Usage(1, 1000, 400, 50)
    # 600 x 0.15 + 400 x 0.075 + 50 x 0.6 = 150 millionths of a dollar, and a cent
    assert price.cost(usage) == 150 * 10**6 + 10**10


def test_a_call_pays_its_share_of_a_machine_paid_by_the_hour() -> None:
    price = known("simulated", usd_per_hour=3.6)
    assert price.cost(Usage(1, 100, 0, 100), seconds=2.0, places=4) == 5 * PICO // 10**4
    assert price.worst(10**6, 10**6, timeout=600.0) == 6 * PICO // 10


def test_what_is_no_whole_number_is_rounded_up() -> None:
    assert known("openai", usd_per_mtok_in=1e-9, usd_per_mtok_out=0).input == 1
    assert known("simulated", usd_per_hour=1.0).cost(Usage(1), seconds=1e-9) == 1
    assert known("simulated", usd_per_hour=1.0).cost(Usage(1), seconds=1.0) == 277_777_778


@pytest.mark.parametrize(("prompt", "rate"), [(200, 3), (201, 6), (500, 6), (501, 5)])
def test_the_length_of_the_prompt_chooses_the_rate_of_all_its_tokens(
    prompt: int, rate: int
) -> None:
    tiers = (Tier(200, 6, 6, 60), Tier(500, 5, 5, 70))
    price = Price(3, 3, 30, tiers=tiers)
    written = {3: 30, 6: 60, 5: 70}[rate]
    assert price.cost(Usage(1, prompt, 0, 2)) == prompt * rate + 2 * written
    assert price.worst(prompt, 2) == prompt * max(rate, 6 if prompt > 200 else 3) + 2 * written


def test_more_cached_tokens_than_prompt_do_not_make_a_call_cheaper_than_its_cache() -> None:
    assert Price(10, 1, 0).cost(Usage(1, 5, 9)) == 5
    assert Price(10, 1, 2).cost(Usage(1, -5, -9, -3)) == 0


rates = st.integers(0, 10**7)
tiers = st.lists(st.builds(Tier, st.integers(0, 300), rates, rates, rates), max_size=3)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    own = [draw(rates) for _ in range(5)]
    found = sorted(draw(tiers), key=lambda tier: tier.above)
    return Price(*own, source="", tiers=tuple(found))


@given(
    prices(),
    st.integers(0, 500),
    st.integers(0, 500),
    st.floats(0, 10**5),
    st.integers(1, 300),
    st.data(),
)
def test_no_call_within_its_bounds_costs_more_than_its_worst_case(
    price: Price, prompt: int, reply: int, timeout: float, places: int, data: st.DataObject
) -> None:
    used = data.draw(st.integers(0, prompt))
    usage = Usage(1, used, data.draw(st.integers(0, used)), data.draw(st.integers(0, reply)))
    seconds = data.draw(st.floats(0, timeout))
    worst = price.worst(prompt, reply, timeout, places)
    assert 0 <= price.cost(usage, seconds, places) <= worst


@given(prices(), st.integers(0, 500), st.integers(0, 10**12), st.floats(0, 10**4))
def test_the_room_of_an_amount_is_what_it_pays_for_and_no_token_more(
    price: Price, prompt: int, money: int, timeout: float
) -> None:
    room = price.room(money, prompt, timeout)
    if room is None:
        assert price.worst(prompt, 10**6, timeout) == price.worst(prompt, 0, timeout)
        return
    assume(room >= 0)
    assert price.worst(prompt, room, timeout) <= money < price.worst(prompt, room + 1, timeout)


def test_there_is_no_room_where_the_prompt_alone_is_too_dear() -> None:
    room = Price(10, 10, 5).room(99, 10)
    assert room is not None
    assert room < 0


# ---- where a price is from


@pytest.mark.parametrize("backend", ["embedded", "vllm", "simulated", "replay"])
def test_what_runs_here_is_free_unless_its_block_says_otherwise(backend: str) -> None:
    assert price_of(spec(backend)) == Price(source="local")
    assert known(backend, usd_per_mtok_out=2).output == 2 * 10**6
    assert known(backend, usd_per_mtok_out=2).source == "the file"


def test_an_unknown_backend_has_no_price() -> None:
    assert price_of(spec("gone")) is None


def test_the_table_knows_public_providers() -> None:
    price = known("openai", "gpt-4o-mini")
    assert price.output > price.input > price.cached > 0
    assert price.source.startswith("genai-prices ")
    assert price == known("openai", "gpt-4o-mini", base_url="https://api.openai.com/v1")
    assert price == known("litellm", "openai/gpt-4o-mini") == known("litellm", "gpt-4o-mini")


@pytest.mark.parametrize(
    ("backend", "model", "options"),
    [
        ("openai", "gpt-4o-mini", {"base_url": "http://127.0.0.1:8000/v1"}),
        ("openai", "gpt-4o-mini", {"base_url": "https://gateway.example/v1"}),
        ("openai", "gpt-4o-mini", {"base_url": EnvVar("GRAPHDSL_TEST_NOT_SET")}),
        ("openai", "gpt-4o-mini", {"base_url": ("https://api.openai.com/v1", "http://b:1/v1")}),
        ("openai", "my-own-model", {}),
        ("litellm", "ollama/llama3.2", {}),
        ("litellm", "gemini_like/gemini-2.5-pro", {}),
        ("litellm", "openai/gpt-4o-mini", {"base_url": "http://localhost:4000"}),
        ("litellm", "perplexity/sonar-deep-research", {}),
    ],
)
def test_a_price_that_nobody_can_know_is_unknown(
    backend: str, model: str, options: dict[str, Any]
) -> None:
    assert price_of(spec(backend, model, **options)) is None


def test_an_endpoint_of_the_environment_is_the_one_that_is_priced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GRAPHDSL_TEST_URL", "https://api.openai.com/v1")
    named = {"base_url": EnvVar("GRAPHDSL_TEST_URL")}
    assert price_of(spec("openai", "gpt-4o-mini", **named)) is not None
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert price_of(spec("openai", "gpt-4o-mini")) is None
    assert price_of(spec("litellm", "openai/gpt-4o-mini")) is None


def test_the_block_wins_and_the_table_fills_what_it_leaves_out() -> None:
    table = known("openai", "gpt-4o-mini")
    price = known("openai", "gpt-4o-mini", usd_per_mtok_in=7)
    assert (price.input, price.cached, price.output) == (7 * 10**6, 7 * 10**6, table.output)
    assert price.source == f"the file, {table.source}"
    long = known("litellm", "anthropic/claude-sonnet-4-5", usd_per_mtok_in=7)
    assert {tier.input for tier in long.tiers} == {7 * 10**6}


def test_half_a_price_that_no_table_completes_is_no_price() -> None:
    assert price_of(spec("litellm", "ollama/x", usd_per_mtok_in=1)) is None
    assert price_of(spec("litellm", "ollama/x", usd_per_call=1)) is None
    assert known("litellm", "ollama/x", usd_per_hour=1) == Price(hour=PICO)


CHEAP = spec("embedded")
DEAR = spec("openai", usd_per_mtok_in=2, usd_per_mtok_out=1, flops_per_token=5.5)
ODD = spec("openai", usd_per_mtok_in=1, usd_per_mtok_out=3, usd_per_hour=4, timeout=7)


@pytest.mark.parametrize("group", ["fallback", "round_robin"])
def test_a_group_has_the_highest_price_of_its_models(group: str) -> None:
    inner = ModelSpec("g", group, "", {"models": (CHEAP, ODD)})
    price = price_of(ModelSpec("h", group, "", {"models": (DEAR, inner)}))
    source = "the file, local"
    assert price == Price(2 * 10**6, 2 * 10**6, 3 * 10**6, 0, 4 * PICO, source)
    assert patience(inner) == 600.0
    unknown = spec("litellm", "ollama/x")
    assert price_of(ModelSpec("h", group, "", {"models": (DEAR, unknown)})) is None


def test_a_group_has_every_tier_of_its_models() -> None:
    sonnet = spec("litellm", "anthropic/claude-sonnet-4-5")
    group = ModelSpec("g", "fallback", "", {"models": (CHEAP, sonnet)})
    alone, price = price_of(sonnet), price_of(group)
    assert alone is not None
    assert price is not None
    assert alone.tiers
    for prompt in (10, 200_000, 200_001, 10**6):
        assert price.worst(prompt, 7) == alone.worst(prompt, 7)


def test_a_bank_that_may_ask_a_live_model_costs_what_that_one_does() -> None:
    bank = spec("replay", bank="b.jsonl", otherwise=(DEAR,))
    assert known("replay", **bank.options).input == 2 * 10**6
    priced = spec("replay", otherwise=(DEAR,), usd_per_mtok_in=0)
    assert price_of(priced) == Price()


def test_operations_are_what_the_block_says_or_unknown() -> None:
    assert flops_of(DEAR) == 6
    assert flops_of(CHEAP) is None
    assert flops_of(ModelSpec("g", "fallback", "", {"models": (DEAR, CHEAP)})) is None
    assert flops_of(ModelSpec("g", "fallback", "", {"models": (DEAR, DEAR)})) == 6


# ---- the table


def _plain_models() -> list[tuple[str, str]]:
    """Models of the table whose price depends on nothing that a usage does not tell."""
    wanted = {"anthropic", "groq", "mistral", "deepseek", "openai"}
    odd = ("output_reasoning_mtok", "requests_kcount", "cache_write_mtok")
    found: list[tuple[str, str]] = []
    for provider in providers:
        for model in provider.models if provider.id in wanted else ():
            price = model.get_prices(datetime.now(UTC))
            hourly = isinstance(model.prices, list) and any(
                isinstance(entry.constraint, TimeOfDateConstraint) for entry in model.prices
            )
            if hourly or price.input_mtok is None:
                continue
            if provider.id == "anthropic" or all(getattr(price, key) is None for key in odd):
                found.append((provider.id, model.id))
    return found


def test_calls_cost_what_the_package_of_the_table_computes() -> None:
    compared = 0
    for provider, name in _plain_models():
        price = price_of(spec("litellm", f"{provider}/{name}"))
        if price is None:
            continue
        for prompt, cached, reply in ((1000, 0, 10), (300_000, 1000, 77)):
            usage = TableUsage(input_tokens=prompt, cache_read_tokens=cached, output_tokens=reply)
            theirs = calc_price(usage, name, provider_id=provider).total_price
            ours = Decimal(price.cost(Usage(1, prompt, cached, reply))) / PICO
            # rates are whole 1e-12 USD per token, rounded up
            assert theirs <= ours <= theirs + Decimal(prompt + reply) / PICO, name
            compared += 1
    assert compared > 100


def _model(prices: Any) -> ModelInfo:
    return ModelInfo("x", ClauseEquals("x"), prices=prices)


def _provider(name: str = "p") -> Provider:
    return Provider(name, name, "https://p", models=[])


def _price(of_input: str, **more: Any) -> ModelPrice:
    return ModelPrice(input_mtok=Decimal(of_input), output_mtok=Decimal("5"), **more)


def test_the_price_of_today_is_the_last_that_has_begun() -> None:
    model = _model(
        [
            ConditionalPrice(prices=_price("1")),
            ConditionalPrice(StartDateConstraint(date(2026, 1, 1)), prices=_price("2")),
            ConditionalPrice(StartDateConstraint(date(2027, 1, 1)), prices=_price("9")),
        ]
    )
    found = entry_of(_provider(), model, NOON)
    assert found is not None
    assert [rate.input for rate in found.rates] == [2]


def test_a_price_of_some_hours_counts_all_day_where_it_is_higher() -> None:
    night = TimeOfDateConstraint(time(0, tzinfo=UTC), time(4, tzinfo=UTC))
    for base, hourly, most in (("1", "3", 3), ("3", "1", 3)):
        model = _model(
            [ConditionalPrice(prices=_price(base)), ConditionalPrice(night, prices=_price(hourly))]
        )
        found = entry_of(_provider(), model, NOON)
        assert found is not None
        assert found.rates[0].input == most


def test_writing_to_a_cache_counts_where_nobody_asks_for_it() -> None:
    model = _model(_price("2", cache_write_mtok=Decimal("2.5"), cache_read_mtok=Decimal("0.2")))
    asked, unasked = (entry_of(_provider(name), model, NOON) for name in ("anthropic", "openai"))
    assert asked is not None
    assert unasked is not None
    assert (asked.rates[0].input, asked.rates[0].cached) == (Decimal(2), Decimal("0.2"))
    assert (unasked.rates[0].input, unasked.rates[0].cached) == (Decimal("2.5"), Decimal("0.2"))


def test_a_charge_per_request_is_a_price_per_call() -> None:
    model = _model(_price("1", requests_kcount=Decimal(12)))
    found = entry_of(_provider(), model, NOON)
    assert found is not None
    assert found.call == Decimal("0.012")


@pytest.mark.parametrize("name", ["output_reasoning_mtok", "output_citation_mtok"])
def test_charges_that_a_usage_does_not_tell_leave_the_price_unknown(name: str) -> None:
    assert entry_of(_provider(), _model(_price("1", **{name: Decimal(3)})), NOON) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "`x` at `api.openai.com`"),
        ({"base_url": "http://u:secret@127.0.0.1:8000/v1"}, "`x` at `127.0.0.1:8000`"),
        ({"base_url": EnvVar("GRAPHDSL_TEST_NOT_SET")}, "no variable holds yet"),
    ],
)
def test_what_was_looked_up_is_told_without_secrets(options: dict[str, Any], words: str) -> None:
    told = sought(spec("openai", "x", **options))
    assert words in told
    assert "secret" not in told


def test_free_models_do_not_load_the_table() -> None:
    code = """
import sys
from graphdsl.ir.entities import ModelSpec
from graphdsl.prices import price_of
assert price_of(ModelSpec("m", "embedded", "x")) is not None
own = {"usd_per_mtok_in": 1, "usd_per_mtok_out": 1}
assert price_of(ModelSpec("m", "openai", "x", own)) is not None
assert "genai_prices" not in sys.modules
assert price_of(ModelSpec("m", "openai", "gpt-4o-mini")) is not None
assert "genai_prices" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- amounts and budgets


@pytest.mark.parametrize(
    ("amount", "digits", "text"),
    [
        (0, None, "$0"),
        (1, None, "$0.000000000001"),
        (150_000 * 10**6, None, "$0.15"),
        (12 * PICO, None, "$12"),
        (1200 * PICO, 2, "$1200"),
        (1_234_567_890_123, 3, "$1.24"),
        (457_200_000, 2, "$0.00046"),
    ],
)
def test_amounts_as_people_read_them(amount: int, digits: int | None, text: str) -> None:
    assert dollars(amount, digits) == text


@given(st.integers(0, 10**15))
def test_an_amount_in_dollars_is_read_back_exactly(cents: int) -> None:
    assert pico(cents / 100) == cents * PICO // 100


@pytest.mark.parametrize("limit", ["usd", "flops"])
def test_budgets_limit_money_and_operations(limit: str) -> None:
    made: Any = Budget  # so that wrong types can be given
    assert made(**{limit: 0.5}).unlimited is False
    assert made(**{limit: 0}).unlimited is False
    for wrong in (-1, float("inf"), float("nan"), "1", True):
        with pytest.raises(InputError, match=f"the limit `{limit}` must be a (finite )?number"):
            made(**{limit: wrong})
