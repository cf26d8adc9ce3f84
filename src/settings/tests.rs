use super::*;
use crate::fields::explain;
use serde_json::json;

#[test]
fn has_one_default_for_each_setting() {
    for json in [json!(null), json!({}), json!({"tenantId": null, "extraEnv": null, "layout": null})] {
        let settings = Settings::parse(&json.to_string()).unwrap();
        assert_eq!(settings.tenant_id, None);
        assert_eq!(settings.trigger, Trigger::Any);
        assert_eq!(settings.authority_host.to_string(), "https://login.microsoftonline.com/");
        assert_eq!(settings.audience.as_str(), "api://AzureADTokenExchange");
        assert_eq!(settings.token_expiration.seconds(), 3600);
        assert_eq!(settings.require_client_id, RequireClientId::Warn);
        assert_eq!(settings.look_ups, LookUps::Fresh);
        assert_eq!(settings.on_lookup_failure, OnLookupFailure::Refuse);
        assert_eq!(settings.layout, Layout::PerPod);
        assert_eq!(settings.extra_env, []);
    }
}

#[test]
fn reads_each_setting() {
    let settings = Settings::parse(&json!({
        "tenantId": "contoso.com", "trigger": "Pod", "cloud": "azureChinaCloud", "audience": "api://x",
        "tokenExpirationSeconds": 86400, "requireClientId": true, "lookUp": "Cached", "onLookupFailure": "Admit", "layout": "Legacy",
        "extraEnv": [{"name": "ARM_CLIENT_ID", "value": "$(AZURE_CLIENT_ID)"}],
    }).to_string())
    .unwrap();
    assert_eq!(settings.tenant_id.unwrap().to_string(), "contoso.com");
    assert_eq!(settings.trigger, Trigger::Pod);
    assert_eq!(settings.authority_host.to_string(), "https://login.chinacloudapi.cn/");
    assert_eq!(settings.audience.as_str(), "api://x");
    assert_eq!(settings.token_expiration.seconds(), 86400);
    assert_eq!(settings.require_client_id, RequireClientId::Refuse);
    assert_eq!(settings.look_ups, LookUps::Cached);
    assert_eq!(settings.on_lookup_failure, OnLookupFailure::Admit);
    assert_eq!(settings.layout, Layout::Legacy);
    assert_eq!(settings.extra_env.len(), 1);
    let own = Settings::parse(&json!({"authorityHost": "https://login.local/"}).to_string()).unwrap();
    assert_eq!(own.authority_host.to_string(), "https://login.local/");
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn refuses_each_wrong_setting_with_its_path_its_value_and_what_is_accepted() {
    let known = FIELDS.join(", ");
    for (json, message) in [
        (json!("x"), "settings is \"x\"; set it to an object"),
        (json!([]), "settings is a list; set it to an object"),
        (
            json!({"tenantID": "x"}),
            &format!("tenantID is not a setting; did you mean tenantId? (known: {known})"),
        ),
        (json!({"tenantId": 5}), "tenantId is 5; set it to a UUID or a DNS domain name"),
        (json!({"tenantId": "contoso"}), "tenantId is \"contoso\"; set it to a UUID or a DNS domain name"),
        (json!({"trigger": "pod"}), "trigger is \"pod\"; set it to ServiceAccount, Pod or Any"),
        (
            json!({"cloud": "Azure"}),
            "cloud is \"Azure\"; set it to AzurePublicCloud, AzureUSGovernmentCloud, AzureChinaCloud or AzureGermanCloud",
        ),
        (
            json!({"authorityHost": "http://a/"}),
            "authorityHost is \"http://a/\"; set it to an https URL with host, port and path only",
        ),
        (
            json!({"authorityHost": "https://a/", "cloud": "AzureCloud"}),
            "authorityHost is \"https://a/\"; set it to only one of cloud and authorityHost",
        ),
        (
            json!({"audience": ""}),
            "audience is \"\"; set it to text without spaces, such as api://AzureADTokenExchange",
        ),
        (
            json!({"tokenExpirationSeconds": 60}),
            "tokenExpirationSeconds is 60; set it to a whole number of seconds from 3600 to 86400",
        ),
        (
            json!({"tokenExpirationSeconds": 3600.5}),
            "tokenExpirationSeconds is 3600.5; set it to a whole number of seconds from 3600 to 86400",
        ),
        (
            json!({"tokenExpirationSeconds": "3600"}),
            "tokenExpirationSeconds is \"3600\"; set it to a whole number of seconds from 3600 to 86400",
        ),
        (json!({"requireClientId": "yes"}), "requireClientId is \"yes\"; set it to true or false"),
        (json!({"lookUp": "fresh"}), "lookUp is \"fresh\"; set it to Fresh or Cached"),
        (json!({"onLookupFailure": "Ignore"}), "onLookupFailure is \"Ignore\"; set it to Refuse or Admit"),
        (json!({"layout": "V2"}), "layout is \"V2\"; set it to PerPod, Fixed or Legacy"),
        (json!({"extraEnv": {}}), "extraEnv is an object; set it to a list"),
        (json!({"extraEnv": ["A"]}), "extraEnv[0] is \"A\"; set it to an object"),
        (
            json!({"extraEnv": [{"name": "A=", "value": ""}]}),
            "extraEnv[0].name is \"A=\"; set it to the name of an environment variable (printable ASCII without =)",
        ),
        (
            json!({"extraEnv": [{"value": "x"}]}),
            "extraEnv[0].name is missing; set it to the name of an environment variable (printable ASCII without =)",
        ),
        (json!({"extraEnv": [{"name": "A"}]}), "extraEnv[0].value is missing; set it to a string"),
        (json!({"extraEnv": [{"name": "A", "value": 1}]}), "extraEnv[0].value is 1; set it to a string"),
        (
            json!({"extraEnv": [{"name": "A", "value": "", "valueFrom": {}}]}),
            "extraEnv[0].valueFrom is not a setting; did you mean value? (known: name, value)",
        ),
        (
            json!({"extraEnv": [{"name": "AZURE_CLIENT_ID", "value": "x"}]}),
            "extraEnv[0].name is \"AZURE_CLIENT_ID\"; set it to a name that the policy does not set itself",
        ),
        (json!({"allowedIdentities": {}}), "allowedIdentities is an object; set it to a list"),
        (
            json!({"allowedIdentities": null}),
            "allowedIdentities is null; set it to a list, or leave the field out to allow any identity",
        ),
        (json!({"allowedIdentities": [null]}), "allowedIdentities[0] is null; set it to an object"),
        (
            json!({"allowedIdentities": [{"namespaces": null, "clientIds": null, "tenantIds": null}]}),
            "allowedIdentities[0].namespaces is null; set it to a list, or leave the field out to allow any. \
            allowedIdentities[0].clientIds is null; set it to a list, or leave the field out to allow any. \
            allowedIdentities[0].tenantIds is null; set it to a list, or leave the field out to allow any",
        ),
        (
            json!({"allowedIdentities": [{"namespace": "a"}]}),
            "allowedIdentities[0].namespace is not a setting; did you mean namespaces? (known: namespaces, clientIds, tenantIds)",
        ),
        (
            json!({"allowedIdentities": [{"namespaces": ["A"]}]}),
            "allowedIdentities[0].namespaces[0] is \"A\"; set it to a namespace name, with * and ? as wildcards",
        ),
        (
            json!({"allowedIdentities": [{"clientIds": ["x"]}]}),
            "allowedIdentities[0].clientIds[0] is \"x\"; set it to a UUID",
        ),
        (
            json!({"allowedIdentities": [{"clientIds": []}]}),
            "allowedIdentities[0].clientIds is a list; set it to at least one entry (a UUID), or leave the field out to allow any",
        ),
        (
            json!({"allowedIdentities": [{"tenantIds": "x"}]}),
            "allowedIdentities[0].tenantIds is \"x\"; set it to a list",
        ),
        (json!({"preflight": true}), "preflight is true; set it to Off, Warn or Enforce"),
        (json!({"trigger": false}), "trigger is false; set it to ServiceAccount, Pod or Any"),
        (json!({"preflight": "On"}), "preflight is \"On\"; set it to Off, Warn or Enforce"),
        (json!({"proxy": []}), "proxy is a list; set it to an object"),
        (json!({"proxy": {"image": ""}}), "proxy.image is \"\"; set it to an image name"),
        (
            json!({"proxy": {"logLevel": "loud"}}),
            "proxy.logLevel is \"loud\"; set it to warning, info, debug, trace or all",
        ),
        (
            json!({"proxy": {"resources": {"limits": {"memory": "64MB"}}}}),
            "proxy.resources.limits.memory is \"64MB\"; set it to an amount such as 100m, 64Mi or 1",
        ),
        (
            json!({"proxy": {"resources": {"cpu": 1}}}),
            "proxy.resources.cpu is not a setting (known: requests, limits)",
        ),
        (json!({"proxy": {"resources": 1}}), "proxy.resources is 1; set it to an object"),
        (json!({"proxy": {"nativeSidecar": 1}}), "proxy.nativeSidecar is 1; set it to true or false"),
        (
            json!({"proxy": {"privileged": true}}),
            "proxy.privileged is not a setting; did you mean privilegedInit? (known: image, initImage, logLevel, nativeSidecar, privilegedInit, resources)",
        ),
        (
            json!({"customTokenEndpoint": {"annotationSuffix": "x"}}),
            "customTokenEndpoint.audience is missing; set it to an audience other than api://AzureADTokenExchange",
        ),
        (
            json!({"customTokenEndpoint": {"audience": "api://x"}}),
            "customTokenEndpoint.annotationSuffix is missing; set it to at most 59 letters, digits, -, _ and . that end in a letter or digit",
        ),
        (
            json!({"customTokenEndpoint": {"annotationSuffix": "x-", "audience": "api://x"}}),
            "customTokenEndpoint.annotationSuffix is \"x-\"; set it to at most 59 letters, digits, -, _ and . that end in a letter or digit",
        ),
        (
            json!({"customTokenEndpoint": {"annotationSuffix": "x", "audience": "API://azureadtokenexchange"}}),
            "customTokenEndpoint.audience is \"API://azureadtokenexchange\"; set it to an audience other than api://AzureADTokenExchange",
        ),
        (
            json!({"customTokenEndpoint": {"annotationSuffix": "x", "audience": "api://x", "ca": {}}}),
            "customTokenEndpoint.ca.data is missing; set it to one of data, configMap or clusterTrustBundle",
        ),
        (
            json!({"customTokenEndpoint": {"annotationSuffix": "x", "audience": "api://x", "ca": {"data": "a", "configMap": "b"}}}),
            "customTokenEndpoint.ca.configMap is \"b\"; set it to only one of data and configMap",
        ),
        (
            json!({"customTokenEndpoint": {"annotationSuffix": "x", "audience": "api://x", "ca": {"clusterTrustBundle": {"labelSelector": {}}}}}),
            "customTokenEndpoint.ca.clusterTrustBundle.signerName is missing; set it to a signer's name",
        ),
        (
            json!({"customTokenEndpoint": {"annotationSuffix": "x", "audience": "api://x", "ca": {"clusterTrustBundle": {"signerName": "s", "labelSelector": "a=b"}}}}),
            "customTokenEndpoint.ca.clusterTrustBundle.labelSelector is \"a=b\"; set it to an object with matchLabels and matchExpressions",
        ),
        (
            json!({"layout": "Legacy", "customTokenEndpoint": {"annotationSuffix": "x", "audience": "api://x"}}),
            "layout is \"Legacy\"; set it to PerPod or Fixed, which customTokenEndpoint needs",
        ),
        (
            json!({"extraEnv": [{"name": "A", "value": "x"}, {"name": "A", "value": "y"}]}),
            "extraEnv[1].name is \"A\"; set it to a name that no earlier entry has",
        ),
    ] {
        assert_eq!(explain(&Settings::parse(&json.to_string()).unwrap_err(), usize::MAX), message);
    }
}

#[test]
fn reports_all_problems_at_once() {
    let problems =
        Settings::parse(&json!({"tenantId": 5, "layout": "V3", "trigger": []}).to_string()).unwrap_err();
    assert_eq!(
        explain(&problems, usize::MAX),
        "tenantId is 5; set it to a UUID or a DNS domain name. trigger is a list; set it to ServiceAccount, Pod or Any. \
         layout is \"V3\"; set it to PerPod, Fixed or Legacy"
    );
}

/// Found by fuzzing: a list of a thousand wrong entries made a message of a megabyte.
#[test]
fn tells_the_first_of_a_thousand_problems() {
    let entries = vec![r#"{"V1": 1, "name": ""}"#; 1_000].join(",");
    let problems = Settings::parse(&format!(r#"{{"extraEnv": [{entries}]}}"#)).unwrap_err();
    let text = explain(&problems, usize::MAX);
    assert!(text.starts_with("extraEnv[0].V1 is not a setting (known: name, value)"), "{text}");
    assert!(text.ends_with(". 2975 more problems are not listed") && text.len() < 8_192, "{text}");
    let long =
        Settings::parse(&format!(r#"{{"{}": {}}}"#, "x".repeat(100_000), "1".repeat(100_000))).unwrap_err();
    assert!(explain(&long, usize::MAX).len() < 1_024);
}

#[test]
fn says_which_variables_the_policy_sets_itself() {
    let advice = |name: &str| {
        let settings = json!({"extraEnv": [{"name": "A", "value": ""}, {"name": name, "value": "x"}]});
        explain(&Settings::parse(&settings.to_string()).unwrap().advice(), 1_000)
    };
    for name in ["PROXY_PORT", "AZURE_KUBERNETES_SNI_NAME"] {
        let expected = format!(
            "extraEnv[1].name is \"{name}\", which the policy also sets for the proxy or a token endpoint; in those containers the policy's value is used"
        );
        assert_eq!(advice(name), expected);
    }
    assert_eq!(advice("ARM_CLIENT_ID"), "");
}

#[test]
fn says_that_trust_bundles_need_feature_gates() {
    let advice = |ca: serde_json::Value| {
        let endpoint =
            json!({"annotationSuffix": "identity-binding", "audience": "api://AKSIdentityBinding", "ca": ca});
        explain(
            &Settings::parse(&json!({"customTokenEndpoint": endpoint}).to_string()).unwrap().advice(),
            1_000,
        )
    };
    let text = advice(json!({"clusterTrustBundle": {"signerName": "example.com/ca"}}));
    assert!(
        text.starts_with("customTokenEndpoint.ca.clusterTrustBundle needs the feature gates ClusterTrustBundle and ClusterTrustBundleProjection; "),
        "{text}"
    );
    assert_eq!(advice(json!({"configMap": "ca"})), "");
}

#[test]
fn reads_identities_and_skipped_containers() {
    let problems = |settings: serde_json::Value| {
        let problems = Settings::parse(&settings.to_string()).unwrap_err();
        problems.first().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        problems(json!({"identities": {"payments": {"clientId": "x"}, "a;b": {}, "c": 1}})),
        [
            "identities.a;b is not a valid name; use a name of at most 63 letters, digits, -, _ and . that is not a UUID",
            "identities.c is 1; set it to an object",
            "identities.payments.clientId is \"x\"; set it to a UUID",
        ]
    );
    assert_eq!(
        problems(json!({"identities": {"a": {"tenantId": "contoso"}}})),
        [
            "identities.a.clientId is missing; set it to a UUID",
            "identities.a.tenantId is \"contoso\"; set it to a UUID or a DNS domain name",
        ]
    );
    assert_eq!(problems(json!({"identities": []})), ["identities is a list; set it to an object"]);
    assert_eq!(
        problems(json!({"skipContainers": ["istio-proxy", "a;b"]})),
        ["skipContainers[1] is \"a;b\"; set it to a container name, with * and ? as wildcards"]
    );
    assert_eq!(
        problems(json!({"skipContainers": vec!["a"; 65]})),
        ["skipContainers is a list; set it to at most 64 entries"]
    );
    for none in
        [json!({"skipContainers": [], "identities": {}}), json!({"skipContainers": null, "identities": null})]
    {
        assert!(Settings::parse(&none.to_string()).is_ok(), "{none}");
    }
}
