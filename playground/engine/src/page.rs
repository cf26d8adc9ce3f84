//! What the page shows of a run.

use std::collections::HashSet;

use check::{
    advice::{Advice, unlisted_name},
    credentials::{self, List},
    federated,
    finding::{Finding, Severity},
    judge::{Entry, Judged, Outcome},
    kinds::{is_account, is_pod, kind, name_of},
    object::Object,
    presented::{self, Presented},
    question::About,
    report::{self, Styles},
    yaml::{Step, steps},
};
use serde_json::{Map, Value, json};

use crate::{Asked, text::Units};

/// What the manifests' editor is called where a file is named.
pub(crate) const FILE: &str = "manifests";

/// Most reasons of a refusal that are shown.
const MISTAKES_MAX: usize = 10;

/// Everything.
pub(crate) fn shown(judged: &Judged, asked: &Asked) -> Value {
    let units = Units::new(&asked.manifests);
    let entries = judged
        .entries
        .iter()
        .filter(|entry| !matches!(entry.about, About::Metadata | About::Stray(_) | About::MadeAccount));
    let cards: Vec<Value> = entries.map(|entry| card(judged, entry, asked, &units)).collect();
    let in_cards: HashSet<usize> = judged
        .entries
        .iter()
        .filter(|entry| !matches!(entry.about, About::Metadata | About::Stray(_) | About::MadeAccount))
        .flat_map(|entry| entry.findings.iter().copied())
        .collect();
    let remark = |finding: &Finding| {
        let object = finding.object.to_string();
        let about = if object.is_empty() { String::new() } else { format!("{object}: ") };
        json!({"message": format!("{about}{}", finding.sentence()), "from": units.of(finding.location.start), "line": finding.location.start.line, "severity": finding.severity})
    };
    let rest = judged.findings.iter().enumerate().filter(|(number, _)| !in_cards.contains(number));
    let (broken, doubts): (Vec<&Finding>, Vec<&Finding>) =
        rest.map(|(_, finding)| finding).partition(|finding| finding.rule == "not-readable");
    let mut passed_over: Vec<String> = judged.passed_over.iter().map(|one| one.text.clone()).collect();
    if judged.entries.is_empty() && !judged.objects.is_empty() {
        passed_over.push(format!("nothing for the policy among the {} objects", judged.objects.len()));
    }
    let report: String = judged
        .entries
        .iter()
        .filter(|entry| report::speaks(judged, entry))
        .map(|entry| report::entry(judged, entry, &Styles::PLAIN))
        .collect();
    let tokens = federated::tokens(judged);
    json!({
        "cards": cards,
        "broken": broken.into_iter().map(remark).collect::<Vec<_>>(),
        "doubts": doubts.into_iter().map(remark).collect::<Vec<_>>(),
        "passedOver": passed_over,
        "tokens": tokens.iter().map(token).collect::<Vec<_>>(),
        "credentials": credentials(judged, asked),
        "report": report,
    })
}

/// A token, with the command that creates its credential.
fn token(presented: &Presented) -> Value {
    let Presented { client_id, issuer, subject, audience, .. } = presented;
    let command = Advice::Create { name: unlisted_name(presented), is_beside: false }.command(presented);
    json!({"clientId": client_id, "issuer": issuer, "subject": subject, "audience": audience, "command": command})
}

/// What is said of the credentials, line by line; or why they can't be read. Nothing where there are none, or no issuer.
fn credentials(judged: &Judged, asked: &Asked) -> Value {
    if asked.credentials.trim().is_empty() || serde_json::from_str::<Value>(&asked.credentials).is_err() {
        return Value::Null;
    }
    let credentials = match credentials::read(&asked.credentials, None) {
        Ok(credentials) => credentials,
        Err(error) => return json!({"error": error}),
    };
    let list = List { name: "the list".to_owned(), client_id: None, credentials };
    let (said, warnings) = federated::check_all(judged, &[list], &asked.issuer, &asked.namespace);
    let said = said.iter().map(|said| format!("{}: {}", said.token.subject, said.text.replace('\n', "\n  ")));
    let warnings = warnings.iter().map(|warning| format!("warning: the list {}", warning.message));
    json!({"lines": said.chain(warnings).collect::<Vec<_>>()})
}

