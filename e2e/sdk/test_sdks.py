"""The article's test: an unmodified Azure SDK, in the pod that the policy made, reads its secret."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest

from apps import APPS
from conftest import AUDIENCE, CLIENT, SECRET, TENANT
from mistakes import no_identity, other_subject
from pod import mutate
from runs import OTHER_TENANT, Run, container, run, walkthrough
from servers import SigningKey


@pytest.mark.parametrize("layout", ["PerPod", "Fixed", "Legacy"])
def test_the_articles_pod_reads_its_secret(world, language, layout):
    account, pod = walkthrough()
    mutated = mutate(world.settings(layout=layout), account, pod)
    run(world, language, mutated, container(mutated)).read_its_secret()


def test_every_container_has_the_identity_but_the_one_that_is_skipped(world):
    account, pod = walkthrough()
    first = pod["spec"]["containers"][0]
    named = lambda name: {**copy.deepcopy(first), "name": name}
    pod["spec"]["containers"] = [first, named("worker"), named("proxy")]
    pod["spec"]["initContainers"] = [named("migrate")]
    pod["metadata"]["annotations"] = {"azure.workload.identity/skip-containers": "proxy"}
    mutated = mutate(world.settings(), account, pod)
    for name in ["migrate", "yadaapi", "worker"]:
        run(world, "python", mutated, container(mutated, name)).read_its_secret()
    run(world, "python", mutated, container(mutated, "proxy")).failed_with("DefaultAzureCredential failed to retrieve a token")


def test_the_tenant_comes_from_the_annotation_before_the_settings(world):
    account, pod = walkthrough()
    account["metadata"]["annotations"]["azure.workload.identity/tenant-id"] = TENANT
    mutated = mutate(world.settings(tenantId=OTHER_TENANT), account, pod)
    run(world, "python", mutated, container(mutated)).read_its_secret()


def test_the_identity_comes_by_its_name(world, language):
    account, pod = walkthrough()
    annotations = account["metadata"]["annotations"]
    del annotations["azure.workload.identity/client-id"]
    annotations["azure.workload.identity/identity"] = "yada"
    mutated = mutate(world.settings(identities={"yada": {"clientId": CLIENT}}), account, pod)
    run(world, language, mutated, container(mutated)).read_its_secret()


def test_each_container_acts_as_its_own_identity(world, language):
    """Only the reader's identity exists in Entra: the other container's is not found there."""
    account, pod = walkthrough()
    account["metadata"]["annotations"]["azure.workload.identity/client-id"] = OTHER_TENANT
    pod["metadata"]["annotations"] = {"azure.workload.identity/container-identities": "reader=yada"}
    pod["spec"]["containers"].append({**copy.deepcopy(pod["spec"]["containers"][0]), "name": "reader"})
    mutated = mutate(world.settings(identities={"yada": {"clientId": CLIENT, "tenantId": TENANT}}), account, pod)
    run(world, language, mutated, container(mutated, "reader")).read_its_secret()
    run(world, language, mutated, container(mutated)).failed_with(f"AADSTS700016: Application with identifier '{OTHER_TENANT}'")


def test_extra_variables_are_expanded_as_the_kubelet_does(world):
    account, pod = walkthrough()
    extra = [
        {"name": "ARM_CLIENT_ID", "value": "$(AZURE_CLIENT_ID)"},
        {"name": "ARM_OIDC_TOKEN_FILE_PATH", "value": "$(AZURE_FEDERATED_TOKEN_FILE)"},
    ]
    mutated = mutate(world.settings(extraEnv=extra), account, pod)
    argv = ["sh", "-c", 'printf "%s %s\\n" "$ARM_CLIENT_ID" "$ARM_OIDC_TOKEN_FILE_PATH"; test -r "$ARM_OIDC_TOKEN_FILE_PATH"']
    done = run(world, "python", mutated, container(mutated), argv=argv)
    assert (done.code, done.out) == (0, f"{CLIENT} /var/run/secrets/azure/wi/d3f089d52aa311812405d5d067015a/token/azure-identity-token\n"), done.err


def test_the_token_can_not_be_written(world):
    account, pod = walkthrough()
    mutated = mutate(world.settings(), account, pod)
    argv = ["sh", "-c", 'echo x > "$AZURE_FEDERATED_TOKEN_FILE"']
    run(world, "python", mutated, container(mutated), argv=argv).failed_with("Read-only file system")


# === What must not work ===


def test_without_the_label_there_is_no_credential(world, language):
    texts = {
        "python": "WorkloadIdentityCredential authentication unavailable",
        "javascript": "CredentialUnavailableError: EnvironmentCredential is unavailable",
        "go": "WorkloadIdentityCredential: no client ID specified",
        "java": "WorkloadIdentityCredential authentication unavailable",
    }
    no_identity(world, language).failed_with(texts[language])


def test_another_service_accounts_token_matches_no_federated_credential(world, language):
    other_subject(world, language).failed_with("AADSTS700213: No matching federated identity record found for presented assertion subject")


def test_an_expired_token_is_refused(world):
    account, pod = walkthrough()
    mutated = mutate(world.settings(), account, pod)
    expired = lambda namespace, name, audience, _: world.issuer.token(namespace, name, audience, -60)
    run(world, "python", mutated, container(mutated), sign=expired).failed_with("AADSTS700024: Client assertion is not within its valid time range")


def test_a_token_of_another_signer_is_refused(world):
    account, pod = walkthrough()
    mutated = mutate(world.settings(), account, pod)
    key = SigningKey()
    forged = lambda *arguments: world.issuer.token(*arguments, key=key)
    run(world, "python", mutated, container(mutated), sign=forged).failed_with("AADSTS50027: JWT token is invalid or malformed")


def test_a_wrong_tenant_is_not_the_vaults(world):
    account, pod = walkthrough()
    mutated = mutate(world.settings(tenantId=OTHER_TENANT), account, pod)
    run(world, "python", mutated, container(mutated)).failed_with(f"not configured to acquire tokens for tenant {TENANT}")


def test_an_identity_that_does_not_exist_is_not_found(world):
    account, pod = walkthrough()
    account["metadata"]["annotations"]["azure.workload.identity/client-id"] = OTHER_TENANT
    mutated = mutate(world.settings(), account, pod)
    run(world, "python", mutated, container(mutated)).failed_with(f"AADSTS700016: Application with identifier '{OTHER_TENANT}' was not found")


# === Rotation ===


def test_the_next_token_request_uses_the_rotated_token(world):
    account, pod = walkthrough()
    mutated = mutate(world.settings(), account, pod)
    app = world.app("python")
    volumes = world.kubelet.volumes(mutated)
    (name, volume), before = next(iter(volumes.items())), len(world.entra.assertions)
    process = world.kubelet.start(
        mutated, container(mutated), volumes, [app.argv[0], str(APPS / "python/rotation.py")], {**app.image, "AKV_URL": world.vault.url}
    )
    world.entra.token_lifetime = 2
    try:
        assert process.stdout.readline().strip() == SECRET, process.stderr.read()
        spec = next(v for v in mutated["spec"]["volumes"] if v["name"] == name)
        volume.write(world.kubelet.tokens(mutated, spec))
        Run(process, "\n").read_its_secret()
    finally:
        world.entra.token_lifetime = 3599
        process.kill()
    first, *_, last = world.entra.assertions[before:]
    assert first != last
    current = next((volume.folder / "..data").rglob("azure-identity-token")).read_text()
    assert last == current


# === Breaking the policy on purpose is noticed ===


def broken(change) -> dict:
    def apply(world):
        account, pod = walkthrough()
        mutated = mutate(world.settings(), account, pod)
        change(mutated, container(mutated))
        return mutated

    return apply


def wrong_audience(pod, _):
    next(v for v in pod["spec"]["volumes"] if "projected" in v)["projected"]["sources"][0]["serviceAccountToken"]["audience"] = "api://other"


def wrong_path(pod, _):
    next(v for v in pod["spec"]["volumes"] if "projected" in v)["projected"]["sources"][0]["serviceAccountToken"]["path"] = "token"


def no_mount(_, container):
    container["volumeMounts"] = []


def without(name):
    def change(_, container):
        container["env"] = [entry for entry in container["env"] if entry["name"] != name]

    change.__name__ = f"without_{name}"
    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (wrong_audience, "AADSTS700212: No matching federated identity record found for presented assertion audience"),
        (wrong_path, "Not a directory"),
        (no_mount, "No such file or directory"),
        (without("AZURE_CLIENT_ID"), "no client ID was provided"),
        (without("AZURE_TENANT_ID"), "WorkloadIdentityCredential authentication unavailable"),
        (without("AZURE_FEDERATED_TOKEN_FILE"), "WorkloadIdentityCredential authentication unavailable"),
        (without("AZURE_AUTHORITY_HOST"), "login.microsoftonline.com"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_notices_a_pod_that_is_wrong(world, change, text):
    mutated = broken(change)(world)
    run(world, "python", mutated, container(mutated)).failed_with(text)


def test_leaves_the_machine_as_it_was(world):
    assert AUDIENCE and shutil.which("unshare")
    assert not Path("/var/run/secrets/azure").exists()
    assert "yadavault" not in Path("/etc/hosts").read_text()
