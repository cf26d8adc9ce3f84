//! What was found, for other programs.

pub mod azure;
pub mod github;
pub mod gitlab;
pub mod json;
pub mod junit;
pub mod manifests;
pub mod sarif;
pub mod terraform;

use crate::finding::Finding;

/// The whole of a finding in one text: the object, what is wrong, and what to do.
pub(crate) fn text(finding: &Finding) -> String {
    let object = finding.object.to_string();
    let object = if object.is_empty() { String::new() } else { format!("{object}: ") };
    format!("{object}{}", finding.sentence())
}

/// A path as a URI: relative ones stay so, and what is no part of a URI is encoded (RFC 3986).
pub(crate) fn uri(file: &str) -> String {
    let plain = file.strip_prefix("./").unwrap_or(file).replace('\\', "/");
    plain.bytes().fold(String::new(), |mut uri, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.extend([format!("%{byte:02X}")]);
        }
        uri
    })
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn encodes_what_is_no_part_of_a_uri() {
        assert_eq!(uri("./a b/c#d.yaml"), "a%20b/c%23d.yaml");
        assert_eq!(uri("../x/é.yaml"), "../x/%C3%A9.yaml");
    }
}
