"""The mistakes of docs/troubleshooting.md, each made once with each SDK: the output is kept for later runs."""

from __future__ import annotations

from functools import cache

from conftest import CLIENT, SUBJECT, World
from pod import mutate
from runs import OTHER_TENANT, Run, container, run, walkthrough
from servers import FederatedCredential


@cache
def no_identity(world: World, language: str) -> Run:
    account, pod = walkthrough()
    del account["metadata"]["labels"]
    mutated = mutate(world.settings(), account, pod)
    return run(world, language, mutated, container(mutated))


@cache
def other_subject(world: World, language: str) -> Run:
    account, pod = walkthrough()
    account["metadata"]["name"] = pod["spec"]["serviceAccountName"] = "another"
    mutated = mutate(world.settings(), account, pod)
    return run(world, language, mutated, container(mutated))


@cache
def other_case(world: World, language: str) -> Run:
    """The federated credential was made for `Default`, as a person types it."""
    kept = world.entra.credentials[CLIENT]
    world.entra.credentials[CLIENT] = [FederatedCredential(c.issuer, SUBJECT.replace("default", "Default"), c.audience) for c in kept]
    try:
        account, pod = walkthrough()
        mutated = mutate(world.settings(), account, pod)
        return run(world, language, mutated, container(mutated))
    finally:
        world.entra.credentials[CLIENT] = kept


@cache
def no_such_identity(world: World, language: str) -> Run:
    account, pod = walkthrough()
    account["metadata"]["annotations"]["azure.workload.identity/client-id"] = OTHER_TENANT
    mutated = mutate(world.settings(), account, pod)
    return run(world, language, mutated, container(mutated))


@cache
def no_token_file(world: World, language: str) -> Run:
    account, pod = walkthrough()
    mutated = mutate(world.settings(), account, pod)
    container(mutated)["volumeMounts"] = []
    return run(world, language, mutated, container(mutated))


MISTAKES = {
    "The pod has no identity": no_identity,
    "The federated credential has another subject": other_subject,
    "The federated credential's subject differs by case": other_case,
    "There is no such client ID in the tenant": no_such_identity,
    "The token's file is not there": no_token_file,
}
