"""Why a line is priced the way it is, or is not: one bit and one sentence a remark, so that bulk code can combine
them."""

from enum import IntFlag

import numpy as np

from ledger.money import Int64s


class Reason(IntFlag):
    NO_MODEL = 1
    UNKNOWN_MODEL = 1 << 1
    UNKNOWN_PROVIDER = 1 << 2
    SEVERAL_PRICES = 1 << 3
    ASSUMED_PROVIDER = 1 << 4
    NO_TIER_PRICE = 1 << 5
    NO_START = 1 << 6
    NOT_IN_FORCE = 1 << 7
    NO_UNIT_PRICE = 1 << 8
    PRICE_OF_WHOLE = 1 << 9
    LIFETIME_UNKNOWN = 1 << 10
    INPUT_PARTS = 1 << 11
    MEDIA_PARTS = 1 << 12
    LIFETIME_PARTS = 1 << 13
    OUTPUT_PARTS = 1 << 14
    USAGE_MISSING = 1 << 15
    INPUT_MISSING = 1 << 16
    OUTPUT_MISSING = 1 << 17
    COUNT_IMPOSSIBLE = 1 << 18
    SIZE_UNKNOWN = 1 << 19
    MAKERS_PRICE = 1 << 20
    DURATION_UNKNOWN = 1 << 21


NO_REMARK = Reason(0)

TEXTS = {
    Reason.NO_MODEL: "no model is named",
    Reason.UNKNOWN_MODEL: "the price book does not know the model",
    Reason.UNKNOWN_PROVIDER: "the price book knows neither the provider nor, by its name alone, the model",
    Reason.SEVERAL_PRICES: "several providers sell a model of this name at different prices",
    Reason.MAKERS_PRICE: "no provider named: price of the model's maker",
    Reason.ASSUMED_PROVIDER: "provider not known: the only price of a model of this name",
    Reason.NO_TIER_PRICE: "no price for this service tier: ordinary price",
    Reason.NO_START: "no start time, and the price has changed over time",
    Reason.NOT_IN_FORCE: "no price in force at the start",
    Reason.NO_UNIT_PRICE: "the price book has no price for this unit",
    Reason.PRICE_OF_WHOLE: "no price of its own: price of the tokens it is part of",
    Reason.LIFETIME_UNKNOWN: "cache lifetime not reported: price for 5 minutes",
    Reason.INPUT_PARTS: "cached tokens exceed tokens in: all booked as fresh input",
    Reason.MEDIA_PARTS: "audio, image and cached tokens exceed tokens in: audio and images not told apart",
    Reason.LIFETIME_PARTS: "cache lifetimes exceed tokens written: not told apart",
    Reason.OUTPUT_PARTS: "reasoning and audio tokens exceed tokens out: not told apart",
    Reason.USAGE_MISSING: "usage not reported",
    Reason.INPUT_MISSING: "tokens in not reported",
    Reason.OUTPUT_MISSING: "tokens out not reported",
    Reason.COUNT_IMPOSSIBLE: "a count is negative or above 10^14: usage not booked",
    Reason.SIZE_UNKNOWN: "tokens in not reported: price of the smallest requests",
    Reason.DURATION_UNKNOWN: "start or end not sent, or more than a year apart: seconds of the tool not known",
}


def worded(bits: Int64s) -> tuple[Int64s, list[str | None]]:
    """A code by line, and by code its sentences, joined by semicolons; None where there is no remark."""
    distinct, codes = np.unique(bits, return_inverse=True)
    return codes, ["; ".join(text for flag, text in TEXTS.items() if int(value) & flag) or None for value in distinct]
