//! An example of everything that the policy can say, and the snapshot of the sentences: all messages on one page.
//!
//! A new kind of mistake or notice has no example, and the tests fail until it has one. `cargo insta review` shows what
//! changed.

use std::{borrow::Cow, collections::HashSet};

use laws::hold::fits;
use strum::IntoEnumIterator;

use crate::{
    fields::Problem,
    json::{Malformed, Unquoted},
    value::{
        keys::{AnnotatedObject, MetadataKind},
        kind::Kind,
        names,
        parse::Accepts,
        port::ProxyPort,
        reference::Reference,
        use_label::Trigger,
    },
    verdict::{
        facts::{ClientOf, Fault, IdentityPart, Instead, LookUpFailure, Obstacle, OwnValue, WrongValue},
        mistake::{Mistake, MistakeDiscriminants},
        notice::{Asked, Notice, NoticeDiscriminants, SkipHint, Source},
        outcome::Verdict,
        refusal::Refusal,
        response,
        title::Title,
        warning::{About, Warning},
    },
};

const CLIENT_ID: &str = "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa";
const TENANT_ID: &str = "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1";

fn account() -> Title {
    Title::of(Kind::ServiceAccount, "default", "myserviceaccount")
}

fn reference() -> Reference {
    Reference { namespace: "default".into(), name: "myserviceaccount".into() }
}

fn pod() -> Title {
    Title::of(Kind::Pod, "default", "yadaapi")
}

fn wrong<T: Accepts>(annotation: &'static str, found: &str) -> Mistake {
    let instead = T::meant(found).unwrap_or(T::PLACEHOLDER);
    wrong_value(annotation, found, T::accepted(), Instead::Value(instead.to_owned()))
}

fn named(annotation: &'static str, found: &str, accepted: &'static str, instead: &str) -> Mistake {
    wrong_value(annotation, found, accepted.into(), Instead::Value(instead.to_owned()))
}

fn wrong_value(
    annotation: &'static str,
    found: &str,
    accepted: Cow<'static, str>,
    instead: Instead,
) -> Mistake {
    Mistake::WrongAnnotation(WrongValue { annotation, found: found.to_owned(), accepted, instead })
}

fn failures() -> Vec<LookUpFailure> {
    let forbidden = "ApiError: serviceaccounts \"myserviceaccount\" is forbidden: User \"system:serviceaccount:kubewarden:policy-server\" cannot get resource \"serviceaccounts\" in API group \"\" in the namespace \"default\"";
    vec![
        LookUpFailure::NotFound,
        LookUpFailure::NotGranted,
        LookUpFailure::CapabilityDenied,
        LookUpFailure::Forbidden(forbidden.into()),
        LookUpFailure::NotAServiceAccount,
        LookUpFailure::Other("ServiceError: client error (Connect)".into()),
    ]
}

fn wrong_values() -> Vec<(Title, Mistake)> {
    use crate::value::{
        identity::ClientId, identity::TenantId, layout::Layout, port::ProxyPort, token::TokenExpiration,
    };
    vec![
        (account(), wrong::<ClientId>(names::CLIENT_ID, "${CLIENT_ID}")),
        (account(), wrong::<ClientId>(names::CLIENT_ID, "{6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa}\n")),
        (account(), wrong::<TenantId>(names::TENANT_ID, "contoso")),
        (account(), wrong::<TokenExpiration>(names::TOKEN_EXPIRATION, "1h")),
        (pod(), wrong::<TokenExpiration>(names::TOKEN_EXPIRATION, "60")),
        (pod(), wrong::<ProxyPort>(names::PROXY_SIDECAR_PORT, "0")),
        (pod(), wrong::<Layout>(names::LAYOUT, "legacy")),
        (
            account(),
            named(
                names::IDENTITY,
                "paymnets",
                "a name in the policy's setting identities (payments)",
                "payments",
            ),
        ),
        (
            account(),
            wrong_value(
                names::CLIENT_ID,
                CLIENT_ID,
                "the client ID of identity payments".into(),
                Instead::Nothing,
            ),
        ),
        (
            pod(),
            named(
                names::CONTAINER_IDENTITIES,
                "worker",
                "a list of CONTAINER=IDENTITY entries, separated by ;, with each container once",
                "CONTAINER=CLIENT_ID",
            ),
        ),
    ]
}

