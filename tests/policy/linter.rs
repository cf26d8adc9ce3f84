//! The manners of a linter: exit statuses, a configuration, what is accepted or known before, and the forms for other programs.

use serde_json::{Value, json};

use crate::folder::{Folder, SETTINGS, account, deployment};

#[test]
fn keeps_the_manners_of_a_linter() {
    let bare = account("web", "");
    let accepted = bare.replace(
        "  annotations:\n",
        "  annotations:\n    accept.azwi-policy/no-label: \"a hook's account, copied by the chart\"\n",
    );
    let files = [
        ("settings.yaml", SETTINGS),
        ("a/account.yaml", bare.as_str()),
        ("a/web.yaml", &deployment("serviceAccountName: web, ")),
        ("vendor/broken.yaml", "a: ["),
        ("built/broken.yaml", "a: ["),
        (".gitignore", "built/\n"),
    ];
    let folder = Folder::new("manners", &files);
    let (_, err, status) = folder.check(&["--settings", "settings.yaml", "."]);
    assert!(status == 2 && err.contains("vendor/broken.yaml:1:5") && !err.contains("built"), "{err}");
    let (out, err, status) =
        folder.check(&["--settings", "settings.yaml", "--exclude", "vendor", "--fail-on", "warning", "."]);
    assert!(status == 1 && !err.contains("vendor") && out.contains("names an identity"), "{out}{err}");
    // The configuration says the same.
    std::fs::write(
        folder.0.join(".azwi-policy.yaml"),
        "settings: settings.yaml\nexclude: [vendor]\nfailOn: warning\n",
    )
    .unwrap();
    let (out, _, status) = folder.check(&["."]);
    assert!(status == 1 && out.contains("names an identity"), "{out}");
    // A baseline holds what was known, and a line above moves nothing out of it.
    let (.., status) = folder.check(&["--write-baseline", "known.json", "."]);
    assert_eq!(status, 1);
    std::fs::write(folder.0.join("a/account.yaml"), format!("# moved\n{bare}")).unwrap();
    let (out, err, status) = folder.check(&["--baseline", "known.json", "."]);
    assert!(
        status == 0 && err.contains("1 known before") && !out.contains("names an identity"),
        "{out}{err}"
    );
    // An annotation accepts it, with a reason.
    std::fs::write(folder.0.join("a/account.yaml"), &accepted).unwrap();
    let (out, err, status) = folder.check(&["."]);
    assert!(status == 0 && err.contains("1 accepted") && !out.contains("names an identity"), "{out}{err}");
    std::fs::write(
        folder.0.join("a/account.yaml"),
        accepted.replace("a hook's account, copied by the chart", ""),
    )
    .unwrap();
    let (_, err, status) = folder.check(&["."]);
    assert!(
        status == 1 && err.contains("accept.azwi-policy/no-label gives no reason, and accepts nothing"),
        "{err}"
    );
    // What the configuration does not have is told with its line.
    std::fs::write(folder.0.join(".azwi-policy.yaml"), "settings: settings.yaml\nexcludes: [vendor]\n")
        .unwrap();
    let (_, err, status) = folder.check(&["."]);
    assert!(
        status == 2 && err.contains(".azwi-policy.yaml:2: unknown field `excludes`, expected one of"),
        "{err}"
    );
}

/// The page's configuration, annotation and options are real.
#[test]
fn takes_the_configuration_and_the_annotation_of_the_page() {
    let page = crate::common::file("docs/check.md");
    let block = |rest: &str| rest.split_once('\n').unwrap().1.split("```").next().unwrap().to_owned();
    let blocks: Vec<String> = page.split("```yaml").skip(1).map(block).collect();
    let [account, configuration] = &blocks[..] else { panic!("{blocks:?}") };
    let credentials = crate::common::file("examples/walkthrough/federated-credentials.json");
    let files = [
        (".azwi-policy.yaml", configuration.as_str()),
        ("settings.yaml", SETTINGS),
        ("federated-credentials.json", credentials.as_str()),
        ("known.json", "[]"),
        ("a/account.yaml", account.as_str()),
        ("a/web.yaml", &deployment("serviceAccountName: web, ")),
        ("node_modules/x.yaml", "a: ["),
        ("a/x.tmpl.yaml", "a: ["),
    ];
    let folder = Folder::new("page", &files);
    let (out, err, _) = folder.check(&["."]);
    assert!(
        err.contains("1 accepted")
            && !err.contains("not readable\nError")
            && err.contains(", 0 not readable"),
        "{out}{err}"
    );
    for option in page.split("\n| `--").skip(1).map(|row| row.split(['`', ' ']).next().unwrap()) {
        let help = folder.check(&["--help"]).0;
        assert!(help.contains(&format!("--{option}")), "--{option}");
    }
}

/// Every form at once, each in its file, and each of them what its reader expects.
#[test]
fn writes_each_form_for_its_reader() {
    let text = format!(
        "# Source: shop/templates/account.yaml\n{}---\n{}",
        account("web", ""),
        deployment("serviceAccountName: web, ")
    );
    let folder = Folder::new("forms", &[("settings.yaml", SETTINGS), ("a b#.yaml", &text)]);
    let forms = ["json", "sarif", "github", "azure", "gitlab", "junit", "yaml"];
    let outputs: Vec<String> =
        forms.iter().flat_map(|form| ["-o".to_owned(), format!("{form}={form}.out")]).collect();
    let mut arguments = vec!["--settings", "settings.yaml", "a b#.yaml"];
    arguments.extend(outputs.iter().map(String::as_str));
    let (out, _, status) = folder.check(&arguments);
    assert!(status == 0 && out.contains("at a b#.yaml:4:1 (shop/templates/account.yaml)"), "{out}");
    let lines = folder.read("json.out");
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["file"], &first["source"], &first["line"], &first["rule"], &first["related"][0]["object"]),
        (
            &json!("a b#.yaml"),
            &json!("shop/templates/account.yaml"),
            &json!(4),
            &json!("no-label"),
            &json!("Deployment team/web")
        )
    );
    let log: Value = serde_json::from_str(&folder.read("sarif.out")).unwrap();
    let run = &log["runs"][0];
    let result = &run["results"][0];
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&json!("a%20b%23.yaml"), &json!(4))
    );
    assert_eq!(result["relatedLocations"][0]["message"]["text"], "Deployment team/web");
    assert!(result["partialFingerprints"]["azwiPolicy/v1"].as_str().unwrap().len() == 32);
    let rule = &run["tool"]["driver"]["rules"][0];
    assert!(
        rule["id"] == "no-label"
            && !rule["shortDescription"]["text"].as_str().unwrap().is_empty()
            && rule["helpUri"].as_str().unwrap().ends_with("troubleshooting.md"),
        "{rule}"
    );
    assert!(
        folder
            .read("github.out")
            .starts_with("::warning file=a b#.yaml,line=4,col=1,title=no-label::ServiceAccount team/web: ")
    );
    assert!(folder.read("azure.out").starts_with(
        "##vso[task.logissue type=warning;sourcepath=a b#.yaml;linenumber=4;columnnumber=1;code=no-label]"
    ));
    let issues: Value = serde_json::from_str(&folder.read("gitlab.out")).unwrap();
    assert_eq!(
        (&issues[0]["location"]["lines"]["begin"], &issues[0]["severity"]),
        (&json!(4), &json!("minor"))
    );
    assert!(
        folder
            .read("junit.out")
            .contains("<testcase classname=\"a b#.yaml\" name=\"ServiceAccount team/web\">")
    );
    assert!(folder.read("yaml.out").contains("kind: ServiceAccount"));
}
