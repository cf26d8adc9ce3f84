#!/usr/bin/env bash
# setup.sh: everything on Azure's side for the walkthrough: an AKS cluster with an OIDC issuer, a managed identity, a Key
# Vault with a secret, and the federated credential that ties a ServiceAccount to the identity. Prints what to put into
# the manifests. Run it with az logged in; RESOURCE_GROUP, LOCATION, CLUSTER, IDENTITY and KEY_VAULT can be given.
set -euo pipefail

resource_group=${RESOURCE_GROUP:-yada}
location=${LOCATION:-westeurope}
cluster=${CLUSTER:-yada}
identity=${IDENTITY:-yada}
key_vault=${KEY_VAULT:-yadavault}
service_account_namespace=default
service_account_name=myserviceaccount

az group create --name "$resource_group" --location "$location" --output none

# The OIDC issuer is all that is needed; --enable-workload-identity would install the webhook that the policy replaces.
az aks create --resource-group "$resource_group" --name "$cluster" --node-count 2 --enable-oidc-issuer --generate-ssh-keys --output none
az aks get-credentials --resource-group "$resource_group" --name "$cluster" --overwrite-existing
issuer=$(az aks show --resource-group "$resource_group" --name "$cluster" --query oidcIssuerProfile.issuerUrl --output tsv)

az identity create --resource-group "$resource_group" --name "$identity" --output none
client_id=$(az identity show --resource-group "$resource_group" --name "$identity" --query clientId --output tsv)
principal_id=$(az identity show --resource-group "$resource_group" --name "$identity" --query principalId --output tsv)
tenant_id=$(az account show --query tenantId --output tsv)

az keyvault create --resource-group "$resource_group" --name "$key_vault" --enable-rbac-authorization true --output none
key_vault_id=$(az keyvault show --resource-group "$resource_group" --name "$key_vault" --query id --output tsv)
az role assignment create --assignee-object-id "$principal_id" --assignee-principal-type ServicePrincipal \
  --role "Key Vault Secrets User" --scope "$key_vault_id" --output none

# The subject is what the policy prints for the pod, and what the token will hold.
subject="system:serviceaccount:$service_account_namespace:$service_account_name"
az identity federated-credential create --resource-group "$resource_group" --identity-name "$identity" --name yada \
  --issuer "$issuer" --subject "$subject" --audiences api://AzureADTokenExchange --output none

cat <<EOF
ServiceAccount $service_account_namespace/$service_account_name, annotation azure.workload.identity/client-id: $client_id
The policy's setting tenantId: $tenant_id
The federated credential's subject: $subject, its issuer: $issuer
EOF
