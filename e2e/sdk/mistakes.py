"""The mistakes of docs/troubleshooting.md, each made once with each SDK: the output is kept for later runs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from conftest import CLIENT, SUBJECT, World
from pod import mutate
from runs import OTHER_TENANT, Run, container, run, walkthrough
from servers import SigningKey


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


def with_credential(world: World, language: str, **changed: str) -> Run:
    """The walkthrough, with another federated credential in place of its own."""
    kept = world.entra.credentials[CLIENT]
    world.entra.credentials[CLIENT] = [replace(credential, **changed) for credential in kept]
    try:
        account, pod = walkthrough()
        mutated = mutate(world.settings(), account, pod)
        return run(world, language, mutated, container(mutated))
    finally:
        world.entra.credentials[CLIENT] = kept


@cache
def other_case(world: World, language: str) -> Run:
    """The federated credential was made for `Default`, as a person types it."""
    return with_credential(world, language, subject=SUBJECT.replace("default", "Default"))


@cache
def other_issuer(world: World, language: str) -> Run:
    """The federated credential is that of another cluster."""
    return with_credential(world, language, issuer="https://eastus.oic.prod-aks.azure.com/another/")


@cache
def other_audience(world: World, language: str) -> Run:
    return with_credential(world, language, audience="api://another")


def with_annotation(world: World, language: str, name: str) -> Run:
    """The walkthrough, with another ID in an annotation of its ServiceAccount."""
    account, pod = walkthrough()
    account["metadata"]["annotations"][f"azure.workload.identity/{name}"] = OTHER_TENANT
    mutated = mutate(world.settings(), account, pod)
    return run(world, language, mutated, container(mutated))


@cache
def no_such_identity(world: World, language: str) -> Run:
    return with_annotation(world, language, "client-id")


@cache
def no_token_file(world: World, language: str) -> Run:
    account, pod = walkthrough()
    mutated = mutate(world.settings(), account, pod)
    container(mutated)["volumeMounts"] = []
    return run(world, language, mutated, container(mutated))


@cache
def other_tenant(world: World, language: str) -> Run:
    return with_annotation(world, language, "tenant-id")


@cache
def expired_token(world: World, language: str) -> Run:
    """The token was not renewed: it is mounted by `subPath`, or kept by the application."""
    account, pod = walkthrough()
    mutated = mutate(world.settings(), account, pod)
    expired = lambda namespace, name, audience, _: world.issuer.token(namespace, name, audience, -60)
    return run(world, language, mutated, container(mutated), sign=expired)


@cache
def another_key(world: World, language: str) -> Run:
    """The token is signed with a key that the issuer does not publish: a copied cluster, or a key that was rotated."""
    account, pod = walkthrough()
    mutated = mutate(world.settings(), account, pod)
    key = SigningKey()
    forged = lambda *arguments: world.issuer.token(*arguments, key=key)
    return run(world, language, mutated, container(mutated), sign=forged)


MISTAKES = {
    "The pod has no identity": no_identity,
    "The federated credential has another subject": other_subject,
    "The federated credential's subject differs by case": other_case,
    "There is no such client ID in the tenant": no_such_identity,
    "The token's file is not there": no_token_file,
    "The federated credential has another issuer": other_issuer,
    "The federated credential has another audience": other_audience,
    "The vault belongs to another tenant": other_tenant,
    "The token has expired": expired_token,
    "The token is signed with another key": another_key,
}
