//! Who else asks for an identity's tokens: objects that make an operator present the token of a ServiceAccount, or that tell it a client ID.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    accounts::Accounts,
    kinds::{account_name, group_version, kind, name_of, namespace_of},
    object::Object,
    presented::{Presented, annotated, of_account},
    yaml::{Step, steps},
};

/// A token that an object asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The object, by its index among those of the run.
    pub object: usize,
    /// Where in it.
    pub path: Vec<Step>,
    /// The namespace and the name of the ServiceAccount whose token it is.
    pub account: (String, String),
    /// The client ID that the object names; none where the account's annotation counts.
    pub client_id: Option<String>,
    /// Whether the client ID is told somewhere that is not printed: in a Secret.
    pub is_secret: bool,
}

impl Asked {
    /// The ServiceAccount needs no annotation: its client ID stands elsewhere.
    #[must_use]
    pub fn tells_client_id(&self) -> bool {
        self.is_secret || self.client_id.is_some()
    }

    /// The token, where its client ID is known.
    #[must_use]
    pub fn token(&self, accounts: &Accounts, issuer: Option<&str>, settings: &Value) -> Option<Presented> {
        if self.is_secret {
            return None;
        }
        let account = accounts.found.get(&self.account).map(|account| &*account.value);
        let client_id = self.client_id.as_deref().or_else(|| annotated(account?))?;
        let (namespace, name) = &self.account;
        of_account(issuer, settings, (namespace, name), client_id)
    }
}

/// The objects of a run, with what they have in common.
struct Run<'r> {
    objects: &'r [Object],
    accounts: &'r Accounts,
    /// The pods, each with its namespace.
    pods: &'r [(&'r str, &'r Value)],
    namespace: &'r str,
}

/// What the objects ask for. `pods` are those that they make, each with its namespace, and `namespace` is that of objects that name none.
#[must_use]
pub fn asked(
    objects: &[Object],
    accounts: &Accounts,
    pods: &[(&str, &Value)],
    namespace: &str,
) -> Vec<Asked> {
    let run = Run { objects, accounts, pods, namespace };
    objects.iter().enumerate().flat_map(|(index, object)| run.of(index, &object.value)).collect()
}

