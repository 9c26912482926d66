"""The label rules of a grammar as tensors: which operations may come next, and which nodes may feed them.

The rules themselves are in `models/spaces/grammar.py`; `T` counts the types of the vocabulary.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from models.spaces.grammar import Grammar


class LabelTable(NamedTuple):
    """A row for each type; `input` and `output` have rules of no nodes.

    `in_degree`: `T`; `feeds`: `T x T`, bool, whether the type of the column may feed that of the row; `single_use`: `T`, bool;
    `same_rule`: `T x T`, float, 1 where two types are counted together; `most`: `T`, how many nodes of them there may be.
    """

    in_degree: Tensor
    feeds: Tensor
    single_use: Tensor
    same_rule: Tensor
    most: Tensor

    def open_types(self, types: Tensor, dangling: Tensor) -> Tensor:
        """Which types a new node may have, `b x T`, bool, given the types of the nodes so far and whether they dangle, `b x t`."""
        placed = torch.nn.functional.one_hot(types, len(self.most)).sum(dim=1).to(self.same_rule.dtype)  # b x T
        has_place = placed @ self.same_rule < self.most
        usable = self._usable(types, dangling).to(self.same_rule.dtype)  # b x t
        present = torch.zeros_like(placed).scatter_add(1, types, usable)  # b x T
        is_fed = present @ self.feeds.T.to(self.same_rule.dtype) >= self.in_degree
        return has_place & is_fed

    def sources(self, new_types: Tensor, types: Tensor, dangling: Tensor) -> Tensor:
        """Which of the nodes so far may feed a new node of the types `new_types` (`b`): `b x t`, bool."""
        return self.feeds[new_types].gather(1, types) & self._usable(types, dangling)

    def _usable(self, types: Tensor, dangling: Tensor) -> Tensor:
        return dangling | ~self.single_use[types]


@lru_cache(maxsize=64)
def label_table(grammar: Grammar, device: torch.device) -> LabelTable:
    """The table of a grammar whose label rules cover every operation."""
    place = {label: index for index, label in enumerate(grammar.vocabulary)}
    size = len(place)
    in_degree = torch.zeros(size, dtype=torch.long)
    feeds = torch.zeros(size, size, dtype=torch.bool)
    single_use = torch.zeros(size, dtype=torch.bool)
    same_rule = torch.zeros(size, size)
    most = torch.zeros(size)
    for rule in grammar.label_rules:
        members = [place[label] for label in rule.labels]
        sources = [place[label] for label in rule.predecessors]
        for member in members:
            in_degree[member] = rule.in_degree
            feeds[member, sources] = True
            single_use[member] = rule.single_use
            same_rule[member, members] = 1.0
            most[member] = rule.count
    return LabelTable(*(tensor.to(device) for tensor in (in_degree, feeds, single_use, same_rule, most)))
