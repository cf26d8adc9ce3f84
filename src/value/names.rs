//! Every string of the wire, once, each with its source.
//!
//! "Webhook" is azure-workload-identity v1.6.0, which has the names of today, file `pkg/webhook/consts.go`, unless another file is named.

/// What all labels and annotations of workload identity begin with (webhook).
pub const PREFIX: &str = "azure.workload.identity/";
/// Label of `ServiceAccounts` and pods (webhook `UseWorkloadIdentityLabel`).
pub const USE_LABEL: &str = "azure.workload.identity/use";
/// ServiceAccount annotation: the managed identity's client ID (webhook `ClientIDAnnotation`).
pub const CLIENT_ID: &str = "azure.workload.identity/client-id";
/// ServiceAccount annotation: the identity's tenant ID (webhook `TenantIDAnnotation`).
pub const TENANT_ID: &str = "azure.workload.identity/tenant-id";
/// Annotation of a pod or its ServiceAccount that chooses the layout for that pod: for programs that have the token's path in them.
pub const LAYOUT: &str = "azure.workload.identity/layout";
/// Annotation of either object: seconds the projected token is valid (webhook `ServiceAccountTokenExpiryAnnotation`).
pub const TOKEN_EXPIRATION: &str = "azure.workload.identity/service-account-token-expiration";
/// Pod annotation: containers that get nothing, separated by `;` (webhook `SkipContainersAnnotation`).
pub const SKIP_CONTAINERS: &str = "azure.workload.identity/skip-containers";
/// ServiceAccount annotation: the name of an identity in the policy's setting `identities`, in place of [`CLIENT_ID`] (this policy's own).
pub const IDENTITY: &str = "azure.workload.identity/identity";
/// Pod annotation: containers that get another identity than the ServiceAccount's, as `worker=payments; reader=CLIENT_ID` (this policy's
/// own).
pub const CONTAINER_IDENTITIES: &str = "azure.workload.identity/container-identities";
/// Pod annotation: asks for the proxy sidecar (webhook `InjectProxySidecarAnnotation`).
pub const INJECT_PROXY_SIDECAR: &str = "azure.workload.identity/inject-proxy-sidecar";
/// Pod annotation: the port that the proxy listens on (webhook `ProxySidecarPortAnnotation`).
pub const PROXY_SIDECAR_PORT: &str = "azure.workload.identity/proxy-sidecar-port";
/// What a custom token endpoint's pod annotation begins with (webhook `webhook.go`, `NewPodMutator`).
pub const USE_ENDPOINT_PREFIX: &str = "azure.workload.identity/use-";
/// The annotation by which the kubelet marks a static pod's mirror (Kubernetes `core/v1` `MirrorPodAnnotationKey`).
pub const MIRROR_POD: &str = "kubernetes.io/config.mirror";
/// The label of the retired aad-pod-identity (its `pkg/apis/aadpodidentity/v1/types.go`, `CRDLabelKey`).
pub const RETIRED_BINDING: &str = "aadpodidbinding";

/// Environment variable: the managed identity's client ID (webhook `AzureClientIDEnvVar`).
pub const AZURE_CLIENT_ID: &str = "AZURE_CLIENT_ID";
/// Environment variable: the tenant (webhook `AzureTenantIDEnvVar`).
pub const AZURE_TENANT_ID: &str = "AZURE_TENANT_ID";
/// Environment variable: where the projected token is (webhook `AzureFederatedTokenFileEnvVar`).
pub const AZURE_FEDERATED_TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
/// Environment variable: the cloud's authority host (webhook `AzureAuthorityHostEnvVar`).
pub const AZURE_AUTHORITY_HOST: &str = "AZURE_AUTHORITY_HOST";

/// The four variables of an identity, in the order in which they are written.
pub const IDENTITY_VARIABLES: [&str; 4] =
    [AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST];

/// What the reserved volume's name begins with (webhook `ProjectedVolumeNamePrefix`).
pub const VOLUME_PREFIX: &str = "azure-workload-identity-reserved-";
/// What every version of the webhook mounts its volumes below (webhook `VolumeMountPath`, and `TokenFileMountPath` of v1.5.1).
pub const SECRETS_PATH: &str = "/var/run/secrets/azure";
/// Where the volume is mounted, or below (webhook `VolumeMountPath`).
pub const MOUNT_PATH: &str = "/var/run/secrets/azure/wi";
/// The volume of the fallback (`azwi-policy fallback`), except in the layout Legacy.
pub const FALLBACK_VOLUME: &str = "azure-workload-identity-reserved-fallback";
/// Where the fallback mounts it: beside every place of a webhook, and neither above nor below one, so that both can be in a container.
pub const FALLBACK_MOUNT_PATH: &str = "/var/run/secrets/azure/fallback";
/// The variables in the order in which the fallback appends them, which tells them from those that the policy or a person wrote.
pub const FALLBACK_VARIABLES: [&str; 4] =
    [AZURE_FEDERATED_TOKEN_FILE, AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_AUTHORITY_HOST];
/// The token's path within the volume (webhook `TokenFilePath`).
pub const TOKEN_PATH: &str = "token/azure-identity-token";
/// The volume's name up to webhook v1.5 (`consts.go` of v1.5.1, `TokenFilePathName`).
pub const LEGACY_VOLUME: &str = "azure-identity-token";
/// The mount path up to webhook v1.5 (`consts.go` of v1.5.1, `TokenFileMountPath`).
pub const LEGACY_MOUNT_PATH: &str = "/var/run/secrets/azure/tokens";
/// The token's path within the volume up to webhook v1.5.
pub const LEGACY_TOKEN_PATH: &str = "azure-identity-token";
/// The endpoint's certificate authority within the volume (webhook `CAFilePath`).
pub const CA_PATH: &str = "ca-cert/ca.crt";
/// Audience of the projected token (webhook `DefaultAudience`).
pub const DEFAULT_AUDIENCE: &str = "api://AzureADTokenExchange";

/// A custom token endpoint's address (webhook `AzureKubernetesTokenProxyEnvVar`).
pub const AZURE_KUBERNETES_TOKEN_PROXY: &str = "AZURE_KUBERNETES_TOKEN_PROXY";
/// Variables of a custom token endpoint (webhook `AzureKubernetes…EnvVar`).
pub const TOKEN_ENDPOINT_VARIABLES: [&str; 4] = [
    AZURE_KUBERNETES_TOKEN_PROXY,
    "AZURE_KUBERNETES_SNI_NAME",
    "AZURE_KUBERNETES_CA_FILE",
    "AZURE_KUBERNETES_CA_DATA",
];

/// Containers that others add to a pod after this policy has seen it, and that `skip-containers` may name before they are there: Istio,
/// Linkerd, Dapr, Consul, Kuma, Vault.
pub const ADDED_LATER: [&str; 12] = [
    "istio-proxy",
    "istio-init",
    "istio-validation",
    "linkerd-proxy",
    "linkerd-init",
    "daprd",
    "consul-dataplane",
    "consul-connect-inject-init",
    "kuma-sidecar",
    "kuma-init",
    "vault-agent",
    "vault-agent-init",
];

/// Longest name of a volume (Kubernetes: an RFC 1123 label).
pub const VOLUME_NAME_MAX: usize = 63;