impl Run<'_> {
    fn of(&self, index: usize, object: &Value) -> Vec<Asked> {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
        let own = namespace_of(object, self.namespace);
        let asked = |path: &str, account, client_id: Option<&str>| Asked {
            object: index,
            path: steps(path),
            account,
            client_id: client_id.map(str::to_owned),
            is_secret: false,
        };
        match (group_version(object).0, kind(object)) {
            // KEDA, "Azure AD Workload Identity".
            ("keda.sh", "TriggerAuthentication" | "ClusterTriggerAuthentication")
                if text("/spec/podIdentity/provider") == Some("azure-workload") =>
            {
                let account = self.operator("keda", "keda-operator");
                vec![asked("spec.podIdentity", account, text("/spec/podIdentity/identityId"))]
            }
            // External Secrets, "Azure Key Vault", authType WorkloadIdentity.
            ("external-secrets.io", kind @ ("SecretStore" | "ClusterSecretStore"))
                if text("/spec/provider/azurekv/authType") == Some("WorkloadIdentity") =>
            {
                let path = "spec.provider.azurekv";
                let name = text("/spec/provider/azurekv/serviceAccountRef/name");
                let there = text("/spec/provider/azurekv/serviceAccountRef/namespace");
                let account = match (name, kind, there) {
                    (None, ..) => self.operator("external-secrets", "external-secrets"),
                    (Some(name), "SecretStore", _) => (own.to_owned(), name.to_owned()),
                    (Some(name), _, Some(there)) => (there.to_owned(), name.to_owned()),
                    // Every namespace that uses the store has its own.
                    (Some(_), _, None) => return Vec::new(),
                };
                let is_secret = object.pointer("/spec/provider/azurekv/authSecretRef/clientId").is_some();
                vec![Asked { is_secret, ..asked(path, account, None) }]
            }
            // The Azure provider of the Secrets Store CSI driver, "Workload Identity".
            ("secrets-store.csi.x-k8s.io", "SecretProviderClass")
                if text("/spec/provider") == Some("azure") =>
            {
                let Some(client_id) = text("/spec/parameters/clientID") else { return Vec::new() };
                let accounts = self.mounting(own, name_of(object));
                accounts
                    .into_iter()
                    .map(|account| asked("spec.parameters.clientID", account, Some(client_id)))
                    .collect()
            }
            // cert-manager, "Azure DNS".
            ("cert-manager.io", "Issuer" | "ClusterIssuer") => {
                let solvers =
                    object.pointer("/spec/acme/solvers").and_then(Value::as_array).into_iter().flatten();
                let client_id = |solver: &Value| {
                    let id = solver.pointer("/dns01/azureDNS/managedIdentity/clientID")?.as_str()?;
                    Some(id.to_owned())
                };
                let named = solvers.enumerate().filter_map(|(at, solver)| Some((at, client_id(solver)?)));
                named
                    .map(|(at, id)| {
                        let path = format!("spec.acme.solvers[{at}].dns01.azureDNS.managedIdentity.clientID");
                        asked(&path, self.operator("cert-manager", "cert-manager"), Some(&id))
                    })
                    .collect()
            }
            // Flux, "Azure": at the level of an object by its serviceAccountName, else by the controller's own.
            (group @ ("source.toolkit.fluxcd.io" | "image.toolkit.fluxcd.io"), _)
                if text("/spec/provider") == Some("azure") =>
            {
                let controller = if group.starts_with("image") {
                    "image-reflector-controller"
                } else {
                    "source-controller"
                };
                let account = match text("/spec/serviceAccountName") {
                    Some(name) => (own.to_owned(), name.to_owned()),
                    None => self.operator("flux-system", controller),
                };
                vec![asked("spec.provider", account, None)]
            }
            ("kustomize.toolkit.fluxcd.io", "Kustomization") => {
                let name = text("/spec/decryption/serviceAccountName");
                let path = "spec.decryption.serviceAccountName";
                name.map(|name| asked(path, (own.to_owned(), name.to_owned()), None)).into_iter().collect()
            }
            // Azure Service Operator, "Authentication": its Secrets are called so, whatever is in them.
            ("", "Secret") if matches!(name_of(object), "aso-credential" | "aso-controller-settings") => {
                let has_id = ["stringData", "data"]
                    .iter()
                    .any(|field| object.pointer(&format!("/{field}/AZURE_CLIENT_ID")).is_some());
                let account = self.operator("azureserviceoperator-system", "azureserviceoperator-default");
                let secret = Asked { is_secret: true, ..asked("metadata.name", account, None) };
                has_id.then_some(secret).into_iter().collect()
            }
            // Crossplane's Azure provider, "Authentication", OIDCTokenFile: its pods' account is named by the runtime's configuration.
            ("azure.upbound.io" | "azure.m.upbound.io", "ProviderConfig" | "ClusterProviderConfig")
                if text("/spec/credentials/source") == Some("OIDCTokenFile") =>
            {
                let Some(name) = self.crossplane() else { return Vec::new() };
                vec![asked("spec.clientID", self.operator("crossplane-system", name), text("/spec/clientID"))]
            }
            _ => Vec::new(),
        }
    }

    /// An operator's own ServiceAccount: in the namespace where the files have it, else where its documentation installs it.
    fn operator(&self, namespace: &str, name: &str) -> (String, String) {
        (self.accounts.only(name).unwrap_or(namespace).to_owned(), name.to_owned())
    }

    /// The ServiceAccounts of pods that mount a `SecretProviderClass`.
    fn mounting(&self, namespace: &str, class: &str) -> Vec<(String, String)> {
        let mounts = |pod: &Value| {
            let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
            let mut classes = volumes.filter_map(|volume| {
                let csi = volume.get("csi").filter(|csi| {
                    csi.get("driver").is_some_and(|driver| driver == "secrets-store.csi.k8s.io")
                });
                csi?.pointer("/volumeAttributes/secretProviderClass")?.as_str()
            });
            classes.any(|one| one == class)
        };
        let pods = self.pods.iter().filter(|(own, pod)| *own == namespace && mounts(pod));
        let names: BTreeSet<&str> = pods.map(|(_, pod)| account_name(pod)).collect();
        names.into_iter().map(|name| (namespace.to_owned(), name.to_owned())).collect()
    }

    /// The account of Crossplane's provider, where one configuration names it.
    fn crossplane(&self) -> Option<&str> {
        let mut names = self.objects.iter().map(|object| &object.value).filter_map(|value| {
            let is_it =
                group_version(value).0 == "pkg.crossplane.io" && kind(value) == "DeploymentRuntimeConfig";
            is_it.then(|| value.pointer("/spec/serviceAccountTemplate/metadata/name")?.as_str()).flatten()
        });
        names.next().filter(|_| names.next().is_none())
    }
}
