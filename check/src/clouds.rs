//! Azure's clouds, by the hosts of issuers and authorities: a token of one is not for another.

use crate::{
    finding::{Finding, Severity},
    judge::Judged,
    presented::{containers, env},
};

/// The cloud that an issuer of AKS is of, by the end of its host.
const ISSUERS: [(&str, &str); 3] = [
    (".oic.prod-aks.azure.com", "Azure"),
    (".oic.prod-aks.azure.us", "Azure US Government"),
    (".oic.prod-aks.azure.cn", "Azure operated by 21Vianet"),
];

/// The cloud that an authority is of (Microsoft Entra, "National clouds").
const AUTHORITIES: [(&str, &str); 4] = [
    ("login.microsoftonline.com", "Azure"),
    ("login.microsoftonline.us", "Azure US Government"),
    ("login.partner.microsoftonline.cn", "Azure operated by 21Vianet"),
    ("login.chinacloudapi.cn", "Azure operated by 21Vianet"),
];

/// Containers whose token is of an issuer of one cloud and goes to the authority of another.
#[must_use]
pub fn others(judged: &Judged, issuer: &str, namespace: &str) -> Vec<Finding> {
    let host = |url: &str| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        rest.split(['/', ':']).next().unwrap_or_default().to_ascii_lowercase()
    };
    let own = host(issuer);
    let Some((_, own)) = ISSUERS.into_iter().find(|(end, _)| own.ends_with(end)) else { return Vec::new() };
    let mut found: Vec<Finding> = Vec::new();
    for entry in judged.entries.iter().filter(|entry| !entry.presented.is_empty()) {
        let authority = containers(&entry.after)
            .filter_map(|container| env(container, "AZURE_AUTHORITY_HOST")?.get("value")?.as_str())
            .find_map(|value| {
                AUTHORITIES.into_iter().find(|(end, cloud)| host(value) == *end && *cloud != own)
            });
        let Some((authority, cloud)) = authority else { continue };
        let Some(object) = judged.objects.get(entry.object) else { continue };
        let message = format!("its token is of an issuer of {own} and goes to {authority}, which is {cloud}");
        let mut finding = object.finding(namespace, Severity::Warning, "other-cloud", &[], message);
        finding.fix = Some("compare the policy's setting azureEnvironment, or the container's AZURE_AUTHORITY_HOST, with the cluster's cloud".to_owned());
        if found.last().is_none_or(|last| last.location != finding.location) {
            found.push(finding);
        }
    }
    found
}