fn mistakes() -> Vec<(Title, Mistake)> {
    let not_allowed = |part, client| Mistake::IdentityNotAllowed {
        part,
        namespace: "default".into(),
        client,
        tenant_id: TENANT_ID.parse().unwrap(),
        fault: Fault::Elsewhere,
    };
    let id = || ClientOf::Id(CLIENT_ID.parse().unwrap());
    let own_id = |value| Mistake::OwnIdNotAllowed {
        container: "yadaapi".into(),
        variable: names::AZURE_CLIENT_ID,
        value,
        namespace: "default".into(),
        fault: Fault::Template,
    };
    let malformed = Malformed::at("spec.containers[0].env", "an object", "a list");
    let unquoted =
        Unquoted { parent: "metadata.labels".into(), name: names::USE_LABEL.into(), scalar: "true".into() };
    let unquoted = Malformed {
        unquoted: Some(Box::new(unquoted)),
        ..Malformed::at("metadata.labels.azure.workload.identity/use", "a boolean", "a string")
    };
    let problem = Problem::unexpected("layout".to_owned(), "\"V3\"", "PerPod, Fixed or Legacy");
    let hiding = |obstacle| Mistake::MountHidesToken {
        obstacle,
        container: "yadaapi".into(),
        volume: "cache".into(),
        path: "/var/run/secrets/azure/wi".into(),
        skip: "keep;yadaapi".into(),
    };
    let taken = Mistake::VolumeNameTaken {
        volume: "azure-identity-token".into(),
        container: "yadaapi".into(),
        field: "volumeDevices",
    };
    let mut examples = wrong_values();
    examples.extend([
        (account(), Mistake::NoTenant),
        (account(), Mistake::ClientIdRequired),
        (account(), not_allowed(IdentityPart::Namespace, id())),
        (account(), not_allowed(IdentityPart::ClientId, id())),
        (account(), not_allowed(IdentityPart::ClientId, ClientOf::Nothing)),
        (account(), not_allowed(IdentityPart::TenantId, id())),
        (pod(), own_id(OwnValue::Id("11111111-2222-4333-8444-555555555555".into()))),
        (pod(), not_allowed(IdentityPart::TenantId, ClientOf::Name("payments".into()))),
        (pod(), own_id(OwnValue::Domain)),
        (pod(), own_id(OwnValue::Other)),
        (pod(), own_id(OwnValue::Elsewhere)),
        (pod(), Mistake::ProxyOnHostNetwork),
        (pod(), Mistake::ProxyOnWindows),
        (pod(), hiding(Obstacle::Mount)),
        (pod(), hiding(Obstacle::Device)),
        (pod(), taken),
        (pod(), Mistake::TooLarge),
        (pod(), Mistake::NoSuchName("../x".into())),
        (pod(), Mistake::Malformed(malformed)),
        (account(), Mistake::Malformed(unquoted)),
        (Title::Policy, Mistake::BadSettings(problem.into())),
    ]);
    let failures = failures().into_iter();
    examples.extend(failures.map(|failure| (pod(), Mistake::LookUp { reference: reference(), failure })));
    examples
}