fn card(judged: &Judged, entry: &Entry, asked: &Asked, units: &Units) -> Value {
    let findings: Vec<&Finding> =
        entry.findings.iter().filter_map(|number| judged.findings.get(*number)).collect();
    let (errors, others): (Vec<&Finding>, Vec<&Finding>) =
        findings.into_iter().partition(|finding| finding.severity == Severity::Error);
    let mut card = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            card.insert(name.to_owned(), value);
        }
    };
    let outcome = match entry.outcome {
        Outcome::Identity => "identity",
        Outcome::Untouched => "untouched",
        Outcome::Refused => "refused",
    };
    let pod_or_own =
        if kind(&entry.before).is_empty() { entry.title.kind.as_str() } else { kind(&entry.before) };
    put("kind", json!(pod_or_own));
    put("namespace", json!(entry.title.namespace.clone().unwrap_or_default()));
    put("name", json!(entry.title.name.clone().unwrap_or_default()));
    put("outcome", json!(outcome));
    put("mistakes", errors.iter().take(MISTAKES_MAX).map(|finding| said(entry, finding, units)).collect());
    put("more", json!(errors.len().saturating_sub(MISTAKES_MAX) + entry.omitted));
    put("warnings", others.iter().map(|finding| said(entry, finding, units)).collect());
    let there = entry
        .elsewhere
        .iter()
        .filter_map(|number| judged.findings.get(*number))
        .filter(|finding| finding.object != entry.title && finding.severity == Severity::Error);
    put("elsewhere", there.map(|finding| said(entry, finding, units)).collect());
    put("why", json!(entry.why));
    put("heading", json!(entry.heading));
    put("audit", json!(entry.audit));
    put("isAccount", json!(is_account(&entry.before)));
    put("quiet", json!(!report::speaks(judged, entry)));
    put("tokens", entry.presented.iter().map(token).collect());
    if let Some(object) = judged.objects.get(entry.object) {
        put("from", json!(units.of(object.range.0)));
        put("to", json!(units.of(object.range.1)));
        put("path", json!(path(object, entry)));
    }
    if entry.outcome == Outcome::Identity {
        put("before", entry.before.clone());
        put("after", entry.after.clone());
        put("added", json!(report::added_lines(&entry.before, &entry.after)));
        if is_pod(&entry.before) {
            put("token", body(entry, &asked.issuer));
        }
    }
    Value::Object(card)
}

/// Where the object stands in its document, and the pod in the object; nothing where its parts are from several places.
fn path(object: &Object, entry: &Entry) -> Option<Vec<Step>> {
    let inside = match entry.about {
        About::Whole if kind(&object.value) == "AdmissionReview" => steps("request.object"),
        About::PodOfWorkload | About::Pod => entry.template.clone()?,
        About::Whole | About::Workload | About::Metadata | About::Stray(_) | About::MadeAccount => Vec::new(),
    };
    Some(object.within.iter().cloned().chain(inside).collect())
}

/// A finding on a card, which has its object in its title.
fn said(entry: &Entry, finding: &Finding, units: &Units) -> Value {
    let about = if finding.object == entry.title || finding.object.kind.is_empty() {
        String::new()
    } else {
        format!("{}: ", finding.object)
    };
    json!({
        "text": format!("{about}{}", finding.what()),
        "fix": finding.fix.clone().unwrap_or_default(),
        "hits": finding.hits(),
        "paste": finding.paste,
        "severity": finding.severity,
        "from": units.of(finding.location.start),
        "to": units.of(finding.location.end),
    })
}

/// The token's body (Kubernetes, "Managing Service Accounts", "Schema for service account private claims"). What only the cluster knows is in
/// angle brackets.
fn body(entry: &Entry, issuer: &str) -> Value {
    let token = presented::token(&entry.after);
    let field = |name: &str| token.and_then(|token| token.get(name)).cloned();
    let seconds = field("expirationSeconds").unwrap_or_else(|| json!(3600));
    let audience = field("audience").unwrap_or_else(|| json!(presented::AUDIENCE));
    let account = entry
        .audit
        .get("service-account")
        .and_then(|account| account.split_once('/'))
        .map_or("", |(_, name)| name);
    let name = name_of(&entry.before);
    let name = if entry.before.pointer("/metadata/name").is_some() {
        name.to_owned()
    } else {
        format!("{name}<suffix>")
    };
    let issuer = if issuer.is_empty() { presented::ISSUER } else { issuer };
    json!({
        "aud": [audience],
        "exp": format!("<iat + {seconds}>"),
        "iat": "<when the kubelet asked for it>",
        "iss": issuer,
        "jti": "<its id>",
        "kubernetes.io": {
            "namespace": entry.title.namespace,
            "node": {"name": "<node>", "uid": "<uid>"},
            "pod": {"name": name, "uid": "<uid>"},
            "serviceaccount": {"name": account, "uid": "<uid>"},
        },
        "nbf": "<iat>",
        "sub": entry.audit.get("subject"),
    })
}
