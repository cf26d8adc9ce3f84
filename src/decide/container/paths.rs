//! Paths in a container, as the kernel resolves them.

use std::borrow::Cow;

use crate::object::pod::Os;

/// The path without `//`, `.`, `..` and the trailing slash; the root is empty. A relative path starts at the root, as in the kubelet's
/// `mountPath` (`pkg/kubelet/kubelet_pods.go`, `makeMounts`).
pub(crate) fn clean(path: &str) -> Cow<'_, str> {
    if is_clean(path) {
        return Cow::Borrowed(path);
    }
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    let mut clean = String::with_capacity(path.len() + 1);
    for name in names {
        clean.push('/');
        clean.push_str(name);
    }
    Cow::Owned(clean)
}

/// Whether a path is already clean, as nearly all are. Checks byte by byte, because a path can be a megabyte long.
fn is_clean(path: &str) -> bool {
    // Dots since the last slash; none counts once the name has another character.
    let mut dots = Some(0);
    let ends = |dots: Option<u8>| matches!(dots, Some(0..=2));
    let mut bytes = path.bytes();
    if bytes.next() != Some(b'/') {
        return false;
    }
    for byte in bytes {
        dots = match (byte, dots) {
            (b'/', dots) if ends(dots) => return false,
            (b'/', _) => Some(0),
            (b'.', Some(dots @ 0..=1)) => Some(dots + 1),
            _ => None,
        };
    }
    !ends(dots)
}

/// A normal form that is the same for all paths to one place. In nearly every image `/var/run` is a link to `/run`. On Windows, a path can
/// have a drive and backslashes, and its case does not matter.
pub(crate) fn resolved(path: &str, os: Os) -> Cow<'_, str> {
    let clean = match os {
        Os::Other => clean(path),
        Os::Windows => Cow::Owned(clean(&of_windows(path)).to_ascii_lowercase()),
    };
    match clean.strip_prefix("/run") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Cow::Owned(format!("/var/run{rest}")),
        Some(_) | None => clean,
    }
}

/// A path of Windows with slashes, and without its drive.
fn of_windows(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut chars = path.chars();
    let has_drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':');
    if has_drive { chars.as_str().to_owned() } else { path }
}

/// Whether a path begins at the root of the file system.
pub(crate) fn is_absolute(path: &str, os: Os) -> bool {
    match os {
        Os::Other => path.starts_with('/'),
        Os::Windows => of_windows(path).starts_with('/'),
    }
}

/// The rest of a resolved path below a resolved folder: empty for the folder itself, `None` if the path is not in the folder.
pub(crate) fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// The folder in which `rest`, a clean path in a volume, is at `path`. `None` if `path` does not end with `rest`.
pub(crate) fn folder_of(path: &str, rest: &str, os: Os) -> Option<String> {
    if rest.len() >= path.len() {
        return None;
    }
    let path = match os {
        Os::Other => Cow::Borrowed(path),
        Os::Windows => Cow::Owned(of_windows(path)),
    };
    let folder = clean(&path).strip_suffix(rest)?.strip_suffix('/')?.to_owned();
    Some(if folder.is_empty() { "/".to_owned() } else { folder })
}

/// Whether both lead to the same place.
pub(crate) fn is_same_path(one: &str, other: &str, os: Os) -> bool {
    one == other
        || (is_absolute(one, os) && is_absolute(other, os) && resolved(one, os) == resolved(other, os))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paths_as_the_kernel_does() {
        for (path, folder, rest) in [
            ("/a/b/c", "/a", Some("b/c")),
            ("/a//./b/x/../c", "/a/b/", Some("c")),
            ("/a/b", "/a/b", Some("")),
            ("/a/bc", "/a/b", None),
            ("own", "/a", None),
            ("own/x", "/own", Some("x")),
            ("/a", "/", Some("a")),
            ("/", "/", Some("")),
            ("/..", "/", Some("")),
            ("/run/x", "/var/run", Some("x")),
            ("/running/x", "/var/run", None),
        ] {
            let [path, folder] = [path, folder].map(|path| resolved(path, Os::Other));
            assert_eq!(below(&path, &folder), rest, "{path} below {folder}");
        }
        let folder = |path, rest| folder_of(path, rest, Os::Other);
        assert_eq!(folder("/a/b/token/file", "token/file").as_deref(), Some("/a/b"));
        assert_eq!(folder("/a/b//token/./file", "token/file").as_deref(), Some("/a/b"));
        assert_eq!(folder("/run/b/file", "file").as_deref(), Some("/run/b"));
        assert_eq!(folder("/file", "file").as_deref(), Some("/"));
        assert_eq!(folder("/a/tokens/file", "token/file"), None);
        assert_eq!(folder("/a/token/file", "oken/file"), None);
    }

    #[test]
    fn tells_a_clean_path_from_one_that_is_not() {
        for path in ["/a", "/a/b.c/..d/...", "/.a/b", "/a./b.."] {
            assert!(is_clean(path) && clean(path) == path, "{path}");
        }
        for path in ["", "/", "a", "/a/", "/a//b", "/a/./b", "/a/../b", "/a/.", "/a/..", "/./a"] {
            assert!(!is_clean(path) && clean(path) != path || path.is_empty(), "{path}");
        }
    }

    #[test]
    fn reads_paths_as_windows_does() {
        for (one, other) in [
            (r"C:\var\run\secrets\azure\wi", "/var/run/secrets/azure/wi"),
            (r"c:/Var/RUN\secrets\..\x", "/var/run/x"),
        ] {
            assert!(is_same_path(one, other, Os::Windows), "{one}");
            assert!(!is_same_path(one, other, Os::Other), "{one}");
        }
        assert!(!is_same_path("x", "/x", Os::Windows) && !is_same_path("/x", "/y", Os::Windows));
        assert_eq!(folder_of(r"C:\a\token\file", "token/file", Os::Windows).as_deref(), Some("/a"));
    }
}
