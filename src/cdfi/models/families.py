"""Families of networks: the Config and the class of each, and how a file names them."""

import json
from typing import Any, NamedTuple

from cdfi.models.config import Config
from cdfi.models.flow_config import FAMILY, FlowConfig
from cdfi.models.flow_network import FlowNetwork
from cdfi.models.network import Network
from cdfi.models.timed import Architecture, TimedNetwork

AnyNetwork = Network | TimedNetwork


class Family(NamedTuple):
    """A kind of Config, and the network that is built from it."""

    config: type[Any]  # with ``from_json`` and ``to_json``
    network: type[Any]


#: Value of "family" in the JSON of a Config -> the classes. Files without it hold the first.
FAMILIES = {"adacof": Family(Config, Network), FAMILY: Family(FlowConfig, FlowNetwork)}


def build_network(config: Architecture) -> AnyNetwork:
    """Return a network of this architecture with new parameters.

    Raises:
        ValueError: a Config of another class.
    """
    for family in FAMILIES.values():
        if isinstance(config, family.config):
            network: AnyNetwork = family.network(config)
            return network
    raise ValueError(f"expected a Config of {', '.join(FAMILIES)}; got a {type(config).__name__}")


def takes_time(config: Architecture) -> bool:
    """Return whether networks of this architecture compute any instant."""
    return any(
        isinstance(config, family.config) and family.network.takes_time
        for family in FAMILIES.values()
    )


def config_from_json(text: str) -> Architecture:
    """Return the Config that ``text`` describes.

    Raises:
        ValueError: ``text`` is not the JSON of a Config, or of an unknown family.
    """
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        row = None  # the parser of the family reports the error
    name = row.get("family", "adacof") if isinstance(row, dict) else "adacof"
    if not isinstance(name, str) or name not in FAMILIES:
        raise ValueError(f"unknown family of networks {name!r}: known are {', '.join(FAMILIES)}")
    config: Architecture = FAMILIES[name].config.from_json(text)
    return config
