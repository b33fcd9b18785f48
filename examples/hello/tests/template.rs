//! The template is this application: rendered, it says what this crate says, and compiles.

mod outside_project;

use std::fs;
use std::path::Path;

use outside_project::{check_compiles, root};

/// A file of the template as `cargo generate --name hello` renders it.
fn rendered(file: &str) -> String {
    let text = fs::read_to_string(root().join("template").join(file)).expect("the template has it");
    let text = text.replace("{{crate_name}}", "hello").replace("{{project-name}}", "hello");
    let repository = "git = \"{{repository}}\"";
    // Each package by the path that Cargo would find in the repository.
    let line = |line: &str| match line.split(' ').next() {
        Some(package) if line.contains(repository) => {
            let layer = match package {
                "apostate" => "agnostic",
                "apostate-server" => "edge",
                "apostate-test" => "sim",
                other => panic!("no package of this repository: {other}"),
            };
            line.replace(repository, &format!("path = \"{}/{layer}/{package}\"", root().display()))
        }
        _ => line.to_owned(),
    };
    let text: String = text.lines().map(|text| line(text) + "\n").collect();
    assert!(!text.contains("{{") && !text.contains("{%"), "a placeholder that is not known here: {text}");
    text
}

#[test]
fn a_project_made_of_the_template_is_this_application_and_compiles() {
    let dir = tempfile::tempdir().expect("a directory");
    for file in ["src/lib.rs", "src/main.rs", "tests/seeds.rs"] {
        let here = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("it is there");
        let rendered = rendered(file);
        assert_eq!(rendered, here, "template/{file} is not examples/hello/{file}");
        let copy = dir.path().join(file);
        fs::create_dir_all(copy.parent().expect("a folder")).expect("made");
        fs::write(copy, rendered).expect("written");
    }
    check_compiles(dir.path(), &rendered("Cargo.toml.liquid"));
}
