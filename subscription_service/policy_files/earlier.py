"""The policies that went before: made again from what was stored of them, and kept with the restarts that ended them.

`StoredPolicies` is the latest first: `until`, the instant of the restart (ISO 8601), and `policy`, its values as in
`comparison.policy_document`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, TypeAlias

from subscription_service.domain.policy import EarlierPolicy, Policy
from subscription_service.policy_files.comparison import RuleDocument, policy_document
from subscription_service.policy_files.policy import PolicyFile, load_policy

StoredPolicies: TypeAlias = Sequence[Mapping[str, Any]]
_KEPT: Final = 5
"""Only an account that has not caught up for so many changes of the policy could need more."""


def fingerprint(policy: Policy) -> str:
    """Equal for equal values, in a later version too: a value that is as by default is left out, so one that is added
    there, and by default changes nothing, is no other policy.
    """
    values = ((each, getattr(policy, each.name)) for each in fields(policy) if each.name != "earlier")
    chosen = [(each.name, value) for each, value in values if value != each.default]
    return blake2b(repr(chosen).encode(), digest_size=16).hexdigest()


def policy_of(document: RuleDocument) -> Policy:
    """The policy in a document; a value that an older version did not know is as in the default file.

    Raises `ValueError` where this version cannot read it.
    """
    known = {**policy_document(load_policy()), **document}
    values = {name.removeprefix("policy."): value for name, value in known.items() if name.startswith("policy.")}
    return PolicyFile(park_for_minutes=values.pop("park_for"), **values).policy()


def applied_before(policy: Policy, applied: str, documents: Iterable[RuleDocument]) -> Policy:
    """Of the rules that were in force, the latest first: the policy with the fingerprint `applied`, else the latest
    that differs from `policy`, which itself is taken where there is none.
    """
    known = [each for each in map(_readable, documents) if each is not None and each != policy]
    same = (each for each in known if fingerprint(each) == applied)
    return next(same, known[0] if known else policy)


def ended(policy: Policy, until: datetime, before: StoredPolicies) -> StoredPolicies:
    """`before`, and `policy`, which a restart at `until` has ended."""
    return [{"until": until.isoformat(), "policy": policy_document(policy)}, *before][:_KEPT]


def never_in_force(until: datetime, before: StoredPolicies) -> StoredPolicies:
    """`before` where the last change was not carried through: what it was to end went on until this restart."""
    return [{**before[0], "until": until.isoformat()}, *before[1:]] if before else []


def after(policy: Policy, stored: StoredPolicies) -> Policy:
    """The policy with all that went before. Raises `ValueError` where this version cannot read it."""
    earlier: EarlierPolicy | None = None
    for each in reversed(stored):
        until = datetime.fromisoformat(each["until"])
        earlier = EarlierPolicy(policy=replace(policy_of(each["policy"]), earlier=earlier), until=until)
    return replace(policy, earlier=earlier)


def _readable(document: RuleDocument) -> Policy | None:
    try:
        return policy_of(document)
    except ValueError:
        return None
