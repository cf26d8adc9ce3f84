//! Paths in a container, as the kernel reads them.

/// The components of a path: `/a//b/./c/../d` has `a`, `b` and `d`.
pub(crate) fn components(path: &str) -> Vec<&str> {
    let mut components = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop();
            }
            name => components.push(name),
        }
    }
    components
}

/// What is left of `path` below `folder`; nothing for the folder itself, `None` where it is elsewhere.
pub(crate) fn below(path: &str, folder: &str) -> Option<String> {
    let (path, folder) = (components(path), components(folder));
    path.strip_prefix(&folder[..]).map(|rest| rest.join("/"))
}

/// The folder from which `rest` leads to `path`; `None` where `path` does not end with it.
pub(crate) fn folder_of(path: &str, rest: &str) -> Option<String> {
    let (path, rest) = (components(path), components(rest));
    path.strip_suffix(&rest[..]).map(|folder| format!("/{}", folder.join("/")))
}

/// Whether both lead to the same place.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one == other || (one.starts_with('/') && other.starts_with('/') && components(one) == components(other))
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
            ("/a", "/", Some("a")),
        ] {
            assert_eq!(below(path, folder).as_deref(), rest, "{path} below {folder}");
        }
        assert_eq!(folder_of("/a/b/token/file", "token/file").as_deref(), Some("/a/b"));
        assert_eq!(folder_of("/a/tokens/file", "token/file"), None);
    }
}
