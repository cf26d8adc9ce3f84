# From the list of Kubewarden's registrations and the policy ($policy), a second registration of the same policy for pods alone:
# reinvoked, so that a sidecar that another webhook adds gets its identity; last by name; Ignore, because Kubewarden does not
# remove it with a PolicyServer and Fail would then refuse every pod of the cluster; labelled, so that Kubewarden keeps its CA bundle
# current; owned by the policy, so that it goes with it.
def names: ["kw.cap.azure-workload-identity", "clusterwide-azure-workload-identity"];
[.items[] | select(.metadata.name as $name | names | index($name))] | first
| if . == null then error("Kubewarden has no registration \(names | join(" or ")): is the policy active?") else . end
| .webhooks[0] as $webhook
| {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: {
      name: "zz-azure-workload-identity-late",
      labels: {"app.kubernetes.io/part-of": "kubewarden", "app.kubernetes.io/name": "azure-workload-identity-late"},
      ownerReferences: [{
        apiVersion: $policy.apiVersion, kind: $policy.kind, name: $policy.metadata.name, uid: $policy.metadata.uid
      }]
    },
    webhooks: [
      ($webhook | {clientConfig, namespaceSelector, objectSelector, matchConditions, matchPolicy, sideEffects, admissionReviewVersions}
        | with_entries(select(.value != null)))
      + {
        name: "late.azure-workload-identity.kubewarden.admission",
        rules: [$webhook.rules[] | select(.resources | index("pods")) | .resources = ["pods"] | .operations = ["CREATE"]],
        reinvocationPolicy: "IfNeeded",
        # A PolicyServer that hangs delays a pod by this, beside the first registration.
        timeoutSeconds: 3,
        failurePolicy: "Ignore"
      }
    ]
  }