fn notices() -> Vec<(About, Notice)> {
    let (of_account, of_pod) = (About::Object(account()), About::Object(pod()));
    let workload = About::Object(Title::of(Kind::Deployment, "default", "web"));
    let unknown = |metadata, name: &str| Notice::Unknown {
        metadata,
        name: name.into(),
        annotated: AnnotatedObject::Pod,
        endpoint: None,
    };
    let skips = |name: &str, hint| Notice::SkipsNobody { name: name.into(), hint };
    let of_container = || About::Container(pod(), "yadaapi".into());
    let (label, annotation) = (MetadataKind::Label, MetadataKind::Annotation);
    let endpoint = Notice::NotSet {
        annotation: "azure.workload.identity/use-identity-binding".into(),
        setting: "customTokenEndpoint",
    };
    let no_names = Notice::NotSet { annotation: names::IDENTITY.into(), setting: "identities" };
    let as_label = |name: &str, annotated| Notice::AnnotationAsLabel { name: name.into(), annotated };
    let mut examples = vec![
        (of_account.clone(), Notice::NoClientId),
        (of_pod.clone(), skips("side", SkipHint::OneOf("yadaapi, sidecar".into()))),
        (of_pod.clone(), skips("a,b", SkipHint::Separator)),
        (
            of_pod.clone(),
            Notice::IdentityOfNobody { name: "worker".into(), there: "yadaapi, sidecar".into() },
        ),
        (of_pod.clone(), Notice::NoLabel { account: Some(reference()), trigger: Trigger::Any }),
        (of_pod.clone(), Notice::NoLabel { account: Some(reference()), trigger: Trigger::ServiceAccount }),
        (of_pod.clone(), Notice::NoLabel { account: None, trigger: Trigger::Pod }),
        (of_account.clone(), Notice::ZeroId),
        (of_container(), Notice::CredentialWins { variable: "AZURE_CLIENT_SECRET", source: Source::Certain }),
        (
            of_container(),
            Notice::CredentialWins { variable: "AZURE_CLIENT_SECRET", source: Source::Optional },
        ),
        (of_container(), Notice::NodesIdentity { field: Asked::Command("args") }),
        (of_container(), Notice::NodesIdentity { field: Asked::Variable("ARM_USE_MSI".into()) }),
        (of_container(), Notice::TokenBySubPath { path: "/azure/token".into() }),
        (of_account.clone(), Notice::TenantAsClient),
        (of_account.clone(), Notice::ClientIdChanged),
        (of_container(), Notice::LeftOut),
        (
            of_container(),
            Notice::RefersToInjected { own: "ARM_CLIENT_ID".into(), injected: names::AZURE_CLIENT_ID },
        ),
        (of_container(), Notice::OtherTokenFile { own: "TOKEN".into() }),
        (of_container(), Notice::TokenFileInArguments { field: "args" }),
        (of_container(), Notice::ProxyPortTaken(ProxyPort::DEFAULT)),
        (About::Container(pod(), "yadaapi".into()), Notice::OwnValue { variable: names::AZURE_TENANT_ID }),
        (About::Container(pod(), "yadaapi".into()), Notice::OwnToken),
        (of_container(), Notice::OtherAudience("api://vault".into())),
        (of_container(), Notice::TokenFileUnknown),
        (
            About::Container(pod(), "yadaapi".into()),
            Notice::ReadOnlyAbove { volume: "config".into(), path: "/var/run/secrets".into() },
        ),
        (of_pod.clone(), unknown(annotation, "azure.workload.identity/skip-container")),
        (of_pod.clone(), unknown(annotation, "azure.workload.identity/foo")),
        (of_pod.clone(), unknown(label, "azure.workload-identity/use")),
        (of_pod.clone(), as_label(names::CLIENT_ID, AnnotatedObject::ServiceAccount)),
        (of_pod.clone(), as_label(names::SKIP_CONTAINERS, AnnotatedObject::Pod)),
        (of_pod.clone(), endpoint),
        (of_account.clone(), no_names),
        (of_pod.clone(), Notice::PortWithoutProxy),
        (of_pod.clone(), Notice::ProxyNotDeclined("False".into())),
        (of_pod.clone(), Notice::misplaced_annotation(names::CLIENT_ID, "the ServiceAccount")),
        (workload.clone(), Notice::misplaced_label("spec.template.metadata".to_owned())),
        (of_pod.clone(), Notice::LabelAsAnnotation),
        (of_pod.clone(), Notice::LabelIgnored("True".into())),
        (of_pod.clone(), Notice::RetiredBinding),
        (of_pod.clone(), Notice::ProxyServesAny),
        (of_pod, Notice::ProxyRunsAsRoot),
        (of_account.clone(), Notice::AnnotationsWithoutLabel),
        (of_account.clone(), Notice::StillWrong(Mistake::NoTenant)),
        (workload.clone(), Notice::PodsRefused { object: account(), mistake: Mistake::NoTenant }),
    ];
    for failure in failures() {
        // A pod whose ServiceAccount does not exist is accepted, or refused: never admitted unread.
        if failure != LookUpFailure::NotFound {
            let failure = failure.clone();
            examples.push((of_account.clone(), Notice::AdmittedUnread { pod: pod(), failure }));
        }
        examples.push((workload.clone(), Notice::WorkloadUnread { reference: reference(), failure }));
    }
    examples
}

#[test]
fn says_every_sentence_as_it_was_reviewed() {
    let created = mistakes().into_iter().filter(|(object, _)| *object == account());
    let created = created.map(|(object, mistake)| Refusal::new(&object, mistake).in_manifest());
    let refusals = mistakes().into_iter().map(|(object, mistake)| Refusal::new(&object, mistake));
    let refusals = refusals.chain(created).map(|refusal| {
        let code = refusal.code().number();
        let fault = refusal.fault();
        format!("{code} {refusal}\n    {fault:?}'s fault\n\n")
    });
    let warnings = notices().into_iter();
    let warnings = warnings.map(|(about, notice)| format!("Warning: {}\n", Warning { about, notice }));
    let more = [response::more_refusals(3), response::more_warnings(4)].map(|line| line + "\n");
    let page: String = refusals.chain(warnings).chain(more).collect();
    insta::assert_snapshot!("messages", page);
}

#[test]
fn has_an_example_of_each_kind() {
    let shown: HashSet<_> =
        mistakes().iter().map(|(_, mistake)| MistakeDiscriminants::from(mistake)).collect();
    let missing: Vec<_> = MistakeDiscriminants::iter().filter(|kind| !shown.contains(kind)).collect();
    assert_eq!(missing, []);
    let shown: HashSet<_> = notices().iter().map(|(_, notice)| NoticeDiscriminants::from(notice)).collect();
    let missing: Vec<_> = NoticeDiscriminants::iter().filter(|kind| !shown.contains(kind)).collect();
    assert_eq!(missing, []);
}

/// The rows of a table in docs/troubleshooting.md: a message, in which `…` stands for any text, and its rule.
fn documented(heading: &str) -> Vec<(&'static str, &'static str)> {
    let page = include_str!("../../docs/troubleshooting.md");
    let (_, section) = page.split_once(&format!("## {heading}\n")).unwrap();
    let rows = section.split("\n## ").next().unwrap().lines().filter_map(|line| line.strip_prefix("| `"));
    let row = |row: &'static str| {
        row.split_once("` | `").and_then(|(text, rest)| Some((text, rest.split('`').next()?)))
    };
    rows.map(|line| row(line).unwrap()).collect()
}

/// What does not fit: rules of which the table has no row or another message, and rows of no rule.
fn unfit(rows: &[(&str, &'static str)], said: &[(&'static str, String)]) -> Vec<String> {
    let of_rule = |rule: &str| rows.iter().find(|(_, known)| *known == rule);
    let wrong =
        said.iter().filter(|(rule, text)| of_rule(rule).is_none_or(|(pattern, _)| !fits(pattern, text)));
    let idle = rows.iter().filter(|(_, rule)| said.iter().all(|(known, _)| known != rule));
    wrong
        .map(|(rule, text)| format!("{rule}: {text}"))
        .chain(idle.map(|(_, rule)| format!("row {rule}")))
        .collect()
}

#[test]
fn troubleshooting_has_the_row_of_each_rule_and_no_other() {
    let said: Vec<_> = mistakes()
        .iter()
        .map(|(_, mistake)| mistake.row().words().0)
        .map(|said| (said.rule, said.sentence))
        .collect();
    assert_eq!(unfit(&documented("Refusals"), &said), Vec::<String>::new());
    let notices = notices().into_iter().filter(|(_, notice)| !matches!(notice, Notice::StillWrong(_)));
    let mut said: Vec<_> =
        notices.map(|(_, notice)| notice.describe()).map(|said| (said.rule, said.line())).collect();
    said.extend([
        ("more-refusals", response::more_refusals(3)),
        ("more-warnings", response::more_warnings(4)),
    ]);
    assert_eq!(unfit(&documented("Warnings"), &said), Vec::<String>::new());
}

/// What `kubectl` shows in one line of a terminal. What holds a command, a cause or another message is longer.
#[test]
fn warns_in_120_characters_where_it_can() {
    let long = |notice: &Notice| {
        matches!(
            notice,
            Notice::NoLabel { .. }
                | Notice::AdmittedUnread { .. }
                | Notice::WorkloadUnread { .. }
                | Notice::StillWrong(_)
                | Notice::PodsRefused { .. }
        )
    };
    for (about, notice) in notices().into_iter().filter(|(_, notice)| !long(notice)) {
        let text = Warning { about, notice }.to_string();
        assert!(text.chars().count() <= 120, "{} characters: {text}", text.chars().count());
    }
}

#[test]
fn leaves_the_module_as_data() {
    let refusal =
        Refusal::new(&account(), wrong::<crate::value::identity::ClientId>(names::CLIENT_ID, "${CLIENT_ID}"));
    let warning = Warning { about: About::Container(pod(), "app".into()), notice: Notice::LeftOut };
    let verdict = Verdict { refusals: refusal.into(), warnings: warning.into(), ..Verdict::default() };
    let found: serde_json::Value = serde_json::from_slice(&verdict.into_findings(&|_| None)).unwrap();
    assert_eq!(
        found["findings"],
        serde_json::json!([
            {"rule": "client-id-malformed", "severity": "error",
                "object": {"kind": "ServiceAccount", "namespace": "default", "name": "myserviceaccount"},
                "path": "metadata.annotations[\"azure.workload.identity/client-id\"]", "found": "${CLIENT_ID}",
                "message": "annotation azure.workload.identity/client-id is \"${CLIENT_ID}\", which is not a UUID",
                "fix": "fix it with", "command":
                "kubectl annotate --overwrite serviceaccount -n default myserviceaccount azure.workload.identity/client-id=CLIENT_ID"},
            {"rule": "credential-left-out", "severity": "warning",
                "object": {"kind": "Pod", "namespace": "default", "name": "yadaapi"},
                "container": "app",
                "message": "sets AZURE_TOKEN_CREDENTIALS to a value without workload identity", "fix": "remove it"}
        ])
    );
    assert_eq!((&found["response"]["accepted"], &found["omitted"]), (&false.into(), &0.into()));
}
